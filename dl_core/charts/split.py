"""How a dataset is cut into train, valid and test parts: a bar of shares, or stretches of time.

data: parts [{name, rows, start, end, folds}] in order; start and end (epoch seconds with x_kind 'time', else steps)
where the split goes by time; folds where a part is cut into several; optional unit (what is counted, 'rows').
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, moments, plain

_SAID = {"train": "Train", "valid": "Validation", "test": "Test"}


def draw(data: dict, style: Style) -> go.Figure:
    colours = {"train": style.accent, "valid": style.series[1], "test": style.series[2]}
    parts, unit = data["parts"], data.get("unit", "rows")
    timed = all(part.get("start") is not None for part in parts)
    total = sum(part["rows"] for part in parts) or 1
    figure = style.figure(height=136, barmode="overlay" if timed else "stack", bargap=0.2, margin={"l": 0, "r": 0})
    start = 0
    for number, part in enumerate(parts):
        name, folds = _SAID.get(part["name"], plain(part["name"])), part.get("folds") or 1
        name += f", in {folds} folds" if folds > 1 else ""
        share = part["rows"] / total
        low, high = (part["start"], part["end"]) if timed else (start, start + part["rows"])
        start = high
        base, length, middle, end = low, high - low, (low + high) / 2, high
        if timed and data.get("x_kind") == "time":
            base, middle, end = moments([low, middle, high])
            length *= 1000  # Plotly counts the length of a stretch of time in milliseconds
        figure.add_trace(
            go.Bar(
                orientation="h",
                base=[base + fold * length / folds for fold in range(folds)] if folds > 1 else [base],
                x=[length / folds] * folds,
                y=[0] * folds,
                width=0.6,
                marker={"color": colours.get(part["name"], style.role(None, number)), "cornerradius": 4,
                        "line": {"color": style.paper, "width": 2}},
                hovertemplate=f"{name}: {part['rows']:,} {plain(unit)}, {share:.0%} of the whole<extra></extra>",
            )
        )  # fmt: skip
        # names stand at the ends of the bar where they can, so that a narrow figure keeps them apart
        place, anchor = middle, "center"
        if number == 0:
            place, anchor = base, "left"
        elif number == len(parts) - 1:
            place, anchor = end, "right"
        figure.add_annotation(
            x=place, y=0.42, xanchor=anchor, align=anchor, yanchor="bottom", showarrow=False, borderpad=0,
            font={"size": 12, "color": style.muted}, text=f"<b>{name}</b><br>{share:.0%}",
        )  # fmt: skip
    figure.update_yaxes(visible=False, range=[-0.5, 1.5])
    figure.update_xaxes(visible=timed, showgrid=False)
    if data.get("x_kind") == "time":
        figure.update_xaxes(type="date")
    if not timed:
        figure.update_xaxes(range=[0, total])
        figure.update_layout(height=100)
    return figure

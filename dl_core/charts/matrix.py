"""A confusion matrix: rows are the truth, columns the prediction, colour is the share of the row.

data: labels, counts (rows x columns).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain

_MOST_NUMBERS = 12


def draw(data: dict, style: Style) -> go.Figure:
    labels = [plain(label, 22) for label in data["labels"]]
    counts = data["counts"]
    totals = [sum(row) for row in counts]
    shares = [[count / total if total else 0.0 for count in row] for row, total in zip(counts, totals, strict=True)]
    hover = [
        [
            f"{counts[row][column]:,} of {totals[row]:,} “{labels[row]}” were "
            + ("recognised" if row == column else f"taken for “{labels[column]}”")
            + f" ({shares[row][column]:.1%})."
            for column in range(len(labels))
        ]
        for row in range(len(labels))
    ]
    places = list(range(len(labels)))
    figure = style.figure(height=min(720, max(300, 110 + 44 * len(labels))))
    figure.add_trace(
        go.Heatmap(
            z=shares,
            x=places,
            y=places,
            zmin=0,
            zmax=1,
            colorscale=[list(stop) for stop in style.sequential],
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    if len(labels) <= _MOST_NUMBERS:
        for row in places:
            for column in places:
                share = shares[row][column]
                figure.add_annotation(
                    x=column,
                    y=row,
                    text=f"{counts[row][column]:,}<br>{_percent(share)}"
                    if len(labels) <= 6
                    else f"{counts[row][column]:,}",
                    showarrow=False,
                    font={"size": 12, "color": style.on_accent if share > style.accent_from else style.text},
                )
    figure.update_xaxes(title_text="Predicted", tickvals=places, ticktext=labels, side="bottom", showgrid=False)
    figure.update_yaxes(
        title_text="True", tickvals=places, ticktext=labels, range=[len(labels) - 0.5, -0.5], showgrid=False
    )
    return figure


def _percent(share: float) -> str:
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    return "< 0.1 %" if share < 0.001 else f"{share * 100:.1f} %"

"""Horizontal bars, one per label, the first on top, the values in a column at the right.

data: labels, values; optional intervals ([low, high] or null each), roles (as Style.role, or null), x_title, hover (a
sentence each).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain, title
from dl_core.report import significant


def draw(data: dict, style: Style) -> go.Figure:
    labels = [plain(label) for label in data["labels"]]
    values = data["values"]
    intervals = data.get("intervals") or [None] * len(values)
    roles = data.get("roles") or ["accent"] * len(values)
    hover = data.get("hover") or [
        f"{label}: {_ranged(*pair)}" for label, *pair in zip(labels, values, intervals, strict=True)
    ]
    ends = [(interval or (value, value)) for value, interval in zip(values, intervals, strict=True)]
    bars = go.Bar(
        orientation="h",
        x=values,
        y=list(range(len(values))),
        marker={"color": [style.role(role, number) for number, role in enumerate(roles)], "cornerradius": 3},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)],
            "arrayminus": [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)],
            "color": style.soft(style.text, 0.6),
            "thickness": 1.4,
            "width": 0,
            "visible": any(intervals),
        },
        customdata=[plain(sentence, 200) for sentence in hover],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure = style.figure(height=56 + 30 * max(1, len(values)), bargap=0.35)
    figure.add_trace(bars)
    for row, value in enumerate(values):
        figure.add_annotation(
            x=1, xref="paper", xanchor="left", xshift=10, y=row, text=_said(value), showarrow=False,
            font={"size": 12, "color": style.muted},
        )  # fmt: skip
    figure.update_xaxes(
        title_text=title(data.get("x_title", "")),
        zeroline=True,
        zerolinecolor=style.grid,
    )
    figure.update_layout(margin_r=72)
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=labels,
        range=[len(labels) - 0.5, -0.5],
        showgrid=False,
        tickfont={"color": style.text, "size": 13},
    )
    return figure


def _said(value: float) -> str:
    """As the axis writes it: with a minus sign, and a bare 0."""
    said = significant(value) if value else "0"
    return f"−{said[1:]}" if said.startswith("-") else said


def _ranged(value: float, interval: list[float] | None) -> str:
    if interval is None:
        return significant(value)
    return f"{significant(value)} (between {significant(interval[0])} and {significant(interval[1])})"

"""Dots with whiskers, one row each, the first on top: scores with their intervals.

data: rows [{name, value, low, high, role}], x_title; optional reference {value, name} (a vertical line).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain, title
from dl_core.report import significant


def draw(data: dict, style: Style) -> go.Figure:
    rows = [row for row in data["rows"] if row["value"] is not None]
    scale = title(data.get("x_title", "Score"))
    figure = style.figure(height=64 + 32 * max(1, len(rows)))
    for place, row in enumerate(rows):
        colour = style.role(row.get("role"), 0)
        low, high = row.get("low"), row.get("high")
        said = f"<b>{plain(row['name'])}</b><br>{scale} {significant(row['value'])}"
        if low is not None and high is not None:
            said += f"<br>95 % between {significant(low)} and {significant(high)}"
            figure.add_trace(go.Scatter(x=[low, high], y=[place, place], mode="lines", hoverinfo="skip",
                                        line={"color": style.soft(colour, 0.55), "width": 3}))  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[row["value"]],
                y=[place],
                mode="markers",
                marker={"color": colour, "size": 11, "line": {"color": style.paper, "width": 1.5}},
                hovertemplate=said + "<extra></extra>",
            )
        )
    if data.get("reference"):
        figure.add_vline(
            x=data["reference"]["value"],
            line={"color": style.baseline, "width": 1.2, "dash": "dot"},
            annotation_text=plain(data["reference"].get("name", "")),
            annotation_position="top",
            annotation_font={"size": 11, "color": style.muted},
        )
        figure.update_layout(margin_t=28)
    figure.update_xaxes(title_text=scale, range=_range(rows))
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[plain(row["name"], 40) for row in rows],
        tickfont={"color": style.text, "size": 13},
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
    )
    return figure


def _range(rows: list[dict]) -> list[float] | None:
    ends = [row[key] for row in rows for key in ("value", "low", "high") if row.get(key) is not None]
    room = 0.06 * (max(ends) - min(ends)) if ends else 0.0
    return [min(ends) - room, max(ends) + room] if room else None

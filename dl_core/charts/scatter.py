"""Points: actual against predicted, residuals against predicted, feature against target.

data: x, y, x_title, y_title; optional line 'diagonal' (x = y) or 'zero' (y = 0), names (one per point).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, along, plain, title


def draw(data: dict, style: Style) -> go.Figure:
    x, y = along(data), data["y"]
    figure = style.figure(height=360)
    names = [plain(name) for name in data["names"]] if data.get("names") else None
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            marker={"color": style.accent, "size": 6, "opacity": max(0.15, min(0.7, 400 / max(1, len(x))))},
            text=names,
            hovertemplate=("<b>%{text}</b><br>" if names else "")
            + f"{plain(data['x_title'])} %{{x:.4~g}}, {plain(data['y_title']).lower()} %{{y:.4~g}}<extra></extra>",
        )
    )
    if data.get("line") and x:
        both = [*x, *y] if data["line"] == "diagonal" else x
        ends = [min(both), max(both)]
        figure.add_trace(
            go.Scatter(
                x=ends,
                y=ends if data["line"] == "diagonal" else [0, 0],
                mode="lines",
                line={"color": style.baseline, "width": 1.4, "dash": "dot"},
                hoverinfo="skip",
            )
        )
    figure.update_xaxes(title_text=title(data["x_title"]))
    figure.update_yaxes(title_text=title(data["y_title"]))
    return figure

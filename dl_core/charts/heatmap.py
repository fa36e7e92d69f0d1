"""A grid of values: errors by series and step, correlations.

data: x, y (labels), z (rows x columns); optional x_title, y_title, z_title, diverging (colours meet at zero).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain, title


def draw(data: dict, style: Style) -> go.Figure:
    known = [abs(value) for row in data["z"] for value in row if value is not None]
    diverging = data.get("diverging", False)
    scale = style.diverging if diverging else style.sequential
    figure = style.figure(height=min(760, max(220, 100 + 24 * len(data["y"]))))
    figure.add_trace(
        go.Heatmap(
            z=data["z"],
            x=[plain(label, 22) for label in data["x"]],
            y=[plain(label, 28) for label in data["y"]],
            colorscale=[list(stop) for stop in scale],
            zmid=0 if diverging else None,
            zmin=-max(known, default=1) if diverging else None,
            zmax=max(known, default=1) if diverging else None,
            xgap=1,
            ygap=1,
            colorbar={"thickness": 8, "outlinewidth": 0, "tickfont": {"size": 11, "color": style.muted}},
            hovertemplate=f"{plain(data.get('z_title', 'Value'))} %{{z:.3~g}} for %{{y}}, %{{x}}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text=title(data.get("x_title", "")), showgrid=False, type="category")
    figure.update_yaxes(
        title_text=title(data.get("y_title", "")), showgrid=False, type="category", autorange="reversed"
    )
    return figure

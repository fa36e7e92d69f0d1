"""Forecasts with their bands behind the history, one small picture per series.

data: series [{name, history {x, y}, x, median, bands [{level, low, high}], actual (optional)}], y_title; optional
x_kind 'time' (x in epoch seconds).
"""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dl_core.charts.style import Style, along, plain

_OPACITY = {50: 0.30, 80: 0.16}


def draw(data: dict, style: Style) -> go.Figure:
    count = max(1, len(data["series"]))
    figure = make_subplots(rows=count, cols=1, vertical_spacing=min(0.12, 0.36 / count))
    figure.update_layout(template=style.template(), height=90 + (300 if count == 1 else 210 * count), showlegend=True)
    figure.update_layout(margin_t=44, legend_y=1.0 + 24 / (90 + 210 * count))
    for row, series in enumerate(data["series"], start=1):
        _one(figure, row, data, series, style)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(title_text=plain(data.get("y_title", ""), 24))
    return figure


def _one(figure: go.Figure, row: int, data: dict, series: dict, style: Style) -> None:
    first = row == 1
    past = along({**data, "x": series["history"]["x"]})
    ahead = along({**data, "x": series["x"]})

    def add(trace: go.Scatter) -> None:
        figure.add_trace(trace, row=row, col=1)

    # forecast and bands begin at the last known value, so that nothing hangs in the air
    known = bool(past) and series["history"]["y"][-1] is not None
    start, value = ([past[-1]], [series["history"]["y"][-1]]) if known else ([], [])
    for band in sorted(series["bands"], key=lambda band: -band["level"]):
        add(
            go.Scatter(
                x=[*start, *ahead, *reversed(ahead)],
                y=[*value, *band["high"], *reversed(band["low"])],
                fill="toself",
                fillcolor=style.soft(style.accent, _OPACITY.get(band["level"], 0.2)),
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                name=f"{band['level']} % band",
                legendgroup=f"band{band['level']}",
                showlegend=first,
            )
        )
    quiet = {"color": style.muted, "width": 1.4}
    add(go.Scatter(x=past, y=series["history"]["y"], mode="lines", line=quiet, name="History", legendgroup="history",
                   showlegend=first, hovertemplate="%{y:.4~g} on %{x}<extra></extra>"))  # fmt: skip
    if series.get("actual") is not None:
        add(go.Scatter(x=ahead, y=series["actual"], mode="lines", line={"color": style.text, "width": 1.8},
                       name="What happened", legendgroup="actual", showlegend=first,
                       hovertemplate="%{y:.4~g} happened on %{x}<extra></extra>"))  # fmt: skip
    outer = max(series["bands"], key=lambda band: band["level"], default=None)
    said = "Forecast %{y:.4~g} on %{x}"
    if outer:
        said += f"<br>{outer['level']} % between %{{customdata[0]:.4~g}} and %{{customdata[1]:.4~g}}"
    add(
        go.Scatter(
            x=[*start, *ahead],
            y=[*value, *series["median"]],
            mode="lines+markers" if len(ahead) == 1 else "lines",
            line={"color": style.accent, "width": 2.4},
            name="Forecast",
            legendgroup="forecast",
            showlegend=first,
            customdata=list(zip([*value, *outer["low"]], [*value, *outer["high"]], strict=True)) if outer else None,
            hovertemplate=said + "<extra></extra>",
        )
    )
    if len(data["series"]) > 1 and series.get("name"):
        figure.add_annotation(
            text=f"<b>{plain(series['name'])}</b>", x=0, y=1, xref="x domain" if first else f"x{row} domain",
            yref="y domain" if first else f"y{row} domain", xanchor="left", yanchor="bottom", showarrow=False,
            font={"size": 12, "color": style.text},
        )  # fmt: skip

"""A curve in the unit square: ROC, precision against recall, calibration.

data: series [{name, x, y, role, markers, counts}], x_title, y_title; optional diagonal (what guessing, or perfect
calibration, would draw) and diagonal_name, level (a horizontal line, what guessing would draw) and level_name, sentence
(what a point says, with {x} and {y} for its percentages).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain, title


def draw(data: dict, style: Style) -> go.Figure:
    figure = style.figure(height=360)
    if data.get("diagonal"):
        _reference(figure, style, [0, 1], [0, 1], data.get("diagonal_name", ""))
    if data.get("level") is not None:
        _reference(figure, style, [0, 1], [data["level"]] * 2, data.get("level_name", ""))
    default = f"{plain(data['y_title'])} {{y}} at {plain(data['x_title']).lower()} {{x}}."
    sentence = data.get("sentence", default).replace("{x}", "%{x:.1%}").replace("{y}", "%{y:.1%}")
    for number, series in enumerate(data["series"]):
        counts = series.get("counts")
        figure.add_trace(
            go.Scatter(
                x=series["x"],
                y=series["y"],
                name=plain(series["name"]),
                mode="lines+markers" if series.get("markers") else "lines",
                line={
                    "color": style.role(series.get("role"), number),
                    "width": 2.4,
                    "shape": series.get("shape", "linear"),
                },
                marker={"size": _sizes(counts) if counts else 7},
                customdata=counts,
                hovertemplate=f"<b>{plain(series['name'])}</b><br>{sentence}"
                + ("<br>%{customdata:,} samples" if counts else "")
                + "<extra></extra>",
            )
        )
    many = len(data["series"]) > 1
    figure.update_layout(showlegend=many, margin_t=40 if many else 16)
    percent = {"range": [-0.02, 1.02], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    figure.update_xaxes(title_text=title(data["x_title"]), **percent)
    figure.update_yaxes(title_text=title(data["y_title"]), **percent)
    return figure


def _reference(figure: go.Figure, style: Style, x: list, y: list, name: str) -> None:
    figure.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line={"color": style.baseline, "width": 1.2, "dash": "dot"},
                   hoverinfo="skip", showlegend=False)
    )  # fmt: skip
    if name:
        rising = y[1] > y[0]
        figure.add_annotation(
            x=0.98,
            y=y[1] if not rising else 0.64,  # below the diagonal, with room for the word on a narrow page
            text=plain(name),
            showarrow=False,
            xanchor="right",
            yanchor="bottom" if not rising else "top",
            font={"size": 12, "color": style.muted},
        )


def _sizes(counts: list[int]) -> list[float]:
    most = max(counts) or 1
    return [5 + 9 * (count / most) ** 0.5 for count in counts]

"""Lines over an axis: learning curves, a series, scores over time.

data: series [{name, x, y, role, dash, shape, markers, dots}], x_title, y_title (markers: points on the line; dots:
points without one); optional x_kind 'time' (x in epoch seconds), log_y, zero (a line at zero), y_range [low, high],
band {low, high} between which nothing is unusual.
"""

import math

import plotly.graph_objects as go

from dl_core.charts.style import Style, along, plain, title

_MOST_LABELS, _LONGEST_LABEL = 6, 14


def draw(data: dict, style: Style) -> go.Figure:
    figure = style.figure(height=320)
    spoken = [series for series in data["series"] if series.get("role") != "quiet" and series.get("name")]
    longest = max((len(series["name"]) for series in spoken), default=0)  # beside the lines there is little room
    direct = (
        len(spoken) <= _MOST_LABELS
        and longest <= _LONGEST_LABEL
        and _apart(spoken, data.get("log_y", False))
        and _inside(spoken, data.get("y_range"))
    )
    number = 0
    for series in sorted(data["series"], key=lambda series: series.get("role") != "quiet"):
        role = series.get("role")
        colour = style.role(role, number)
        number += role is None
        name = plain(series.get("name", ""))
        figure.add_trace(
            go.Scatter(
                x=along({**data, **series}),
                y=series["y"],
                name=name,
                mode=_mode(series),
                line={
                    "color": colour,
                    "width": 1.2 if role == "quiet" else 2.4 if role == "accent" else 1.8,
                    "dash": series.get("dash") or ("dot" if role == "baseline" else "solid"),
                    "shape": series.get("shape", "linear"),
                },
                marker={"size": 6},
                connectgaps=False,
                showlegend=not direct and series in spoken,
                hovertemplate=f"<b>{name}</b><br>{plain(data.get('y_title', 'value'))} %{{y:.4~g}} at "
                f"{plain(data.get('x_title') or 'x')} %{{x}}<extra></extra>",
            )
        )
        if direct and series in spoken and series["y"]:
            _label(figure, data, series, name, colour, style)
    if "band" in data:
        figure.add_hrect(
            y0=data["band"]["low"], y1=data["band"]["high"], fillcolor=style.soft(style.baseline, 0.14), line_width=0
        )
    if data.get("zero"):
        figure.add_hline(y=0, line={"color": style.baseline, "width": 1})
    beside = 16 + 7 * longest if direct and spoken else 16
    figure.update_layout(showlegend=not direct, margin_r=beside, margin_t=16 if direct else 40)
    everywhere = [place for series in data["series"] for place in along({**data, **series})]
    ends = [min(everywhere), max(everywhere)] if everywhere and min(everywhere) != max(everywhere) else None
    if ends and any(_mode(series) != "lines" for series in data["series"]):
        room = (ends[1] - ends[0]) * 0.015  # a marker at the edge is drawn whole
        ends = [ends[0] - room, ends[1] + room]
    figure.update_xaxes(title_text=title(data.get("x_title", "")), showgrid=False, range=ends)
    kind = "log" if data.get("log_y") else "linear"
    figure.update_yaxes(title_text=title(data.get("y_title", "")), type=kind, range=data.get("y_range"))
    return figure


def _mode(series: dict) -> str:
    if series.get("dots"):
        return "markers"
    return "lines+markers" if series.get("markers") or len(series["y"]) == 1 else "lines"


def _last(series: dict) -> tuple[int, float] | None:
    known = [(place, value) for place, value in enumerate(series["y"]) if value is not None and math.isfinite(value)]
    return known[-1] if known else None


def _apart(spoken: list[dict], log_y: bool) -> bool:
    """Whether the ends of the lines stand far enough from each other to carry their names."""
    values = [value for series in spoken for value in series["y"] if value is not None and math.isfinite(value)]
    ends = sorted(end[1] for series in spoken if (end := _last(series)))
    if len(ends) < 2 or not values:
        return True
    scale = (lambda value: math.log10(max(value, 1e-12))) if log_y else float
    span = scale(max(values)) - scale(min(values)) or 1.0
    return all((scale(high) - scale(low)) / span > 0.06 for low, high in zip(ends, ends[1:], strict=False))


def _inside(spoken: list[dict], y_range: list[float] | None) -> bool:
    """Whether the ends of the lines can be seen."""
    return y_range is None or all(y_range[0] <= end[1] <= y_range[1] for each in spoken if (end := _last(each)))


def _label(figure: go.Figure, data: dict, series: dict, name: str, colour: str, style: Style) -> None:
    end = _last(series)
    if end is None:
        return
    place, value = end
    figure.add_annotation(
        x=along({**data, **series})[place],
        y=math.log10(max(value, 1e-12)) if data.get("log_y") else value,
        text=name,
        showarrow=False,
        xanchor="left",
        xshift=6,
        bgcolor=style.paper,
        borderpad=2,
        font={"size": 12, "color": colour},
    )

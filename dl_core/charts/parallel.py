"""Parameter sets as lines through their values, coloured by score: what the tuner has tried.

data: axes [{name, values, log}], score, score_title, direction ('max' or 'min'); values are numbers or words.
"""

import math

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain
from dl_core.report import significant

_MOST_MARKS = 5


def draw(data: dict, style: Style) -> go.Figure:
    best_last = data.get("direction", "max") == "max"
    figure = style.figure(height=380, margin={"l": 56, "r": 56, "t": 48, "b": 24})
    score = {"label": plain(data["score_title"], 18), "values": data["score"], "tickformat": ".4~g"}
    figure.add_trace(
        go.Parcoords(
            line={
                "color": data["score"],
                "colorscale": [[0, style.quiet], [1, style.accent]],
                "reversescale": not best_last,
            },
            dimensions=[*(_axis(axis) for axis in data["axes"]), score],
            labelfont={"size": 12, "color": style.text},
            tickfont={"size": 11, "color": style.muted},
            rangefont={"size": 1, "color": style.paper},
        )
    )
    return figure


def _marks(values: list, log: bool) -> list:
    """The ticks of an axis: the values themselves where they are few, else five from end to end; whole numbers for
    whole numbers."""
    if len(set(values)) <= _MOST_MARKS:
        return sorted(set(values))
    low, high = (math.log10(min(values)), math.log10(max(values))) if log else (min(values), max(values))
    marks = [low + (high - low) * step / 4 for step in range(5)]
    marks = [10**mark for mark in marks] if log else marks
    return [round(mark) for mark in marks] if all(isinstance(value, int) for value in values) else marks


def _axis(axis: dict) -> dict:
    name, values = plain(axis["name"].replace("_", " "), 18), axis["values"]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        log = bool(axis.get("log")) and min(values) > 0
        marks = _marks(values, log)
        return {
            "label": name,
            "values": [math.log10(value) for value in values] if log else values,
            "tickvals": [math.log10(mark) for mark in marks] if log else marks,
            "ticktext": [f"{mark:,}" if isinstance(mark, int) else significant(mark) for mark in marks],
        }
    words = sorted({str(value) for value in values})
    return {
        "label": name,
        "values": [words.index(str(value)) for value in values],
        "tickvals": list(range(len(words))),
        "ticktext": [plain(word, 14) for word in words],
    }

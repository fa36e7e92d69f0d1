"""Panels become Plotly figures: one file per panel kind, one look for all of them. Light.

A kind is one file with `draw(data, style) -> Figure` and one line here; its docstring says what `data` holds.
"""

import plotly.graph_objects as go

from dl_core.charts.style import DARK, LIGHT
from dl_core.registry import Registry
from dl_core.report import Panel

KINDS = (
    "bars",
    "curve",
    "distribution",
    "fan",
    "heatmap",
    "histogram",
    "images",
    "intervals",
    "lines",
    "matrix",
    "parallel",
    "scatter",
    "split",
    "table",
)

CHARTS = Registry("chart", {kind: f"dl_core.charts.{kind}:draw" for kind in KINDS})


def figure(panel: Panel, dark: bool = False) -> go.Figure:
    """The panel as a figure. Its title and note are left to the page, which sets text better than a figure does.
    Raises SpecError for a kind that nobody draws."""
    return CHARTS.load(panel.kind)(panel.data, DARK if dark else LIGHT)

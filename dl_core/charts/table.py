"""A table as a figure, for what is saved as a picture; pages show the same panel as a real table.

data: columns, rows (a list each); numbers are rounded to three significant digits.
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, plain
from dl_core.report import significant


def draw(data: dict, style: Style) -> go.Figure:
    shown = [[significant(cell) if isinstance(cell, float) else plain(cell) for cell in row] for row in data["rows"]]
    figure = style.figure(height=60 + 28 * max(1, len(shown)))
    figure.add_trace(
        go.Table(
            header={"values": [f"<b>{plain(name)}</b>" for name in data["columns"]], "align": "left", "height": 28,
                    "fill_color": style.paper, "line_color": style.grid, "font": {"color": style.muted, "size": 12}},
            cells={"values": [list(column) for column in zip(*shown, strict=True)], "align": "left", "height": 28,
                   "fill_color": style.paper, "line_color": style.grid, "font": {"color": style.text, "size": 13}},
        )
    )  # fmt: skip
    return figure

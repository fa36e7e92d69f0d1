"""Pictures in a grid, each with a caption: a contact sheet, Grad-CAM overlays.

data: images [{source (data URI), caption}]; optional columns.
"""

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dl_core.charts.style import Style, plain


def draw(data: dict, style: Style) -> go.Figure:
    pictures = data["images"]
    wide = max(1, min(data.get("columns", 4), len(pictures)))
    rows = max(1, math.ceil(len(pictures) / wide))
    titles = [plain(picture.get("caption", ""), 26) for picture in pictures]
    figure = make_subplots(
        rows=rows, cols=wide, subplot_titles=titles, horizontal_spacing=0.02, vertical_spacing=0.1 / rows
    )
    figure.update_layout(template=style.template(), height=30 + rows * (900 // max(wide, 3)), margin_t=36)
    for place, picture in enumerate(pictures):
        figure.add_trace(
            go.Image(source=picture["source"], hovertemplate=f"{titles[place]}<extra></extra>"),
            row=place // wide + 1,
            col=place % wide + 1,
        )
    figure.update_annotations(font={"size": 12, "color": style.muted})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, constraintoward="top")  # pictures stand right under their captions
    return figure

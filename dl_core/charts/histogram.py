"""How often values occur: counted beforehand, since a figure should not carry a million numbers.

data: edges (one more than counts), counts, x_title; optional y_title, x_kind 'time', zero (a line at zero).
"""

import plotly.graph_objects as go

from dl_core.charts.style import Style, along, plain, title


def draw(data: dict, style: Style) -> go.Figure:
    figure = style.figure(height=280, bargap=0.0)
    figure.add_trace(columns(data, data["counts"], style.accent))
    if data.get("zero"):
        figure.add_vline(x=0, line={"color": style.text, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=title(data.get("x_title", "")), showgrid=False)
    figure.update_yaxes(title_text=title(data.get("y_title", "How many")))
    return figure


def columns(data: dict, counts: list[int], colour: str, name: str = "") -> go.Bar:
    """Columns of true width between the edges."""
    edges = along(data, "edges")
    time = data.get("x_kind") == "time"
    widths = [
        (high - low).total_seconds() * 1000 if time else high - low for low, high in zip(edges, edges[1:], strict=False)
    ]
    middles = [low + (high - low) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    total = sum(counts) or 1
    shown = "%d %b %Y" if time else None
    spans = [
        (f"{low:{shown}} to {high:{shown}}" if time else f"{low:,.4g} to {high:,.4g}")
        for low, high in zip(edges, edges[1:], strict=False)
    ]
    return go.Bar(
        x=middles,
        y=counts,
        width=widths,
        name=plain(name),
        marker={"color": colour, "line": {"width": 0.6, "color": "rgba(255,255,255,0.35)"}},
        customdata=[[span, count / total] for span, count in zip(spans, counts, strict=True)],
        hovertemplate=(f"<b>{plain(name)}</b><br>" if name else "")
        + "%{y:,} (%{customdata[1]:.1%}) from %{customdata[0]}<extra></extra>",
    )

"""What the values of a column look like, numbers or categories, told apart by class where groups are given.

data: edges + counts (numbers, times with x_kind 'time') or labels + counts (categories, most frequent first); optional
groups [{name, counts}] that add up to counts, x_title.
"""

import plotly.graph_objects as go

from dl_core.charts.histogram import columns
from dl_core.charts.style import Style, plain, title


def draw(data: dict, style: Style) -> go.Figure:
    groups = data.get("groups") or [{"name": "", "counts": data["counts"], "role": "accent"}]
    many = len(groups) > 1
    figure = style.figure(height=280, barmode="stack", showlegend=many, margin_t=40 if many else 16)
    if "edges" in data:
        for number, group in enumerate(groups):
            figure.add_trace(columns(data, group["counts"], style.role(group.get("role"), number), group["name"]))
        figure.update_layout(bargap=0.0)
        figure.update_xaxes(title_text=title(data.get("x_title", "")), showgrid=False)
        figure.update_yaxes(title_text="Rows")
        return figure

    labels = [plain(label, 28) for label in data["labels"]]
    places = list(range(len(labels)))
    total = sum(data["counts"]) or 1
    for number, group in enumerate(groups):
        said = f"<b>{plain(group['name'])}</b><br>" if group["name"] else ""
        figure.add_trace(
            go.Bar(
                orientation="h",
                x=group["counts"],
                y=places,
                name=plain(group["name"]),
                marker={"color": style.role(group.get("role"), number), "cornerradius": 0 if many else 3},
                customdata=[[label, count / total] for label, count in zip(labels, group["counts"], strict=True)],
                hovertemplate=said + "%{x:,} rows are “%{customdata[0]}” (%{customdata[1]:.1%})<extra></extra>",
            )
        )
    figure.update_layout(height=max(160, 60 + 26 * len(labels)))
    figure.update_xaxes(title_text=title(data.get("x_title", "Rows")))
    figure.update_yaxes(tickvals=places, ticktext=labels, range=[len(labels) - 0.5, -0.5], showgrid=False)
    return figure

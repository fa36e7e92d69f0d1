"""A network as a picture: its layers as boxes from inputs (top) to output, long chains drawn as one box."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import streamlit as st

from ui import words

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 190, 46, 22, 34
_MOST_BOXES = 16


@dataclass
class Box:
    """One box: the layers it stands for, and the boxes it reads from by their number."""

    layers: list[dict[str, Any]]
    sources: list[int] = field(default_factory=list)
    depth: int = 0

    @property
    def title(self) -> str:
        kinds = [spoken(layer["kind"]) for layer in self.layers]
        if len(kinds) <= 2:
            return " → ".join(kinds)
        return f"{kinds[0]} … {kinds[-1]}, {len(kinds)} layers"

    @property
    def detail(self) -> str:
        parts = []
        shape = self.layers[-1].get("shape")
        if shape:
            parts.append(shape_words(shape))
        parameters = sum(layer.get("parameters") or 0 for layer in self.layers)
        if parameters:
            parts.append(f"{words.short(parameters)} parameters")
        return " · ".join(parts)


def spoken(kind: str) -> str:
    """A layer's class as words: 'InputLayer' is 'Input'."""
    return kind.removesuffix("Layer") or kind


def shape_words(shape: Sequence[int | None]) -> str:
    """A shape without its batch axis: '28 × 28 × 3'; 'any' for an open axis."""
    return " × ".join("any" if size is None else f"{size:,}" for size in shape[1:]) or "1"


def boxes(layers: Sequence[dict[str, Any]], most: int = _MOST_BOXES) -> list[Box]:
    """Layers as boxes. Where there are more than `most`, neighbours in a chain share a box."""
    number = {layer["name"]: place for place, layer in enumerate(layers)}
    sources = [[number[name] for name in layer.get("from", []) if name in number] for layer in layers]
    followers: list[list[int]] = [[] for _ in layers]
    for place, reads in enumerate(sources):
        for source in reads:
            followers[source].append(place)

    home: dict[int, int] = {}
    found: list[Box] = []
    longest = max(1, round(len(layers) / most)) if len(layers) > most else 1
    for place, layer in enumerate(layers):
        reads = sources[place]
        chained = len(reads) == 1 and len(followers[reads[0]]) == 1 and sources[reads[0]]
        if chained and len(found[home[reads[0]]].layers) < longest:
            home[place] = home[reads[0]]
            found[home[place]].layers.append(layer)
            continue
        home[place] = len(found)
        found.append(Box([layer], sorted({home[source] for source in reads})))
    for box in found:
        box.depth = 1 + max((found[source].depth for source in box.sources), default=-1)
    return found


def svg(layers: Sequence[dict[str, Any]]) -> str:
    """The picture as SVG; colours come from the style sheet of `draw`."""
    drawn = boxes(layers)
    rows: dict[int, list[int]] = {}
    for place, box in enumerate(drawn):
        rows.setdefault(box.depth, []).append(place)
    widest = max((len(row) for row in rows.values()), default=1)
    width = widest * _WIDTH + (widest - 1) * _GAP_X
    height = len(rows) * _HEIGHT + (len(rows) - 1) * _GAP_Y
    spots: dict[int, tuple[float, float]] = {}
    for depth, row in sorted(rows.items()):
        taken = len(row) * _WIDTH + (len(row) - 1) * _GAP_X
        for column, place in enumerate(row):
            spots[place] = ((width - taken) / 2 + column * (_WIDTH + _GAP_X), depth * (_HEIGHT + _GAP_Y))
    lines, room = [], 0
    for place, box in enumerate(drawn):
        x, y = spots[place]
        for source in box.sources:
            from_x, from_y = spots[source]
            start, end = (from_x + _WIDTH / 2, from_y + _HEIGHT), (x + _WIDTH / 2, y)
            bend = (end[1] - start[1]) / 2
            side = _WIDTH * 0.62 if drawn[place].depth - drawn[source].depth > 1 else 0  # past the boxes in between
            room = room or (130 if side else 0)
            lines.append(
                f'<path d="M{start[0]:.0f} {start[1]:.0f}C{start[0] + side:.0f} {start[1] + bend:.0f} '
                f'{end[0] + side:.0f} {end[1] - bend:.0f} {end[0]:.0f} {end[1]:.0f}"/>'
            )
    cells = []
    for place, box in enumerate(drawn):
        x, y = spots[place]
        role = "input" if not box.sources else "output" if place == len(drawn) - 1 else ""
        said = "; ".join(f"{layer['name']}: {spoken(layer['kind'])}" for layer in box.layers[:12])
        cells.append(
            f'<g class="{role}"><title>{escape(said)}</title>'
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="9"/>'
            f'<text x="{x + _WIDTH / 2:.0f}" y="{y + 20:.0f}">{escape(_short(box.title))}</text>'
            f'<text class="detail" x="{x + _WIDTH / 2:.0f}" y="{y + 36:.0f}">{escape(box.detail)}</text></g>'
        )
    legible = 0.7 * width  # a narrow page shows the picture smaller, down to this
    return (
        f'<svg role="img" aria-label="The network, layer by layer" viewBox="-2 -2 {width + room + 4:.0f} '
        f'{height + 4:.0f}" width="{width + room + 4:.0f}" style="min-width:{legible:.0f}px">'
        f'<g class="edges">{"".join(lines)}</g>{"".join(cells)}</svg>'
    )


def _short(text: str, longest: int = 27) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


_CSS = """
.picture { overflow: auto; max-height: 34rem; }
svg { display: block; margin: 0 auto; max-width: 100%; height: auto; font-family: var(--st-font); }
rect { fill: var(--st-background-color); stroke: var(--st-border-color); }
.input rect { fill: var(--st-secondary-background-color); }
.output rect { fill: var(--st-violet-background-color); stroke: var(--st-primary-color); }
.edges path { fill: none; stroke: var(--st-gray-color); stroke-width: 1.2; opacity: 0.7; }
text { fill: var(--st-text-color); font-size: 12.5px; font-weight: 550; text-anchor: middle; }
text.detail { fill: var(--st-gray-text-color); font-size: 11px; font-weight: 400; }
"""
_JS = """
export default function ({ data, parentElement }) {
  parentElement.querySelector(".picture").innerHTML = data.svg
}
"""


def draw(layers: Sequence[dict[str, Any]], key: str) -> None:
    """Show the picture. A component, since Streamlit's own HTML leaves SVG out."""
    st.components.v2.component(
        "deepboard_network", html='<div class="picture" tabindex="0"></div>\n', css=_CSS, js=_JS
    )(key=f"diagram_{key}", data={"svg": svg(layers)})

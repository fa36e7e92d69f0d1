"""How a file begins, before it is read: its first rows with their numbers, and the one that would name the columns."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from dl_core.data.readers.glance import Glance, glance
from dl_core.data.readers.header import Cells, find_header
from dl_core.errors import DeepboardError
from ui import cached, show, words

ROWS, ABOVE, CELLS = 8, 3, 12
"""Rows drawn, how many of them above the names at most, and cells of each."""


def seen(path: Path, sheet: str | None = None) -> Glance | None:
    """The beginning of a table; None where nothing about its reading can be chosen."""
    return _seen(cached.ACTOR, str(path), sheet, cached.stamp(path))


@st.cache_data(show_spinner="Looking into the file", max_entries=20)
def _seen(actor: str, path: str, sheet: str | None, stamp: float) -> Glance | None:
    try:
        return glance(Path(path), sheet)
    except DeepboardError:
        return None


def draw(rows: Sequence[Cells], header_row: int | None) -> None:
    """The first rows as the import would take them with this choice of the header row."""
    try:
        header = find_header(rows, header_row)
    except DeepboardError as error:
        st.html(rows_html(rows, names=None, first=0))
        if header_row is not None:  # without a choice the import has said so itself
            show.callout("error", str(error))
        return
    names = header.position if header.position >= 0 else None
    above = " What stands above it is left out." if any(map(any, rows[: header.position])) else ""
    said = (
        "No row holds names: the columns are numbered."
        if names is None
        else f"Row {names + 1} names the columns.{above}"
    )
    st.html(
        rows_html(rows, names, header.first)
        + f'<p class="db-muted db-small" style="margin:.5rem 0 0">{escape(said)}</p>'
    )


def rows_html(rows: Sequence[Cells], names: int | None, first: int) -> str:
    """Some rows as a table: the one at `names` stands out, those above it or above `first` step back."""
    begin = max(0, min(first if names is None else names, len(rows) - 1) - ABOVE)
    shown = rows[begin : begin + ROWS]
    width = max(map(len, shown), default=0)
    more = f'<td class="more">{words.count(width - CELLS)} more</td>' if width > CELLS else ""
    lines = []
    for place, row in enumerate(shown, begin):
        kind = "names" if place == names else "out" if place < first else ""
        cells = [*row, *[None] * (width - len(row))][:CELLS]
        tag = "th" if kind == "names" else "td"
        texts = "".join(f"<{tag}>{escape((cell or '')[:80])}</{tag}>" for cell in cells)
        lines.append(
            f'<tr class="{kind}"><td class="number">{place + 1}</td>{texts}{more if place == begin else ""}</tr>'
        )
    body = "".join(lines)
    return f'<div class="db-first-rows" tabindex="0" aria-label="How the file begins"><table>{body}</table></div>'

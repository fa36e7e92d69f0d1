"""The target against its strongest columns."""

import streamlit as st

from dl_core.data.dataset import Dataset
from dl_core.report import Panel
from ui import cached, show, words

SHOWN = 6
LISTED = 15


def draw(dataset: Dataset, target: str) -> None:
    found = cached.relations(dataset, target)
    if not found:
        st.html('<p class="db-muted">No column varies enough to be set against the target.</p>')
        return
    bars = Panel(
        kind="bars",
        title=f"What goes with {target}",
        note="0 is no relation at all, 1 means that one tells the other. A relation is no cause, and a column near 1 "
        "may give the answer away.",
        help="Two numbers: rank correlation. A number and a class: correlation ratio. Two classes: Cramér's V.",
        data={
            "labels": [relation.column for relation in found[:LISTED]],
            "values": [round(relation.strength, 3) for relation in found[:LISTED]],
            "x_title": "strength",
        },
    )
    show.panel(bars, f"relations_{dataset.id}")
    if len(found) > LISTED:
        st.html(f'<p class="db-muted db-small">The strongest {LISTED} of {words.count(len(found))} columns.</p>')
    with st.grid(2, min_column_width=380, gap="medium"):
        for relation in found[:SHOWN]:
            with st.container(gap="xsmall"):
                show.panel(relation.panel, f"relation_{dataset.id}_{relation.column}", height=270)

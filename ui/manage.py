"""Renaming and deleting datasets and runs, each behind a dialog that says what will be gone."""

from typing import Any

import streamlit as st

from dl_core.errors import DeepboardError
from ui import cached, show, state, words

RENAME, DELETE = "Rename", "Delete"


def menu(kind: str, row: dict[str, Any], disk: int | None) -> None:
    """The small menu at the end of a row; `kind` is 'dataset' or 'run', `disk` what it takes in bytes."""
    chosen = st.menu_button(
        "",
        [RENAME, DELETE],
        key=f"menu_{kind}_{row['id']}",
        icon=":material/more_horiz:",
        type="tertiary",
        help=f"Rename or delete this {kind}",
    )
    if chosen == RENAME:
        rename(kind, row)
    elif chosen == DELETE:
        delete(kind, row, disk)


@st.dialog("Rename")
def rename(kind: str, row: dict[str, Any]) -> None:
    name = st.text_input(f"Name of the {kind}", value=row["name"], max_chars=200, key=f"name_{kind}_{row['id']}")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Rename", type="primary", key="rename_confirmed"):
            store = cached.store()
            try:
                (store.rename_dataset if kind == "dataset" else store.rename_run)(row["id"], name, actor=state.actor())
            except DeepboardError as error:
                show.error(error)
            else:
                st.rerun()


@st.dialog("Delete for good?")
def delete(kind: str, row: dict[str, Any], disk: int | None) -> None:
    frees = f" This frees {words.size(disk)}." if disk else ""
    if kind == "dataset":
        runs = f" Its {words.plural(row['runs'], 'run')} and their models stay." if row.get("runs") else ""
        sentence = f"The imported rows and the original file of “{row['name']}” are removed.{runs}{frees}"
    else:
        sentence = f"The models, the record and the downloads of “{row['name']}” are removed. The data stays.{frees}"
    st.markdown(show.escape_markdown(sentence))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep", key="delete_not"):
            st.rerun()
        if st.button(f"Delete {kind}", type="primary", key="delete_confirmed"):
            store = cached.store()
            try:
                (store.delete_dataset if kind == "dataset" else store.delete_run)(row["id"], actor=state.actor())
            except DeepboardError as error:
                show.error(error)
            else:
                state.forget(**{kind: row["id"]})
                st.rerun()

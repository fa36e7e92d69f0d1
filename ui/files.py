"""Links that download a file of the workspace by the dashboard's own route, for this browser only."""

from html import escape
from pathlib import Path

import streamlit as st

from dl_core.settings import workspace
from ui import grants, state


def link(path: Path, name: str, label: str, *, primary: bool = False) -> None:
    """A link that looks like a button and downloads `path` under `name`."""
    place = workspace().resolve()
    value = {"path": str(path.resolve().relative_to(place)), "name": name}
    grant = grants.sign(workspace(), "download", value, state.browser())
    kind = "db-button primary" if primary else "db-button"
    st.html(f'<a class="{kind}" href="/api/download/{grant}" download="{escape(name)}">{escape(label)}</a>')

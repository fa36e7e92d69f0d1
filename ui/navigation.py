"""The pages in their natural order. Adding one is one file in pages/ and one line here."""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from ui import state

PAGES_FOLDER = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True)
class Entry:
    """One page: its title in the sidebar, its icon (from the icon font that ships with Streamlit), its tooltip, and its
    headline while what it needs is missing."""

    title: str
    icon: str
    help: str
    idle: str = ""


PAGES = {
    "overview": Entry("Overview", "space_dashboard", "Your datasets and runs, and the way in for new data."),
    "data": Entry(
        "Data",
        "table_view",
        "What is in the data, how good it is, and what each column is for.",
        "There is no data yet",
    ),
    "train": Entry(
        "Train", "model_training", "Say what to predict and start a run.", "There is nothing to train on yet"
    ),
    "run": Entry(
        "Run", "monitoring", "The chosen run: live while it works, its record afterwards.", "There is no run yet"
    ),
    "compare": Entry(
        "Compare",
        "leaderboard",
        "All models of the run on one board, and two runs side by side.",
        "There is nothing to compare yet",
    ),
    "explain": Entry(
        "Explain",
        "lightbulb",
        "How good a model is, what it relies on, and why it answers as it does.",
        "There is nothing to explain yet",
    ),
    "predict": Entry(
        "Predict",
        "bolt",
        "New rows, pictures or the next steps: by hand or from a file.",
        "There is no model to predict with yet",
    ),
    "download": Entry(
        "Download",
        "download",
        "The network as a file that runs anywhere, with its proof.",
        "There is nothing to download yet",
    ),
}


def pages() -> dict[str, st.Page]:
    """The pages of the sidebar. The run stands under Train, and only once there is one."""
    return {
        name: st.Page(
            PAGES_FOLDER / f"{name}.py",
            title=entry.title,
            icon=f":material/{entry.icon}:",
            help=entry.help,
            url_path=name,
            default=name == "overview",
            visibility="hidden" if name == "run" and not state.run_id() else "visible",
        )
        for name, entry in PAGES.items()
    }


def idle() -> str:
    """The headline of the page at hand while what it needs is missing."""
    return PAGES[st.session_state.get("page", "overview")].idle


def path(name: str) -> str:
    return str(PAGES_FOLDER / f"{name}.py")


def exists(name: str) -> bool:
    return name in PAGES


def go(name: str, **ids: str | None) -> NoReturn:
    """Open a page after something was done; `ids` (dataset, run, model) become the selection and part of the link.

    Not from a page that draws a part of itself by the clock: a tick that is under way when the page changes names the
    old page, and the browser then empties the new one (Streamlit 1.67). There, use `link`, which stops the clock first.
    """
    state.choose(**ids)
    st.switch_page(path(name), query_params=state.query())


def primary_link(name: str, label: str, **ids: str | None) -> None:
    """A link that looks like the page's primary button."""
    with st.container(key=f"primary-{name}", width="content"):
        link(name, label, **ids)


def link(name: str, label: str, *, icon: str | None = None, **ids: str | None) -> None:
    """A link to a page with a query of its own, `ids` or the selection: it can be opened in a new tab."""
    query = {key: value for key, value in (ids or state.query()).items() if value}
    st.page_link(path(name), label=label, icon=f":material/{icon}:" if icon else None, query_params=query)

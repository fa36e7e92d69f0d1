"""What a page needs before it can say anything; where it is missing, the page says what to do instead and ends."""

from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from dl_core.errors import NotFoundError
from dl_core.store import Run
from ui import cached, navigation, show, state

if TYPE_CHECKING:
    from dl_core.data.dataset import Dataset


def need_dataset() -> "Dataset":
    """The chosen dataset. Ends the page where there is none."""
    chosen = state.dataset_id()
    if not chosen:
        need_existing()
        empty("Drop a file on the Overview, or start with one of the examples there.", ("overview", "Bring data"))
    try:
        return cached.store().dataset(chosen, actor=state.actor())
    except NotFoundError as error:
        nowhere(str(error))


def need_run() -> Run:
    """The chosen run, read afresh. Ends the page where there is none."""
    need_existing()
    chosen = state.run_id()
    if not chosen:
        if state.dataset_id():
            empty("Nothing has been trained on this data so far. One click starts a run.", ("train", "Train"))
        empty("Bring data first; training is the second click.", ("overview", "Bring data"))
    return cached.store().run(chosen, actor=state.actor())


def need_existing() -> None:
    """Ends the page where its link names a run or a dataset that does not exist."""
    if lost := state.lost():
        nowhere(lost)


def need_leaderboard() -> tuple[Run, dict]:
    """A run with a board to look at. Ends the page while there is none."""
    run = need_run()
    board = run.leaderboard()
    if board is None:
        sentence = {
            "queued": "This run still waits for its turn.",
            "running": "This run is still at work; its models appear here as soon as they are judged.",
            "cancelled": "This run was cancelled, so it has no models.",
        }.get(run.status, "This run ended without a model.")
        empty(f"{sentence} Its page tells what happened so far.", ("run", "Open the run"))
    return run, board


def nowhere(sentence: str) -> NoReturn:
    """What was asked for does not exist: say so, show the way back, end the page."""
    st.title("Nothing is here")
    show.callout("error", sentence)
    navigation.link("overview", "See what there is", icon="arrow_forward", run=None)
    st.stop()


def empty(sentence: str, way: tuple[str, str]) -> NoReturn:
    """An empty state: what is missing, what to do, one button; ends the page."""
    st.title(navigation.idle())
    show.lead(sentence)
    page, label = way
    if st.button(label, type="primary"):
        navigation.go(page)
    st.stop()

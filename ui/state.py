"""What is chosen: a dataset, a run, a model. The query of the link says so, and the session remembers it from page to
page. Nothing else lives in the session but drafts."""

from datetime import tzinfo

import streamlit as st

from dl_core.errors import NotFoundError
from ui import cached, grants, words

ACTOR = "local"
KEYS = ("dataset", "run", "model")


def actor() -> str:
    return ACTOR


def dataset_id() -> str | None:
    return st.session_state.get("chosen_dataset")


def run_id() -> str | None:
    return st.session_state.get("chosen_run")


def model_id() -> str | None:
    return st.session_state.get("chosen_model")


def query() -> dict[str, str]:
    """The selection as the query of a link."""
    return {key: value for key in KEYS if (value := st.session_state.get(f"chosen_{key}"))}


def choose(**ids: str | None) -> None:
    """Select by id. A new dataset lets go of the run, a new run of the model, unless they are named as well."""
    for key, below in (("dataset", ("run", "model")), ("run", ("model",)), ("model", ())):
        if key in ids:
            changed = st.session_state.get(f"chosen_{key}") != ids[key]
            st.session_state[f"chosen_{key}"] = ids[key]
            for name in below if changed else ():
                st.session_state[f"chosen_{name}"] = None


def sync() -> None:
    """Bring link and selection together at the start of a page: the link wins where it says something; what it leaves
    open is kept from the page before, or is the newest there is."""
    store = cached.store()
    named = {key: st.query_params[key] for key in KEYS if st.query_params.get(key)}
    if "run" in named and "dataset" not in named:
        row = _row(store.runs(actor=actor()), named["run"])
        choose(dataset=row["dataset"] if row else None)
    choose(**named)
    if not named and lost():  # deleted since, perhaps in another tab
        choose(dataset=None, run=None)

    datasets = store.datasets(actor=actor())
    if dataset_id() is None and not run_id() and datasets:
        choose(dataset=datasets[0]["id"])
    if dataset_id() and not run_id():
        runs = store.runs(dataset_id(), actor=actor())
        if runs:
            choose(run=runs[0]["id"])


def write_link() -> None:
    """Make the link of the page say what is chosen."""
    wanted = query()
    if {key: st.query_params.get(key) for key in KEYS} != {key: wanted.get(key) for key in KEYS}:
        others = {key: value for key, value in st.query_params.items() if key not in KEYS}
        st.query_params.from_dict({**wanted, **others})


def forget(**ids: str) -> None:
    """Let go of something that is about to be deleted, wherever it is chosen."""
    for key, value in ids.items():
        if st.session_state.get(f"chosen_{key}") == value:
            choose(**{key: None})
            if key in st.query_params:
                del st.query_params[key]


def lost() -> str | None:
    """Why what is chosen leads nowhere; None where it is there. A run outlives its dataset."""
    run, dataset = run_id(), dataset_id()
    try:
        if run:
            cached.store().run(run, actor=actor())
        elif dataset:
            cached.store().dataset(dataset, actor=actor())
    except NotFoundError as error:
        return str(error)
    return None


def _row(rows: list[dict], id: str) -> dict | None:
    return next((row for row in rows if row["id"] == id), None)


def browser() -> str:
    """The cookie that this browser's grants are bound to; empty where there is no browser."""
    cookie = st.context.cookies.get(grants.COOKIE, "")
    return cookie if isinstance(cookie, str) else ""


def zone() -> tzinfo | None:
    """The browser's time zone; None (the server's) where it is unknown."""
    name = st.context.timezone
    return words.zone(name if isinstance(name, str) else None)


def is_dark() -> bool:
    return st.context.theme.type == "dark"

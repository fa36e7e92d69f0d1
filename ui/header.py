"""The slim header of every page: dataset ▸ run ▸ model, each a selector with a link of its own."""

import streamlit as st

from ui import cached, navigation, state, words


def show() -> None:
    store = cached.store()
    datasets = {row["id"]: row for row in store.datasets(actor=state.actor())}
    if not datasets and not state.run_id():
        return
    runs = {row["id"]: row for row in store.runs(state.dataset_id(), actor=state.actor())} if state.dataset_id() else {}
    models = _models(state.run_id()) if state.run_id() in runs else {}
    with st.container(key="db-header", horizontal=True, gap="xsmall", vertical_alignment="center"):
        _selector("dataset", "Dataset", {id: row["name"] for id, row in datasets.items()}, "Choose a dataset")
        if runs:
            st.html('<span class="db-step" aria-hidden="true"></span>', width="content")
            _selector("run", "Run", {id: _run_label(row) for id, row in runs.items()}, "Choose a run")
        if models:
            st.html('<span class="db-step" aria-hidden="true"></span>', width="content")
            _selector("model", "Model", models, f"Best: {next(iter(models.values()))}")
        _busy(store)


def _selector(key: str, label: str, options: dict[str, str], placeholder: str) -> None:
    chosen = st.session_state.get(f"chosen_{key}")
    options = words.apart(options)
    st.session_state[f"header_{key}"] = chosen if chosen in options else None
    st.selectbox(
        label,
        list(options),
        format_func=lambda id: options.get(id, "–"),
        key=f"header_{key}",
        placeholder=placeholder,
        label_visibility="collapsed",
        width={"dataset": 210, "run": 260, "model": 200}[key],
        on_change=_changed,
        args=(key,),
    )


def _changed(key: str) -> None:
    state.choose(**{key: st.session_state[f"header_{key}"]})
    state.write_link()


def _run_label(row: dict) -> str:
    """What tells the runs of one dataset apart: the name without the dataset's, and the time."""
    name = row["name"].removeprefix(f"{row['dataset_name']} · ")
    return f"{name} · {words.moment(row['created'], state.zone())}"


def _models(run: str | None) -> dict[str, str]:
    board = cached.store().run(run, actor=state.actor()).leaderboard() if run else None
    return {row["model"]: row["name"] for row in board["rows"]} if board else {}


def _busy(store) -> None:
    running = [row for row in store.runs(actor=state.actor()) if row["status"] == "running"]
    if running and running[0]["id"] != state.run_id():
        with st.container(key="db-busy", width="content"):
            navigation.link("run", f"Training {running[0]['name']}", icon="progress_activity", run=running[0]["id"])

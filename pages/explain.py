"""Explain: how good a model is, what it relies on, why it answers as it does here, and where it fails."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dl_core.errors import NotFoundError
from dl_core.evaluation import spoken
from dl_core.evaluation.reports import Case, model_report
from dl_core.evaluation.samples import Look, usual, worst
from dl_core.explain import EXPLANATIONS, fitting, record_name, test_rows
from dl_core.report import Panel
from dl_core.store import Run
from ui import ask, cached, gallery, guards, navigation, scores, show, state, words
from ui import board as boards

WORST, USUAL = "The worst predictions", "Any predictions"


def main() -> None:
    run, board = guards.need_leaderboard()
    row = boards.chosen(board)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("How good is it, and why?")
        if navigation.exists("predict") and st.button("Predict with it", type="primary", key="predict"):
            navigation.go("predict", model=row["model"])
    value, interval = boards.shown(row)
    show.lead(f"{row['name']}: {scores.title(board['metric'])} {words.score(value, interval)}. {row['why']}")
    inputs = set(run.prepared.signature.inputs)
    names = fitting(inputs, row["kind"])
    views = {"How good": lambda: how_good(run, row)}
    general = [name for name in names if EXPLANATIONS[name].of == "model"]
    if general:
        views["Why in general"] = lambda: in_general(run, row, general)
    if "history" in inputs:
        views["Series by series"] = lambda: by_series(run, row)
    else:
        views["Why here"] = lambda: here(run, board, row, [name for name in names if EXPLANATIONS[name].of == "sample"])
    for tab, view in zip(st.tabs(list(views), key="explain_view", on_change="rerun"), views.values(), strict=True):
        if tab.open:
            with tab:
                view()


def how_good(run: Run, row: dict[str, Any]) -> None:
    part = "test" if row["test"] is not None else "valid"
    try:
        found = cached_report(state.actor(), run.id, row["model"], part, cached.stamp(_predictions(run, row, part)))
    except NotFoundError as error:
        show.error(error)
        return
    size = words.count(run.prepared.size(part))
    what = "test samples that no model has seen." if part == "test" else "validation samples."
    if part == "valid" and run.prepared.folds > 1:
        what = f"samples. {spoken.meaning(run.prepared.folds)}"
    after = spoken.refitted(run.model(row["model"]).get("refit"))
    st.html(f'<p class="db-muted db-small" style="margin:0">On {size} {what} {after}</p>')
    show.panels(found, f"report_{run.id}_{row['model']}")


def _predictions(run: Run, row: dict[str, Any], part: str):
    return run.model_folder(row["model"]) / f"{part}.npy"


@st.cache_data(show_spinner="Reading the predictions", max_entries=20)
def cached_report(actor: str, run: str, model: str, part: str, stamp: float) -> list[Panel]:
    return model_report(cached.store().run(run, actor=actor), model, part)


def in_general(run: Run, row: dict[str, Any], names: list[str]) -> None:
    for name in names:
        explained(run, row, name)


def explained(run: Run, row: dict[str, Any], name: str, sample: int | None = None) -> None:
    """The panels of an explanation: those kept with the run, else asked of the worker."""
    card = EXPLANATIONS[name]
    known = run.explanations(row["model"]).get(record_name(name, sample))
    if known is None:
        payload = {"run": run.id, "model": row["model"], "name": name}
        if sample is not None:
            payload["sample"] = sample
        answer = ask.ask("explain", payload, key=f"explain_{name}", doing=f"{card.title}: asking the model …")
        if answer is None:
            return
        known = [Panel.from_json(record) for record in answer["panels"]]
    key = f"{run.id}_{row['model']}_{record_name(name, sample)}"
    if len(known) > 1:
        show.panels(known, key)
        return
    for number, panel in enumerate(known):
        show.panel(panel, f"{key}_{number}")


# one sample


def here(run: Run, board: dict[str, Any], row: dict[str, Any], names: list[str]) -> None:
    """Pick a row or a picture of the test part; see why the model answered as it did."""
    if row["test"] is None:
        show.callout("note", "Rows to look at appear when the run has ended.")
        return
    case = Case.of(run, row["model"], "test")
    choices = st.segmented_control(
        "Which ones", [WORST, USUAL], default=WORST, key="explain_which", required=True, label_visibility="collapsed"
    )
    looks = worst(case) if choices == WORST else usual(case, seed=run.spec.seed)
    slot = f"picked_{run.id}_{row['model']}_{choices}"
    picked = st.session_state.get(slot, looks[0].sample)
    pictures = "image" in run.prepared.signature.inputs
    left, right = st.columns([6, 5], gap="large")
    with left:
        frame = test_rows(run, [look.sample for look in looks])
        clicked = (pick_picture if pictures else pick_row)(run, looks, frame, picked)
        if clicked is not None and clicked != picked:
            st.session_state[slot] = clicked
            st.rerun()
    with right:
        look = next(look for look in looks if look.sample == picked)
        st.html(_verdict(look))
        if run.model(row["model"]).get("refit") and names:
            st.html(
                '<p class="db-muted db-small" style="margin:0">It said so before it had seen this sample. Below stands '
                "how it answers since it was trained again on all samples.</p>"
            )
        for name in names:
            explained(run, row, name, sample=picked)
        if not names:
            ask_a_network(board, row)


def ask_a_network(board: dict[str, Any], row: dict[str, Any]) -> None:
    """What is chosen cannot say why it answers so here; the best network can."""
    show.callout("note", f"{row['name']} cannot be asked why it answers so here; a network can.")
    best = scores.row(board, board["best_network"])
    if best and st.button(f"Ask {best['name']}, the best network", key="ask_network"):
        state.choose(model=best["model"])
        state.write_link()
        st.rerun()


def _verdict(look: Look) -> str:
    from html import escape

    cells = [("The truth", look.truth), ("The model said", look.said)]
    tag = (
        ""
        if look.right is None
        else show.pill("passed" if look.right else "failed", "right" if look.right else "wrong")
    )
    figures = "".join(
        f'<div class="db-fact"><div class="label">{escape(label)}</div><div class="value">{escape(value)}</div></div>'
        for label, value in cells
        if value
    )
    return f'<div class="db-facts" style="align-items:end">{figures}{tag}</div>'


def pick_row(run: Run, looks: list[Look], frame: pd.DataFrame, picked: int) -> int | None:
    """The rows as a table; a click on one chooses it."""
    targets = list(run.spec.task.targets)
    used = [name for name in frame.columns if name not in targets]
    table = frame[used].reset_index(drop=True)
    table.insert(0, "Truth", [look.truth for look in looks])
    table.insert(1, "Said", [look.said for look in looks])
    for column in run.schema.columns:
        if column.name in table and column.storage == "time":
            table[column.name] = pd.to_datetime(table[column.name], unit="s")
    place = next((number for number, look in enumerate(looks) if look.sample == picked), 0)
    drawn = show.table(
        table, f"looks_{run.id}_{len(looks)}_{looks[0].sample}", name="rows", on_select="rerun",
        selection_mode="single-row", height=460,
        selection_default={"selection": {"rows": [place]}},
    )  # fmt: skip
    rows = drawn.selection.rows
    return looks[rows[0]].sample if rows else None


def pick_picture(run: Run, looks: list[Look], frame: pd.DataFrame, picked: int) -> int | None:
    column = next(column.name for column in run.schema.columns if column.kind == "image")
    dataset = run.tested
    pictures = {}
    for look, name in zip(looks, frame[column], strict=True):
        path = dataset.file(name)
        caption = look.said if look.right else f"{look.truth}, said {look.said}"
        pictures[look.sample] = (gallery.thumbnail(state.actor(), str(path), cached.stamp(path)), caption)
    return gallery.pick(pictures, picked, key=f"gallery_{run.id}_{looks[0].sample}_{len(looks)}")


# series


def by_series(run: Run, row: dict[str, Any]) -> None:
    """Pick a series; see what it is made of and what the model leaves over."""
    prepared = run.prepared
    names = prepared.names() or ["the series"]
    part = "test" if row["test"] is not None else "valid"
    number = 0
    if len(names) > 1:
        options = _series_options(Case.of(run, row["model"], part), names)
        number = st.selectbox("Series", list(options), format_func=options.get, key="explain_series", width=360)
    explained(run, row, "components", sample=int(number))


def _series_options(case: Case, names: list[str]) -> dict[int, str]:
    """Series by name, the worst forecast first."""
    from dl_core.evaluation.samples import errors

    each, number = errors(case), case.prepared.series(case.part)
    means = {int(kind): float(np.nanmean(each[number == kind])) for kind in np.unique(number)}
    order = sorted(range(len(names)), key=lambda kind: -means.get(kind, -1.0))
    return {
        kind: f"{names[kind]} · MASE {words.number(means[kind])}" if kind in means else names[kind] for kind in order
    }


main()

"""Train: one sentence says what to do; everything it leaves open is folded below it."""

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from dl_core import baselines
from dl_core.families import FAMILIES
from dl_core.runspec import RunSpec
from ui import cached, forms, guards, imports, show, state, words
from ui.launcher import launch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dl_core.data.dataset import Dataset
    from dl_core.data.schema import Column

SPLITS = {
    "auto": "Work it out",
    "random": "At random",
    "stratified": "At random, with the same shares of the classes in every part",
    "time": "By time: the test is the latest part",
    "group": "By group: rows of one group stay together",
    "column": "As a column says",
    "file": "My own test file",
}


def main() -> None:
    dataset = guards.need_dataset()
    st.title("What should be predicted?")
    planned = cached.planned(dataset, forms.draft(dataset))
    forms.sentence(dataset, planned.spec)
    if planned.spec is None:
        show.callout("error" if forms.draft(dataset).get("targets") else "note", planned.error)
        folded_without_spec(dataset)
        return
    ready(dataset, planned.spec, planned.decisions)
    folded(dataset, planned.spec, planned.decisions)


def ready(dataset: "Dataset", spec: RunSpec, decisions: list[dict]) -> None:
    show.problems(problem for problem in cached.quality(dataset, spec) if problem.severity in ("error", "warning"))
    waiting = [row for row in cached.store().runs(actor=state.actor()) if row["status"] in ("running", "queued")]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if st.button("Train", type="primary", key="train", width=150):
            launch(spec, decisions)
        when = "Starts at once." if not waiting else f"Starts after {words.plural(len(waiting), 'run')} before it."
        st.html(
            f'<span class="db-muted">{escape(preflight(dataset, spec))} {when} You can close the page meanwhile.</span>'
        )


def preflight(dataset: "Dataset", spec: RunSpec) -> str:
    """What the run will do, with the numbers known beforehand."""
    rivals = baselines.fitting(spec.task.kind, forms.inputs(dataset, spec))
    against = f"{words.listing(tried(dataset, spec))} against {words.plural(len(rivals), 'simple method')}"
    panel = cached.split_panel(dataset, spec).panel
    if panel is None or spec.task.series:
        return f"Tries {against}."
    rows = {part["name"]: part["rows"] for part in panel.data["parts"]}
    return f"Learns from {words.plural(rows['train'], panel.data['unit'].removesuffix('s'))}, tries {against}."


def tried(dataset: "Dataset", spec: RunSpec) -> list[str]:
    return [FAMILIES[name].title for name in spec.families or forms.fitting(dataset, spec)]


def folded(dataset: "Dataset", spec: RunSpec, decisions: list[dict]) -> None:
    with st.expander(f"How the data is split: {split_words(spec)}", expanded=True, icon=":material/call_split:"):
        split(dataset, spec)
    names = words.listing(tried(dataset, spec))
    with st.expander(f"Which networks are tried: {names}", icon=":material/hub:"):
        forms.families(dataset, spec)
    with st.expander("Why these choices", icon=":material/list_alt:"):
        reasons(decisions)
    with st.expander("Advanced", icon=":material/tune:"):
        advanced(dataset, spec)


def folded_without_spec(dataset: "Dataset") -> None:
    with st.expander("Advanced", icon=":material/tune:"):
        advanced(dataset, None)


def split_words(spec: RunSpec) -> str:
    kinds = {
        "random": "at random",
        "stratified": "at random, same shares of the classes",
        "time": "by time",
        "group": f"by {spec.split.column}",
        "column": f"as {spec.split.column} says",
        "file": "your own test file",
    }
    return show.escape_markdown(kinds[spec.split.kind])


def split(dataset: "Dataset", spec: RunSpec) -> None:
    drawn = cached.split_panel(dataset, spec)
    if drawn.panel:
        show.panel(drawn.panel, f"split_{dataset.id}")
        longest = " The longest series is drawn." if spec.task.series else ""
        folds = drawn.panel.data["parts"][0].get("folds")
        learn = "Networks learn from the train part and are compared on the validation part."
        if folds:
            learn = (
                f"With few rows every network is trained {folds} times, each time without another fold, and judged by "
                "the rows that it did not learn from."
            )
        show.lead(f"{learn} The test part is scored once, at the end, and chooses nothing.{longest}")
    elif drawn.error:
        show.callout("error", drawn.error)
    else:
        st.html('<p class="db-muted">The end of every series is kept aside; how much, the run works out.</p>')
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wishes = forms.draft(dataset)
        kinds = [kind for kind in SPLITS if kind != "stratified" or spec.task.kind == "classification"]
        if spec.task.kind == "forecasting":
            kinds = ["time", "file"]  # a forecast is tested on the future, here or in a file that follows
        asked = wishes.get("split_kind") if wishes.get("split_kind") in kinds else None
        st.session_state["split_kind"] = asked or kinds[0]
        st.selectbox(
            "How to split", kinds, format_func=SPLITS.get, key="split_kind", width=420, on_change=_split_asked,
            args=(dataset,),
        )  # fmt: skip
        if asked in ("group", "column"):
            names = [column.name for column in dataset.schema.columns if column.name not in spec.task.targets]
            st.session_state["split_column"] = wishes.get("split_column")
            st.selectbox(
                "Column", names, key="split_column", placeholder="choose a column", width=260, on_change=_split_asked,
                args=(dataset,),
            )  # fmt: skip
    if asked == "file":
        own_test_file(dataset)


def _split_asked(dataset: "Dataset") -> None:
    """Turn the two selectors into the wishes a plan knows: split, group, test."""
    wishes = forms.draft(dataset)
    kind, column = st.session_state.get("split_kind"), st.session_state.get("split_column")
    wishes["split_kind"], wishes["split_column"] = kind, column
    for name in ("split", "group", "test"):
        wishes.pop(name, None)
    if kind in ("random", "stratified", "time"):
        wishes["split"] = kind
    elif kind == "group" and column:
        wishes["group"] = column
    elif kind == "column" and column:
        wishes["split"] = column


def own_test_file(dataset: "Dataset") -> None:
    """Another dataset with the same columns as the test, or one dropped here."""
    wishes = forms.draft(dataset)
    others = could_test(dataset)
    arrived = imports.test_file(dataset)
    if arrived:
        wishes["test"] = arrived
        st.rerun()
    if others:
        labels = words.apart(others)
        st.session_state["test_dataset"] = wishes.get("test") if wishes.get("test") in others else None
        st.selectbox(
            "Or a dataset that is here already", list(others), format_func=labels.get, key="test_dataset",
            placeholder="choose a dataset", width=420,
            on_change=lambda: forms.wish(dataset, "test", st.session_state["test_dataset"]),
        )  # fmt: skip


def could_test(dataset: "Dataset") -> dict[str, str]:
    """The names, by id, of the other datasets that hold the same columns, stored alike."""
    store, needed = cached.store(), _stored(column for column in dataset.schema.columns if column.role != "ignored")
    rows = [row for row in store.datasets(actor=state.actor()) if row["modality"] == dataset.modality]
    return {
        row["id"]: row["name"]
        for row in rows
        if row["id"] != dataset.id and needed <= _stored(store.dataset(row["id"], actor=state.actor()).schema.columns)
    }


def _stored(columns: "Iterable[Column]") -> set[tuple[str, str]]:
    return {(column.name, column.storage) for column in columns}


def reasons(decisions: list[dict]) -> None:
    if decisions:
        show.decisions(decisions, "What was chosen for you")
    else:
        st.html('<p class="db-muted">Everything here was your choice.</p>')


def advanced(dataset: "Dataset", spec: RunSpec | None) -> None:
    wishes = forms.draft(dataset)
    with st.grid(3, min_column_width=240, gap="medium"):
        _number(dataset, "trials", "Most trials", "One trial is one network with one set of settings. Empty: no limit.")
        _number(
            dataset, "epochs", "Most epochs per trial", "One epoch is one pass over the train part. Empty: no limit."
        )
        _number(dataset, "seed", "Seed", "Fixes all randomness: the same seed gives the same split.", low=0, usual=0)
    how_to_search(dataset)
    names = [column.name for column in forms.answers(dataset) if column.storage == "number"]
    if len(names) > 1 and spec and spec.task.kind == "regression":
        st.session_state["more_targets"] = list(spec.task.targets)
        st.multiselect(
            "Predict several numbers at once", names, key="more_targets",
            on_change=lambda: forms.wish(dataset, "targets", tuple(st.session_state["more_targets"]) or None),
        )  # fmt: skip
    if spec and spec.task.kind == "forecasting":
        series_choices(dataset, spec)
    if len(wishes) > 1 and st.button("Back to what Deepboard would choose", key="reset", type="tertiary"):
        forms.forget_draft(dataset)
        st.rerun()


def how_to_search(dataset: "Dataset") -> None:
    wishes = forms.draft(dataset)
    search, refit = f"wish_search_{dataset.id}", f"wish_refit_{dataset.id}"
    usual = next(iter(words.SEARCHES))
    st.session_state[search] = wishes.get("search", usual)
    st.radio(
        "How the tuner searches", list(words.SEARCHES), key=search,
        format_func=lambda name: words.SEARCHES[name][0], captions=[help for _, help in words.SEARCHES.values()],
        on_change=lambda: forms.wish(
            dataset, "search", None if st.session_state[search] == usual else st.session_state[search]
        ),
    )  # fmt: skip
    st.session_state[refit] = wishes.get("refit", True)
    st.toggle(
        "Train the best network again on all rows at the end", key=refit,
        help="After the test part was scored, where the time allows it: its scores stay those of the network that had "
        "not seen the test part, and what you download has learned from every row with an answer.",
        on_change=lambda: forms.wish(dataset, "refit", None if st.session_state[refit] else False),
    )  # fmt: skip


def series_choices(dataset: "Dataset", spec: RunSpec) -> None:
    columns = [column for column in dataset.schema.columns if column.name not in spec.task.targets]
    times = [column.name for column in columns if column.kind == "datetime" or column.storage == "number"]
    with st.container(horizontal=True):
        st.session_state["time_column"] = spec.task.time
        st.selectbox(
            "Time", times, key="time_column", placeholder="the order of the rows", width=280,
            on_change=lambda: forms.wish(dataset, "time", st.session_state["time_column"]),
        )  # fmt: skip
        st.session_state["series_columns"] = list(spec.task.series)
        st.multiselect(
            "One series for each", [column.name for column in columns if column.name != spec.task.time],
            key="series_columns", width=420,
            on_change=lambda: forms.wish(dataset, "series", tuple(st.session_state["series_columns"]) or None),
        )  # fmt: skip


def _number(dataset: "Dataset", name: str, label: str, help: str, low: int = 1, usual: int | None = None) -> None:
    key = f"wish_{name}_{dataset.id}"
    st.session_state[key] = forms.draft(dataset).get(name, usual)
    st.number_input(
        label, min_value=low, max_value=1_000_000, step=1, key=key, help=help, placeholder="no limit",
        on_change=lambda: forms.wish(dataset, name, st.session_state[key]),
    )  # fmt: skip


main()

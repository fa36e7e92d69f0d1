"""Forms: the sentence that says what to train, each of its bold words a control.

What a person chose is a draft of Wishes (see workflow.plan), kept per dataset for the session; what
they left alone shows the plan's own choice.
"""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from dl_core import families as catalogue
from dl_core.metrics import metrics_of
from dl_core.runspec import RunSpec
from ui import thumbs, words

if TYPE_CHECKING:
    from dl_core.data.dataset import Dataset
    from dl_core.data.schema import Column

Draft = dict[str, Any]

BUDGETS = (30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
USUAL_SECONDS = 300
SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
TASK_WORDS = {"classification": "as a class", "regression": "as a number", "forecasting": "over time"}
FREQUENCY_WORDS = {
    "h": "hour", "D": "day", "B": "working day", "W": "week", "M": "month", "Q": "quarter", "Y": "year", "A": "year",
    "min": "minute", "s": "second",
}  # fmt: skip


def draft(dataset: "Dataset") -> Draft:
    drafts = st.session_state.setdefault("drafts", {})
    return drafts.setdefault(dataset.id, {"seconds": USUAL_SECONDS})


def forget_draft(dataset: "Dataset") -> None:
    st.session_state.get("drafts", {}).pop(dataset.id, None)


def wish(dataset: "Dataset", name: str, value: Any) -> None:
    """Take a wish down. Another target makes what was wished about the old one void; so does another task."""
    wishes = draft(dataset)
    void = {"targets": ("task", "metric", "horizon"), "task": ("metric", "split", "group", "families", "horizon")}
    if wishes.get(name) != value:
        for other in void.get(name, ()):
            wishes.pop(other, None)
    if value is None:
        wishes.pop(name, None)
    else:
        wishes[name] = value


def answers(dataset: "Dataset") -> list["Column"]:
    """The columns that could be predicted."""
    return [
        column
        for column in dataset.schema.columns
        if column.kind in ("numeric", "category", "boolean") and column.role in ("feature", "target")
    ]


def unlikely(dataset: "Dataset") -> list["Column"]:
    """The other columns that a person may look for: where one cannot be predicted, choosing it says why."""
    likely = answers(dataset)
    return [
        column
        for column in dataset.schema.columns
        if column not in likely and column.kind != "image" and column.role not in ("time", "series")
    ]


def sentence(dataset: "Dataset", spec: RunSpec | None) -> None:
    """'Predict income as a class from 13 columns, keep 20 % aside as a test, judge by ROC AUC, take 5 minutes.'"""
    wishes = draft(dataset)
    with st.container(key="sentence", horizontal=True, gap="xsmall", vertical_alignment="center"):
        kind = spec.task.kind if spec else wishes.get("task")
        _say("Forecast" if kind == "forecasting" else "Predict")
        targets = spec.task.targets if spec else tuple(wishes.get("targets") or ())
        names = [column.name for column in answers(dataset)]
        names += [column.name for column in unlikely(dataset)]
        _choose(dataset, "targets", names, targets[0] if targets else None, str, store=lambda name: (name,))
        if len(targets) > 1:
            _say(f"and {words.listing(list(targets[1:]))}")
        if spec:
            _choose(dataset, "task", _tasks(dataset, spec), spec.task.kind, TASK_WORDS.__getitem__)
            _source(dataset, spec)
            _ahead(dataset, spec)
            _kept(dataset, spec)
            _say("judge by")
            metrics = {metric.name: metric.title for metric in metrics_of(spec.task.kind) if metric.ranks}
            _choose(dataset, "metric", list(metrics), spec.task.metric, metrics.__getitem__)
            _say("and take")
        else:
            _say("and take")
        seconds = wishes.get("seconds", USUAL_SECONDS)
        _choose(dataset, "seconds", sorted({*BUDGETS, seconds}), seconds, words.duration)


def _say(text: str) -> None:
    st.html(f"<span>{escape(text)}</span>", width="content")


def _choose(
    dataset: "Dataset",
    name: str,
    options: list,
    value: Any,
    label: Callable[[Any], str],
    *,
    store: Callable[[Any], Any] = lambda chosen: chosen,
) -> None:
    key = f"wish_{name}_{dataset.id}"
    if value is not None and value not in options:
        options = [value, *options]
    st.session_state[key] = value

    def changed() -> None:
        chosen = st.session_state[key]
        wish(dataset, name, None if chosen is None else store(chosen))

    longest = len(str(label(value))) if value is not None else 14
    st.selectbox(
        name, options, key=key, format_func=lambda option: str(label(option)), label_visibility="collapsed",
        placeholder="choose a column", on_change=changed, width=min(330, 50 + round(10.4 * longest)),
    )  # fmt: skip


def _tasks(dataset: "Dataset", spec: RunSpec) -> list[str]:
    """The task kinds that make sense for the targets."""
    numbers = all(dataset.schema[name].storage == "number" for name in spec.task.targets)
    kinds = ["classification"] if len(spec.task.targets) == 1 else []
    if numbers:
        kinds.append("regression")
    if numbers and dataset.modality != "image" and len(spec.task.targets) == 1:
        kinds.append("forecasting")
    return kinds


def features(dataset: "Dataset", spec: RunSpec) -> list["Column"]:
    taken = {*spec.task.targets, spec.split.column if spec.split.kind in ("group", "column") else None}
    found = [
        column
        for column in dataset.schema.columns
        if column.role in ("feature", "static", "known-ahead") and column.name not in taken and column.kind != "id"
    ]
    return [column for column in found if column.kind == "image"][:1] or found  # pictures are seen alone


def _source(dataset: "Dataset", spec: RunSpec) -> None:
    if spec.task.kind == "forecasting":
        return
    found = features(dataset, spec)
    if [column.kind for column in found] == ["image"]:
        _say("from the pictures,")
        return
    _say("from")
    with st.popover(words.plural(len(found), "column"), key=f"columns_{dataset.id}"):
        st.markdown("**What may the model look at?**")
        possible = [
            column.name
            for column in dataset.schema.columns
            if column.name not in spec.task.targets and column.role in ("feature", "ignored", "static", "known-ahead")
        ]
        chosen = st.multiselect(
            "Columns to learn from", possible, default=[column.name for column in found if column.name in possible],
            label_visibility="collapsed", key=f"features_{dataset.id}_{dataset.schema.version}",
        )  # fmt: skip
        st.caption("The others are ignored. This makes a new version of the columns.")
        if st.button("Use these columns", key=f"use_features_{dataset.id}", disabled=not chosen):
            roles = {name: ("feature" if name in chosen else "ignored") for name in possible}
            changes = {
                name: {"role": role}
                for name, role in roles.items()
                if (dataset.schema[name].role == "ignored") != (role == "ignored")
            }
            if changes:
                dataset.add_schema(dataset.schema.edited(changes))
            st.rerun()


def _ahead(dataset: "Dataset", spec: RunSpec) -> None:
    if spec.task.kind != "forecasting":
        return
    _say("for the next")
    key = f"wish_horizon_{dataset.id}"
    st.session_state[key] = spec.task.horizon or 1
    st.number_input(
        "Steps ahead", min_value=1, max_value=10_000, step=1, key=key, label_visibility="collapsed", width=120,
        on_change=lambda: wish(dataset, "horizon", st.session_state[key]),
    )  # fmt: skip
    _say(words.plural(2, step_word(spec.task.frequency)).split(" ", 1)[1] + ",")


def step_word(frequency: str | None) -> str:
    """A pandas frequency as a word: 'month' for MS; 'step' where there is none."""
    plain = (frequency or "").lstrip("0123456789").split("-")[0]
    for alias in (plain, plain[:1]):
        if alias in FREQUENCY_WORDS:
            return FREQUENCY_WORDS[alias] if plain == frequency or "-" in (frequency or "") else "step"
    return "step"


def _kept(dataset: "Dataset", spec: RunSpec) -> None:
    if spec.split.kind == "file":
        _say("test on your own file,")
    elif spec.split.kind == "column":
        _say(f"test on the rows that {spec.split.column} names,")
    elif spec.task.kind == "forecasting":
        _say("keep the end aside as a test,")
    else:
        _say("keep")
        _choose(dataset, "test_share", list(SHARES), spec.split.test_share, words.share)
        _say("aside as a test,")


def fitting(dataset: "Dataset", spec: RunSpec) -> list[str]:
    """The families that fit the task and what the features are."""
    return catalogue.fitting(spec.task.kind, inputs(dataset, spec))


def inputs(dataset: "Dataset", spec: RunSpec) -> set[str]:
    """A tensor that a model of this data is sure to eat, by its name in a ModelSignature."""
    if spec.task.kind == "forecasting":
        return {"history"}
    return {"image"} if dataset.modality == "image" else {"numeric"}


def families(dataset: "Dataset", spec: RunSpec) -> None:
    """The families that fit, as cards to choose from; all of them where nobody chose."""
    possible = fitting(dataset, spec)
    chosen = list(spec.families or possible)
    with st.grid(3, min_column_width=240, gap="small"):
        for name in possible:
            card = catalogue.FAMILIES[name]
            with st.container(border=True, height="stretch", gap="xsmall", key=f"family-{name}"):
                st.html(f'<div class="db-sketch">{thumbs.family(name)}</div>')
                key = f"family_{name}_{dataset.id}"
                st.session_state[key] = name in chosen
                st.checkbox(
                    card.title, key=key, on_change=_family_changed, args=(dataset, name, tuple(chosen), tuple(possible))
                )
                st.html(f'<p class="db-card-text">{escape(card.why)}</p>')


def _family_changed(dataset: "Dataset", name: str, chosen: tuple[str, ...], possible: tuple[str, ...]) -> None:
    wanted = [other for other in possible if (other in chosen) != (other == name)]
    wish(dataset, "families", tuple(wanted) if wanted and len(wanted) < len(possible) else None)

"""Data: what it is, what is in it, how good it is, and what each column is for."""

from html import escape

import pandas as pd
import streamlit as st

from dl_core.data.dataset import Dataset
from dl_core.errors import DeepboardError
from dl_core.problems import Problem
from ui import cached, columns, forms, guards, imports, navigation, preview, relations, scores, show, words
from ui.launcher import launch


def main() -> None:
    dataset = guards.need_dataset()
    planned = cached.planned(dataset, forms.draft(dataset))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("What is in this data?")
        way_on(planned)
    suggestion(planned)
    what_it_is(dataset)
    parts = {"Preview": look, "Columns": columns.editor, "Quality": quality}
    if dataset.modality == "table":
        parts["Relations"] = relate
    tabs = st.tabs(list(parts), on_change="rerun", key=f"data_tab_{dataset.modality}")
    for tab, draw in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(dataset)


def way_on(planned: cached.Planned) -> None:
    with st.container(horizontal=True, horizontal_alignment="right", width="content", gap="xsmall"):
        if planned.spec is None:
            if st.button("Choose what to predict", type="primary", key="choose"):
                navigation.go("train")
            return
        if st.button("Change this", key="choose", help="Choose what to predict, how to judge it and how long to take."):
            navigation.go("train")
        if st.button("Train", type="primary", key="train"):
            launch(planned.spec, planned.decisions)


def suggestion(planned: cached.Planned) -> None:
    if planned.spec is None:
        show.lead(planned.error)
        return
    spec = planned.spec
    verb = "forecast" if spec.task.kind == "forecasting" else "predict"
    show.lead(
        f"Deepboard would {verb} {words.listing(list(spec.task.targets))}, judged by {scores.title(spec.task.metric)}, "
        f"and take {words.duration(spec.budget.seconds)}."
    )


def what_it_is(dataset: Dataset) -> None:
    meta, profile = dataset.meta, dataset.profile
    nouns = {"image": "Pictures", "series": "Rows", "table": "Rows"}
    figures = [
        ("What", words.MODALITIES[dataset.modality]),
        (nouns[dataset.modality], words.count(dataset.n_rows)),
        ("Columns", words.count(len(dataset.schema.columns))),
        ("Size", words.size(meta["bytes"])),
    ]
    series = profile.get("series") or {}
    if series.get("number"):
        figures.insert(2, ("Series", words.count(series["number"])))
    figures.append(("Brought", words.ago(meta["created"]), meta["source"]))
    with st.container(horizontal=True, vertical_alignment="center"):
        show.facts(figures)
        read_again(dataset)
    show.problems(problem for problem in recorded(dataset) if problem.severity in ("warning", "error"))


def recorded(dataset: Dataset) -> list[Problem]:
    """What the import had to say."""
    return [Problem(**record) for record in dataset.meta.get("problems", [])]


def read_again(dataset: Dataset) -> None:
    """The same upload, read with another sheet, header row or layout, as a new dataset."""
    originals = [path for path in (dataset.folder / "original").glob("*") if path.is_file()]
    if dataset.modality == "image" or len(originals) != 1:
        return
    with st.popover("Read it differently", type="tertiary", key="read_again"):
        st.markdown("**Was the file read wrongly?** It becomes a new dataset; this one stays.")
        options = imports.choices(originals[0], f"again_{dataset.id}")
        if st.button("Read it again", key="read_it_again"):
            imports.begin_copy(originals[0], dataset.meta["name"], options)
            navigation.go("overview")


# the tabs


def look(dataset: Dataset) -> None:
    if dataset.modality == "image":
        pictures(dataset)
    elif dataset.modality == "series":
        over_time(dataset)
    if dataset.modality != "image":
        rows(dataset)


def rows(dataset: Dataset) -> None:
    frame = preview.table(dataset)
    config = {
        column.name: st.column_config.DatetimeColumn(
            column.name, format="YYYY-MM-DD HH:mm" if _has_hours(frame[column.name]) else "YYYY-MM-DD"
        )
        for column in dataset.schema.columns
        if column.storage == "time"
    }
    show.table(frame, f"rows_{dataset.id}", name=f"{dataset.meta['name']} preview", column_config=config, height=420)
    if dataset.n_rows > len(frame):
        st.html(f'<p class="db-muted db-small">The first {len(frame)} of {words.count(dataset.n_rows)} rows.</p>')


def _has_hours(times: pd.Series) -> bool:
    known = times.dropna()
    return bool((known != known.dt.normalize()).any())


def pictures(dataset: Dataset) -> None:
    labels = [c.name for c in dataset.schema.columns if c.kind in ("category", "boolean")]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = labels[0] if labels else None
        if len(labels) > 1:
            label = st.selectbox("Caption", labels, key=f"sheet_label_{dataset.id}", width=220)
        only = None
        if label:
            values = [value for value, _ in dataset.profile["columns"].get(label, {}).get("top", [])]
            if 1 < len(values) <= 12:
                only = st.pills("Show only", values, key=f"sheet_only_{dataset.id}", wrap=True)
            else:
                only = st.selectbox(
                    "Show only", values, index=None, placeholder="everything", key=f"sheet_only_{dataset.id}", width=220
                )
        seed = st.session_state.setdefault(f"sheet_seed_{dataset.id}", 0)
        if st.button("Show others", key="sheet_again"):
            st.session_state[f"sheet_seed_{dataset.id}"] = seed + 1
            st.rerun()
    st.html(preview.sheet_html(preview.contact_sheet(dataset, label, only, seed)))
    about = dataset.profile.get("images") or {}
    if about:
        sizes = words.listing([f"{size} ({words.count(number)})" for size, number in about["sizes"][:3]])
        st.html(
            f'<p class="db-muted db-small">Sizes in pixels: {escape(sizes)}. '
            f"Formats: {escape(words.listing(list(about['formats'])))}.</p>"
        )


def over_time(dataset: Dataset) -> None:
    values = preview.series_roles(dataset)["values"]
    if not values:
        show.callout("note", "No column holds numbers over time.", "Check the kinds under Columns.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        value = (
            st.selectbox("What", values, key=f"series_value_{dataset.id}", width=240) if len(values) > 1 else values[0]
        )
        found = preview.series(dataset, value)
        if isinstance(found, str):
            show.callout("warning", found)
            return
        numbers: tuple[int, ...] = (0,)
        if len(found.names) > 1:
            labels = words.apart(dict(zip(map(str, range(len(found.names))), found.names, strict=True)))
            chosen = st.multiselect(
                "Series", list(labels), default=list(labels)[:3], format_func=labels.get, max_selections=7,
                key=f"series_shown_{dataset.id}", width=520,
            )  # fmt: skip
            numbers = tuple(int(number) for number in chosen) or (0,)
    show.panel(preview.series_panel(dataset, value, numbers), f"series_{dataset.id}")
    st.html(f'<p class="db-muted db-small">{escape(preview.gap_words(found, numbers))}</p>')


def quality(dataset: Dataset) -> None:
    found = cached.quality(dataset, cached.planned(dataset, forms.draft(dataset)).spec)
    groups = (
        ("Needs you", ("error", "warning")),
        ("Worth knowing", ("note",)),
        ("Fixed", ("fixed",)),
        ("Passed", ("passed",)),
    )
    for title, severities in groups:
        members = [problem for problem in found if problem.severity in severities]
        if not members:
            continue
        show.section(title, words.count(len(members)))
        if severities[0] in ("fixed", "passed"):
            show.checks(members)
            continue
        for number, problem in enumerate(members):
            finding(dataset, problem, f"{title}_{number}")
    if not any(problem.severity in ("error", "warning") for problem in found):
        show.lead("Nothing here needs you. Training can start.")


def finding(dataset: Dataset, problem: Problem, key: str) -> None:
    """One finding, with the one fix that a click can do: leaving its column out."""
    target = (
        problem.column and dataset.schema[problem.column].role == "target" if problem.column in dataset.schema else True
    )
    fixable = (
        problem.severity in ("error", "warning") and not target and dataset.schema[problem.column].role != "ignored"
    )
    if not fixable:
        show.callout(problem.severity, problem.message, problem.fix)
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"finding-{key}"):
        show.callout(problem.severity, problem.message, problem.fix)
        if st.button("Leave the column out", key=f"leave_out_{key}"):
            dataset.add_schema(dataset.schema.edited({problem.column: {"role": "ignored"}}))
            st.rerun()


def relate(dataset: Dataset) -> None:
    planned = cached.planned(dataset, forms.draft(dataset))
    if planned.spec is None or planned.spec.task.kind == "forecasting":
        st.html('<p class="db-muted">Relations need a target. Choose one under Train.</p>')
        return
    target = planned.spec.task.targets[0]
    try:
        relations.draw(dataset, target)
    except DeepboardError as error:
        show.error(error)


main()

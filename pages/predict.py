"""Predict: one row by a form, a picture, the next horizon of a series, or a whole file."""

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dl_core.bundle.serving import guarded
from dl_core.data.panel import series_names
from dl_core.errors import DeepboardError
from dl_core.evaluation.upcoming import upcoming
from dl_core.explain import EXPLANATIONS, fitting, test_rows
from dl_core.report import Panel, percent, significant
from dl_core.store import Run
from ui import answers, ask, cached, files, gallery, guards, imports, navigation, rowform, scores, show, state, words
from ui import board as boards
from ui.dropzone import drop_zone

SHOWN_ROWS = 200
SHOWN_PICTURES = 60

Row = dict[str, Any]


def main() -> None:
    run, board = guards.need_leaderboard()
    row = boards.chosen(board)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("What will it be?")
        if navigation.exists("download") and st.button("Download the model", type="primary", key="download"):
            navigation.go("download")
    value, interval = boards.shown(row)
    score = f"{scores.title(board['metric'])} {words.score(value, interval)}"
    show.lead(f"{row['name']} answers: {score} on data it had not seen. Another model can be chosen above.")
    kind = run.spec.task.kind
    if kind == "forecasting":
        views = {"The next steps": lambda: next_steps(run, row), "A file": lambda: file_in(run, row)}
    elif "image" in run.prepared.signature.inputs:
        views = {"Pictures": lambda: pictures_in(run, row)}
    else:
        views = {"One row": lambda: one_row(run, row), "A file": lambda: file_in(run, row)}
    if len(views) == 1:
        next(iter(views.values()))()
        return
    for tab, view in zip(st.tabs(list(views), key="predict_view", on_change="rerun"), views.values(), strict=True):
        if tab.open:
            with tab:
                view()


# one row


@st.fragment
def one_row(run: Run, row: Row) -> None:
    left, right = st.columns([7, 5], gap="large")
    slot = f"predict_sample_{run.id}"
    sample = st.session_state.setdefault(slot, 0)
    prepared = run.prepared
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<p class="db-muted db-small" style="margin:0">{escape(_origin(run, sample))}</p>')
            if st.button("Another row", key="another_row", icon=":material/shuffle:", type="tertiary"):
                st.session_state[slot] = int(np.random.default_rng().integers(prepared.size("test")))
                st.rerun(scope="fragment")
        start = test_rows(run, [sample]).iloc[0].to_dict()
        vocabularies = {
            one.column.name: one.state["vocabulary"]
            for one in prepared.preprocessor.encoded
            if "vocabulary" in one.state
        }
        columns = _important_first(run, row, list(prepared.preprocessor.columns))
        profile = run.dataset.profile.get("columns", {})
        values = rowform.draw(columns, vocabularies, profile, start, key=f"field_{run.id}_{sample}")
    with right, st.container(key="db-answer"):
        payload = {"run": run.id, "model": row["model"], "rows": [values]}
        answer = ask.ask("predict", payload, key="predict_row", doing="Asking the model …")
        if answer is not None:
            answers.draw(run, row, answer["answers"][0])
            reasons(run, row, values)


def _origin(run: Run, sample: int) -> str:
    """What row the form began with."""
    truth = np.asarray(run.prepared.truth("test")[sample])
    names = run.spec.task.targets
    if run.spec.task.kind == "classification":
        said = f"{names[0]} is “{run.prepared.state['task']['classes'][int(truth)]}”"
    else:
        said = ", ".join(
            f"{name} is {significant(float(each))}" for name, each in zip(names, truth.ravel(), strict=True)
        )
    return f"Row {sample + 1:,} of the test part, where {said}. Change anything."


def _important_first(run: Run, row: Row, columns: list) -> list:
    """Columns in the order of their importance where that is known, else as in the file."""
    known = run.explanations(row["model"]).get("importance")
    if not known:
        order = {name: place for place, name in enumerate(run.schema.names)}
    else:
        order = {name: place for place, name in enumerate(known[0].data["labels"])}
    return sorted(columns, key=lambda column: order.get(column.name, len(order)))


def reasons(run: Run, row: Row, values: Row) -> None:
    """Why this answer, where the model can be asked."""
    names = [
        name for name in fitting(set(run.prepared.signature.inputs), row["kind"]) if EXPLANATIONS[name].of == "sample"
    ]
    for name in names:
        payload = {"run": run.id, "model": row["model"], "name": name, "row": values}
        answer = ask.ask("explain", payload, key=f"reasons_{name}", doing="Asking why …")
        for number, record in enumerate(answer["panels"] if answer else ()):
            show.panel(Panel.from_json(record), f"reason_{run.id}_{name}_{number}")
    if not names:
        st.html(f'<p class="db-muted db-small">{escape(row["name"])} cannot say why; a network can.</p>')


# files


def file_in(run: Run, row: Row) -> None:
    """A file in, its predictions out, and scores where it holds the answers."""
    series = run.spec.task.kind == "forecasting"
    what = "the latest history of the series" if series else "a table with the columns of the training data"
    arrived = drop_zone(
        f"predict_{run.id}", "Drop a file to predict", f"{what[0].upper()}{what[1:]}", slim=True, folders=False
    )
    answer = _answered(run, row, arrived)
    if answer is None:
        return
    _outcome(run, answer)
    table = _first_rows(state.actor(), answer["out"], cached.stamp(Path(answer["out"])), _texts(run))
    st.dataframe(
        table, hide_index=True, alt="Predictions", column_config=show.rounded(table), height=360, width="content"
    )
    if answer["rows"] > len(table):
        st.html(f'<p class="db-muted db-small">The first {len(table)} of {words.count(answer["rows"])} answers.</p>')


def _answered(run: Run, row: Row, arrived) -> dict | None:
    """The answer to the file that arrived last for this run; None while there is none."""
    slot = f"predict_upload_{run.id}"
    if arrived is not None:
        try:
            path, _options, name = imports.arranged(arrived.content) or (None, None, "")
        except DeepboardError as error:
            show.error(error)
            return None
        if path is not None:
            st.session_state[slot] = {"file": str(path), "name": name, "folder": str(arrived.content.parent)}
    known = st.session_state.get(slot)
    if known is None:
        return None
    out = Path(known["folder"]) / f"predictions-{row['model']}.csv"
    payload = {"run": run.id, "model": row["model"], "file": known["file"], "out": str(out)}
    answer = ask.ask("predict", payload, key=f"predict_file_{run.id}", doing=f"Predicting {known['name']} …")
    return answer and {**answer, "name": known["name"], "source": known["file"]}


def _outcome(run: Run, answer: dict) -> None:
    """How many answers there are, how good they are, and the file to take away."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if "image" in run.prepared.signature.inputs:
            done = f"{words.plural(answer['rows'], 'picture')} predicted"
        else:
            what = "forecast value" if run.spec.task.kind == "forecasting" else "row"
            done = f"{words.plural(answer['rows'], what)} of {show.escape_markdown(answer['name'])} predicted"
        st.markdown(f"**{done}**")
        files.link(Path(answer["out"]), f"predictions-{show.file_name(answer['name'])}.csv", "Download the predictions")
    for problem in answer.get("problems") or []:
        if problem["severity"] in ("warning", "error"):
            show.callout(problem["severity"], problem["message"], problem["fix"])
    if answer.get("scores"):
        show.eyebrow("The file holds the answers, so here is how good the predictions are")
        show.facts([(scores.title(name), significant(value)) for name, value in answer["scores"].items()])


@st.cache_data(show_spinner=False, max_entries=20)
def _first_rows(actor: str, path: str, stamp: float, texts: tuple[str, ...], most: int = SHOWN_ROWS) -> pd.DataFrame:
    """The first answers of a file; `texts` are read as the values they were written from: the class "007" stays that
    and "None" is no gap."""
    gaps = {name: [""] for name in pd.read_csv(path, nrows=0) if name not in texts}
    plain = dict.fromkeys(texts, _unguarded)
    return pd.read_csv(path, nrows=most, converters=plain, na_values=gaps, keep_default_na=False)


def _texts(run: Run) -> tuple[str, ...]:
    """The answer columns that hold names, not numbers."""
    classes = ("prediction",) if run.spec.task.kind == "classification" else ()
    return ("file", *run.spec.task.series, *classes)


def _unguarded(cell: str) -> str:
    """A text cell as it was before a spreadsheet was kept from taking it for a formula."""
    return cell[1:] if cell[:1] == "'" and guarded(cell[1:]) == cell else cell


# pictures


def pictures_in(run: Run, row: Row) -> None:
    """Drop one picture or many; see the answers, and for one of them where the model looked."""
    arrived = drop_zone(
        f"predict_{run.id}", "Drop pictures to predict", "One picture, several, a folder or a ZIP", slim=True
    )
    answer = _answered(run, row, arrived)
    if answer is None:
        return
    table = _first_rows(state.actor(), answer["out"], cached.stamp(Path(answer["out"])), _texts(run), SHOWN_PICTURES)
    if answer["rows"] > 1 or answer.get("scores"):
        _outcome(run, answer)
    records = table.to_dict("records")
    found = _found(Path(answer["source"]), [str(record["file"]) for record in records])
    slot = f"predict_picked_{answer['out']}"
    picked = st.session_state.get(slot, 0)
    left, right = st.columns([6, 5], gap="large")
    with left:
        cells = {
            number: (
                gallery.thumbnail(state.actor(), str(path), cached.stamp(path)) if path else "data:,",
                _caption(record),
            )
            for number, (record, path) in enumerate(zip(records, found, strict=True))
        }
        clicked = gallery.pick(cells, picked, key=f"answers_{slot}")
        if clicked is not None and clicked != picked:
            st.session_state[slot] = clicked
            st.rerun()
    with right:
        answers.draw(run, row, records[picked])
        column = next(column.name for column in run.schema.columns if column.kind == "image")
        if found[picked] is not None:
            reasons(run, row, {column: str(found[picked])})


def _caption(record: Row) -> str:
    """The answer in a line: a class with its probability, the largest there is, or the quantities."""
    shares = [float(value) for name, value in record.items() if name.startswith("probability_")]
    if shares:
        return f"{record['prediction']} ({percent(max(shares))})"
    return ", ".join(significant(float(value)) for name, value in record.items() if name.startswith("prediction"))


def _found(source: Path, names: list[str]) -> list[Path | None]:
    """Where the pictures of an upload lie, by their path in it, else by their name; None for those in an archive."""
    top = source if source.is_dir() else source.parent
    pictures = [path for path in sorted(top.rglob("*")) if path.is_file() and path.suffix.lower() != ".zip"]
    by_name = {path.name: path for path in pictures}
    by_path = {path.relative_to(top).as_posix(): path for path in pictures}
    return [by_path.get(name) or by_name.get(Path(name).name) for name in names]


# series


def next_steps(run: Run, row: Row) -> None:
    """The horizon that follows the data, for every series."""
    payload = {"run": run.id, "model": row["model"]}
    answer = ask.ask("predict", payload, key=f"predict_next_{run.id}", doing="Forecasting all series …")
    if answer is None:
        return
    table = pd.DataFrame(answer["answers"])
    task, prepared = run.spec.task, run.prepared
    names = series_names(table[list(task.series)]) if task.series else [""] * len(table)
    known = {name: number for number, name in enumerate(prepared.names())} or {"": 0}
    chosen = ""
    if task.series:
        options = [name for name in dict.fromkeys(names) if name in known]
        chosen = st.selectbox("Series", options, key="predict_series", width=320)
    mine = table[[name == chosen for name in names]]
    quantiles = mine[[f"quantile_{level / 10:.1f}" for level in range(1, 10)]].to_numpy(float)
    panel = upcoming(prepared, task, known[chosen], quantiles, chosen)
    show.panel(panel, f"next_{run.id}_{row['model']}_{chosen}", height=380)
    columns = [name for name in (task.time, "prediction", "quantile_0.1", "quantile_0.9") if name in mine]
    shown = mine[columns].rename(columns={"quantile_0.1": "80 % from", "quantile_0.9": "to", "prediction": "forecast"})
    show.table(
        shown, f"steps_{run.id}", name=f"forecast-{run.row['name']}", csv=table, column_config=show.rounded(shown)
    )
    if task.series:
        st.html('<p class="db-muted db-small">The CSV holds all series and all nine quantiles.</p>')


main()

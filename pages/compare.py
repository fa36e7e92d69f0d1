"""Compare: every model of a run on one board, and two runs side by side."""

from typing import Any

import pandas as pd
import streamlit as st

from dl_core.evaluation import spoken
from dl_core.evaluation.reports import training
from dl_core.evaluation.versus import lead
from dl_core.families import FAMILIES
from dl_core.metrics import METRICS, Metric
from dl_core.report import Panel
from dl_core.store import Run
from ui import board as boards
from ui import cached, guards, navigation, network, show, state, words
from ui import scores as said

MOST_COMPARED = 6


def main() -> None:
    run, board = guards.need_leaderboard()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Which model is best?")
        if st.button(
            "See why", type="primary", key="explain", help="How good the best model is, and what it relies on."
        ):
            navigation.go("explain", model=board["winner"])
    show.lead(board["sentence"])
    opened = boards.draw(board, key=f"board_{run.id}")
    footnote(run, board)
    views = {
        "Curves": lambda: curves(run, board),
        "Trials": lambda: trial_tab(run, METRICS.load(board["metric"]), board.get("folds", 1)),
        "All scores": lambda: all_scores(run, board),
        "Against another run": lambda: against(run, board),
    }
    for tab, view in zip(st.tabs(list(views), key="compare_view", on_change="rerun"), views.values(), strict=True):
        if tab.open:
            with tab:
                view()
    way_on()
    if opened:
        boards.open_model(run, opened, board["metric"])


def footnote(run: Run, board: dict[str, Any]) -> None:
    """What the numbers are, and the board as a file."""
    folds = board.get("folds", 1)
    ranked = f"Ranked {spoken.place(folds)}."
    if folds > 1:
        ranked = f"Ranked out of fold: each model is trained {folds} times and judged by the fold it has not seen."
    tested = any(row["test"] is not None for row in board["rows"])
    sentence = f"{ranked} The scores are {spoken.name(folds)} scores; the test part has not been scored."
    if tested:
        samples = words.count(run.prepared.size("test"))
        what = "forecasts" if board["task"] == "forecasting" else "pictures" if _pictures(run) else "rows"
        often = "once, at the end" if board["looks"] == 1 else f"{board['looks']} times, whenever the search had ended"
        sentence = (
            f"{ranked} The scores are from the test part: {samples} {what} no model has seen. It was scored {often}, "
            "and chose nothing. The lines are 95\u00a0% intervals."
        )
        if board["best_network"] and (after := spoken.refitted(run.model(board["best_network"]).get("refit"))):
            sentence += f" <b>Best network:</b> {after}"
    with st.container(key="footnote", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f'<p class="db-muted db-small" style="margin:0">{sentence}</p>')
        st.download_button(
            "CSV", lambda: show.safe_csv(boards.record(board)), file_name=f"leaderboard-{run.id}.csv", mime="text/csv",
            key="board_csv", icon=":material/download:", type="tertiary", on_click="ignore", help="This board.",
        )  # fmt: skip


def _pictures(run: Run) -> bool:
    return "image" in run.prepared.signature.inputs


def curves(run: Run, board: dict[str, Any]) -> None:
    trials, metric, folds = run.trials(), METRICS.load(board["metric"]), board.get("folds", 1)
    named = [{**trial, "family": _family(trial["family"])} for trial in trials]
    shown = (
        training.learning_curves(named, metric, board["best_network"], folds),
        training.over_time(trials, metric, folds),
    )
    for panel in shown:
        if panel is not None:
            show.panel(panel, f"{panel.title}_{run.id}")


def trial_tab(run: Run, metric: Metric, folds: int) -> None:
    trials = run.trials()
    families = list(dict.fromkeys(trial["family"] for trial in trials))
    panels = {name: panel for name in families if (panel := training.parameters(trials, metric, name))}
    if panels:
        name = next(iter(panels))
        if len(panels) > 1:
            name = st.segmented_control(
                "Family", list(panels), default=name, format_func=_family, key="parallel_family", required=True,
                label_visibility="collapsed",
            )  # fmt: skip
        show.panel(panels[name], f"parallel_{run.id}_{name}")
    frame = trial_frame(trials, metric, folds)
    slot = f"open_trial_{run.id}"
    show.table(
        frame, f"trials_{run.id}", name=f"trials-{run.row['name']}",
        column_config={
            **show.rounded(frame),
            "Status": st.column_config.TextColumn(help=words.STOPPED_EARLY),
            "Trial": st.column_config.ButtonColumn(
                "Trial", key=slot, on_click=_open, args=(slot, list(frame["Trial"])), type="tertiary",
                help="Opens the network: layers, parameters, settings, and why this family.",
            ),
        },
    )  # fmt: skip
    opened = st.session_state.pop(f"{slot}_clicked", None)
    if opened:
        network.open_trial(run, opened)


def _open(slot: str, ids: list[str]) -> None:
    click = st.session_state.get(slot)
    if click is not None:
        st.session_state[f"{slot}_clicked"] = ids[click["row"]]


def trial_frame(trials: list[dict], metric: Metric, folds: int = 1) -> pd.DataFrame:
    """The trial table in the words of the page."""
    table = training.trial_table([{**trial, "family": _family(trial["family"])} for trial in trials], metric, folds)
    frame = pd.DataFrame(table.data["rows"], columns=table.data["columns"])
    frame["From"] = frame["From"].map(words.SOURCES).fillna(frame["From"])
    frame["Status"] = frame["Status"].map(words.TRIAL_STATUS).fillna(frame["Status"])
    return frame if (frame["Reason"] != "").any() else frame.drop(columns="Reason")


def all_scores(run: Run, board: dict[str, Any]) -> None:
    folds = board.get("folds", 1)
    parts = {"Test part": "test", "Validation part" if folds == 1 else "Out of fold": "valid"}
    if all(row["test"] is None for row in board["rows"]):
        parts.pop("Test part")
    part = st.segmented_control(
        "Part", list(parts), default=next(iter(parts)), key="scores_part", required=True, label_visibility="collapsed"
    )
    if parts[part] == "valid":
        st.html(f'<p class="db-muted db-small" style="margin:0">{spoken.meaning(folds)}</p>')
    frame = boards.all_scores(board, parts[part])
    helped = {
        said.title(metric): st.column_config.NumberColumn(format="%.4g", help=said.help(metric))
        for metric in board["rows"][0]["scores"]
    }
    show.table(frame, f"scores_{run.id}_{part}", name=f"scores-{run.row['name']}", column_config=helped)


def _family(name: str) -> str:
    return FAMILIES[name].title if name in FAMILIES else name


def against(run: Run, board: dict[str, Any]) -> None:
    """This run beside another one of the same dataset."""
    store = cached.store()
    others = [row for row in store.runs(run.row["dataset"], actor=state.actor()) if row["id"] != run.id]
    others = [row for row in others if cached.board(row)]
    if not others:
        show.callout(
            "note", "There is no other finished run of this dataset.", "Train again with other settings to compare."
        )
        return
    zone = words.zone(st.context.timezone)
    names = words.apart({row["id"]: f"{row['name']}, {words.moment(row['created'], zone)}" for row in others})
    chosen = st.selectbox("Another run", list(names), format_func=names.get, key="other_run", width=420)
    other = store.run(chosen, actor=state.actor())
    other_board = other.leaderboard()
    differing = differences(run, other)
    if board["metric"] != other_board["metric"]:
        titles = said.title(board["metric"]), said.title(other_board["metric"])
        show.callout(
            "warning", f"One run is judged by {titles[0]}, the other by {titles[1]}: their scores cannot be compared."
        )
    else:
        show.panel(
            side_by_side(board, other_board, gap_note(run, board, other, other_board)), f"against_{run.id}_{chosen}"
        )
    if differing:
        frame = pd.DataFrame(differing, columns=["Setting", "This run", "The other run"])
        show.table(frame, f"differences_{run.id}_{chosen}", name="differences")
    else:
        st.html('<p class="db-muted">Both runs were asked for the same.</p>')


def gap_note(run: Run, board: dict, other: Run, other_board: dict) -> str:
    """How the best of both compare, as far as that can be told."""
    if board["rows"][0]["test"] is None or other_board["rows"][0]["test"] is None:
        return ""
    ahead = lead(run, board["winner"], other, other_board["winner"])
    if ahead is None:
        return "The two runs are tested on different samples, so small differences mean nothing."
    gap, low, high = ahead
    title = said.title(board["metric"])
    if low <= 0 <= high:
        return f"On the same test samples the best of both draw: the difference in {title} is within noise."
    word = "ahead of" if gap > 0 else "behind"
    between = f"95 % between {words.number(min(abs(low), abs(high)))} and {words.number(max(abs(low), abs(high)))}"
    return f"The best of this run is {words.number(abs(gap))} {title} {word} the other's, {between}."


def side_by_side(board: dict, other: dict, note: str) -> Panel:
    """The best of both runs on one scale."""
    rows = []
    for which, name, role in ((board, "this run", "accent"), (other, "the other", None)):
        for row in which["rows"][:MOST_COMPARED]:
            value, interval = boards.shown(row)
            if value is None or row["family"] == "dummy":
                continue
            low, high = interval or (None, None)
            mark = "baseline" if row["kind"] == "baseline" else role
            rows.append({"name": f"{name}: {row['name']}", "value": value, "low": low, "high": high, "role": mark})
    metric = METRICS.load(board["metric"])
    rows.sort(key=lambda row: -metric.sign * row["value"])
    return Panel(
        kind="intervals",
        title="Both runs on one scale",
        note=note,
        help="Scores of the test parts with their 95 % intervals; grey are baselines.",
        data={"rows": rows, "x_title": metric.title},
    )


def differences(run: Run, other: Run) -> list[list[str]]:
    """What the two runs were asked differently."""
    mine, theirs = run.spec, other.spec
    asked = {
        "Target": lambda spec: words.listing(list(spec.task.targets)),
        "Task": lambda spec: spec.task.kind,
        "Judged by": lambda spec: said.title(spec.task.metric),
        "Split": lambda spec: f"{spec.split.kind}, {spec.split.test_share:.0%} test",
        "Families": lambda spec: words.listing([_family(name) for name in spec.families], 9) or "all that fit",
        "Schema version": lambda spec: str(spec.schema_version),
        "Horizon": lambda spec: str(spec.task.horizon or "–"),
        "Most trials": lambda spec: str(spec.budget.trials or "–"),
        "Most epochs": lambda spec: str(spec.budget.epochs or "–"),
        "Search": lambda spec: words.SEARCHES[spec.search][0],
        "Trained again on all rows": lambda spec: "if time allows" if spec.refit else "no",
        "Seed": lambda spec: str(spec.seed),
    }
    lines = [[name, say(mine), say(theirs)] for name, say in asked.items() if say(mine) != say(theirs)]
    budgets = [words.duration(each.row["seconds"]) for each in (run, other)]
    return [*lines, ["Budget", *budgets]] if budgets[0] != budgets[1] else lines


def way_on() -> None:
    with st.container(horizontal=True, gap="medium"):
        for page, label in (
            ("explain", "Why it answers so"),
            ("predict", "Predict with it"),
            ("download", "Download it"),
        ):
            if navigation.exists(page):
                navigation.link(page, label, icon="arrow_forward")


main()

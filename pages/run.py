"""A run: live while it works, and its record afterwards. Reads the run's files only."""

import time
from html import escape

import pandas as pd
import streamlit as st

from dl_core import jobs
from dl_core.errors import DeepboardError, NotFoundError
from dl_core.families import FAMILIES
from dl_core.records import read_json
from dl_core.report import Panel
from dl_core.store import Run
from ui import cached, guards, live, navigation, network, scores, show, state, words

MORE_TIME = {"1 minute": 60, "5 minutes": 300, "15 minutes": 900, "1 hour": 3600}
TITLES = {
    "queued": "Waiting for its turn",
    "running": "Looking for the best network",
    "done": "What came out of this run?",
    "stopped": "What came out of this run?",
    "cancelled": "This run was cancelled",
    "failed": "This run ended without a model",
}
SOURCES = {"portfolio": "known-good settings", "oracle": "the tuner"}
TRIAL_STATUS = {"running": "training", "done": "finished", "stopped": "cut short", "failed": "failed"}


def main() -> None:
    run = guards.need_run()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(TITLES[run.status])
        actions(run)
    show.lead(what_was_asked(run))
    if run.status in ("queued", "running"):
        jobs.ensure_supervisor(cached.store().workspace)
        at_work(run.id)
    else:
        outcome(run)
    left, right = st.columns([5, 3], gap="large")
    with left:
        show.section("Learning curves")
        curves(run.id, run.status)
    with right:
        show.section("What was decided, and why")
        decisions(run.id, run.status)
    show.section("Trials")
    trials(run.id, run.status)
    if run.ended:
        details(run)
    opened = st.session_state.pop("opened_trial", None)
    if opened and opened[0] == run.id:
        network.open_trial(run, opened[1])


def what_was_asked(run: Run) -> str:
    task, data = run.spec.task, run.row["dataset_name"] or "data that was deleted"
    ahead = f" {words.plural(task.horizon, 'step')} ahead" if task.horizon else ""
    return (
        f"Predict {words.listing(list(task.targets))}{ahead} in “{data}”, judged by {scores.title(task.metric)}, "
        f"within {words.duration(run.row['seconds'])}."
    )


# what a person can do


def actions(run: Run) -> None:
    store = cached.store()
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", width="content"):
        if run.status in ("running", "queued"):
            if run.status == "running" and st.button("Stop and keep the best", type="primary", key="stop"):
                store.request_stop(run.id, actor=state.actor())
                st.toast("Stopping: the best model so far is being scored and packed.")
            more_time(run, "Add time")
            if st.button("Cancel", key="cancel", help="End the run and throw its models away."):
                confirm_cancel(run.id)
            return
        if run.leaderboard() and navigation.exists("compare"):
            if st.button("Compare the models", type="primary", key="compare"):
                navigation.go("compare")
        elif st.button("Train again", type="primary", key="again"):
            navigation.go("train")
        if run.row["dataset_name"]:
            more_time(run, "Continue for")


def more_time(run: Run, label: str) -> None:
    chosen = st.menu_button(label, list(MORE_TIME), key="more_time", help="The same search goes on where it stopped.")
    if chosen:
        cached.store().add_time(run.id, MORE_TIME[chosen], actor=state.actor())
        jobs.ensure_supervisor(cached.store().workspace)
        st.rerun()


@st.dialog("Cancel this run?")
def confirm_cancel(run_id: str) -> None:
    st.write("It ends at once and its models are thrown away. To keep the best one, stop it instead.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it running", key="cancel_not"):
            st.rerun()
        if st.button("Cancel the run", type="primary", key="cancel_confirmed"):
            cached.store().request_cancel(run_id, actor=state.actor())
            st.rerun()


# while it works


@st.fragment(run_every=1.0)
def at_work(run_id: str) -> None:
    """The figures of a run at work. Draws the whole page anew when the run starts or ends."""
    store = cached.store()
    try:
        run = store.run(run_id, actor=state.actor())
    except NotFoundError:
        st.rerun(scope="app")
    drawn = st.session_state.setdefault("drawn_status", {})
    if drawn.get(run_id, run.status) != run.status:
        drawn.pop(run_id)
        st.rerun(scope="app")
    drawn[run_id] = run.status
    jobs.ensure_supervisor(store.workspace)
    if run.status == "queued":
        place = store.place(run_id, actor=state.actor())
        ahead = "It starts in a moment." if place <= 1 else f"{words.plural(place - 1, 'run')} before it."
        st.html(f'<div class="db-hero"><div class="db-big">Place {place}</div><p class="db-muted">{ahead} You can '
                "close this page; the run starts by itself.</p></div>")  # fmt: skip
        return
    progress = live.follow(run, scores.direction(run.row["metric"]))
    control = store.control(run_id, actor=state.actor())
    st.html(hero(run, progress, control))
    for problem in progress.problems[-2:]:
        show.callout(problem.get("severity", "warning"), problem["message"], problem.get("fix") or "")


def hero(run: Run, progress: live.Progress, control) -> str:
    left = max(0.0, run.row["seconds"] - live.spent(run))
    title = scores.title(run.row["metric"])
    best, baseline = progress.best_trial, progress.baseline
    doing = "Stopping, keeping the best" if control.stop else live.phase_words(progress)
    if control.cancel:
        doing = "Cancelling"
    again = f" · attempt {progress.attempts}, going on where it stopped" if progress.attempts > 1 else ""
    cells = [("Time left", words.clock(left), f"of {words.duration(run.row['seconds'])}")]
    if best:
        family = FAMILIES[best.family].title if best.family in FAMILIES else best.family
        cells.append((f"Best {title} so far", words.number(best.score), f"{family}, trial {best.id}"))
    else:
        cells.append((f"Best {title} so far", "–", "the first network is on its way"))
    if baseline:
        cells.append(("Best baseline", words.number(baseline["valid"]), baseline["name"]))
    if best and baseline:
        cells.append(_lead(progress, best.score, baseline["valid"]))
    figures = "".join(
        f'<div class="db-fact"><div class="label">{escape(label)}</div><div class="db-big">{escape(value)}</div>'
        f'<div class="note">{escape(note)}</div></div>'
        for label, value, note in cells
    )
    return (
        f'<div class="db-hero" role="status"><div class="db-figures">{figures}</div>{track(run, progress)}'
        f'<div class="db-row">{show.pill("running")}<span>{escape(doing)}</span>'
        f'<span class="db-muted">{escape(again)}</span></div></div>'
    )


def _lead(progress: live.Progress, best: float, baseline: float) -> tuple[str, str, str]:
    gap = best - baseline if progress.direction == "max" else baseline - best
    word = "ahead of the baseline" if gap > 0 else "behind the baseline"
    return ("Lead on validation rows", f"{'+' if gap > 0 else '−'}{abs(gap):.2g}", word)


def track(run: Run, progress: live.Progress) -> str:
    """The phases as one bar, each as wide as its share of the budget: those behind full, the one at hand filled by the
    time it has had."""
    order = [name for name in words.PHASES if name in progress.plan]
    at_hand = "deliver" if progress.phase == "judge" else progress.phase
    if at_hand not in order:
        return show.bar(live.share_done(run))
    whole = max(1.0, run.row["seconds"])
    cells = []
    for number, name in enumerate(order):
        length = progress.plan[name]
        part = float(number < order.index(at_hand))
        if name == at_hand:
            part = min(0.97, (time.time() - progress.phase_begun) / max(length, 1.0))
        cells.append(
            f'<div class="step{" now" if name == at_hand else ""}" style="flex:{max(length, whole / 12):.1f}">'
            f"{show.bar(part)}<span>{escape(words.PHASES[name])}</span></div>"
        )
    return f'<div class="db-track">{"".join(cells)}</div>'


# what both show


def curves(run_id: str, status: str) -> None:
    st.fragment(_curves, run_every=2.0 if status == "running" else None)(run_id)


def _curves(run_id: str) -> None:
    """Scores of all trials while they trained: quiet grey, the best in accent, the best baseline dotted."""
    run = _fresh(run_id)
    progress = live.follow(run, scores.direction(run.row["metric"]))
    series = curve_series(progress)
    if not series:
        st.html('<p class="db-muted">The first curve appears as soon as a network has been scored.</p>')
        return
    data = {
        "series": series,
        "x_title": "seconds of training",
        "y_title": scores.title(run.row["metric"]),
    }
    from dl_core.charts import figure

    drawn = figure(Panel(kind="lines", title="", data=data), dark=state.is_dark())
    drawn.update_yaxes(range=readable_range(progress))
    # names above the lines: they change and meet while it trains, so they have no steady place at the lines' ends
    spoken = {line["name"] for line in series if line["role"] != "quiet"}
    drawn.for_each_trace(lambda trace: trace.update(showlegend=trace.name in spoken))
    drawn.update_layout(annotations=(), showlegend=True, margin={"r": 16, "t": 48})
    show.plot(drawn, f"curves_{run_id}", name="Learning curves", height=330)


def curve_series(progress: live.Progress) -> list[dict]:
    best = progress.best_trial
    series = []
    for trial in progress.trials.values():
        points = [point for point in trial.points if point.score is not None]
        if points:
            title = FAMILIES[trial.family].title if trial.family in FAMILIES else trial.family
            series.append(
                {
                    "name": f"{title} {trial.id}",
                    "x": [point.seconds for point in points],
                    "y": [point.score for point in points],
                    "role": "accent" if trial is best else "quiet",
                }
            )
    baseline = progress.baseline
    if series and baseline:
        end = max(max(line["x"]) for line in series)
        series.append({"name": baseline["name"], "x": [0, end], "y": [baseline["valid"]] * 2, "role": "baseline"})
    return series


def readable_range(progress: live.Progress) -> tuple[float, float]:
    """An axis on which the leaders can be told apart: the best curve without its first quarter and the best baseline
    are inside; early and weak scores may lie outside."""
    best, baseline = progress.best_trial, progress.baseline
    shown = [baseline["valid"]] if baseline and baseline["valid"] is not None else []
    if best:
        curve = [point.score for point in best.points if point.score is not None]
        shown += [*curve[len(curve) // 4 :], *([best.score] if best.score is not None else [])]
    low, high = min(shown), max(shown)
    margin = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def decisions(run_id: str, status: str) -> None:
    st.fragment(_decisions, run_every=2.0 if status == "running" else None)(run_id)


def _decisions(run_id: str) -> None:
    found = _fresh(run_id).decisions()
    if not found:
        st.html('<p class="db-muted">Every automatic choice will be listed here with its reason.</p>')
        return
    show.decisions(found[::-1], "Decisions, the newest first")


def trials(run_id: str, status: str) -> None:
    st.fragment(_trials, run_every=2.0 if status == "running" else None)(run_id)


def _trials(run_id: str) -> None:
    run = _fresh(run_id)
    progress = live.follow(run, scores.direction(run.row["metric"]))
    if not progress.trials:
        st.html('<p class="db-muted">No network has been trained yet.</p>')
        return
    frame = trial_frame(progress)
    st.dataframe(
        frame,
        key=f"trials_{run_id}",
        hide_index=True,
        alt="Trials of this run",
        placeholder="–",
        column_config={
            "Trial": st.column_config.ButtonColumn(
                "Trial", key=f"open_trial_{run_id}", on_click=_open_trial, args=(run_id, list(frame["Trial"])),
                type="tertiary", help="Opens the network: layers, parameters, settings, and why this family.",
                width="small",
            ),
            "Score": st.column_config.NumberColumn(
                f"{scores.title(run.row['metric'])} (validation)", format="%.4g", help=scores.help(run.row["metric"])
            ),
            "Curve": st.column_config.LineChartColumn("Curve", help="The score while it trained."),
            "Seconds": st.column_config.NumberColumn("Seconds", format="%.1f"),
            "Epochs": st.column_config.NumberColumn("Epochs", format="%.0f"),
            "Settings": st.column_config.TextColumn("Settings or reason", width="large"),
        },
    )  # fmt: skip
    st.download_button(
        "CSV", lambda: show.safe_csv(trial_record(run)), file_name=f"trials-{run_id}.csv", mime="text/csv",
        key=f"trials_csv_{run_id}", icon=":material/download:", type="tertiary", on_click="ignore",
    )  # fmt: skip
    if "clicked_trial" in st.session_state:  # a dialog opens from the page, not from a part that redraws itself
        st.session_state["opened_trial"] = (run_id, st.session_state.pop("clicked_trial"))
        st.rerun(scope="app")


def _open_trial(run_id: str, ids: list[str]) -> None:
    click = st.session_state.get(f"open_trial_{run_id}")
    if click is not None:
        st.session_state["clicked_trial"] = ids[click["row"]]


def trial_frame(progress: live.Progress) -> pd.DataFrame:
    rows = []
    for trial in progress.trials.values():
        settings = ", ".join(f"{name} {words.setting(value)}" for name, value in trial.params.items())
        rows.append(
            {
                "Trial": trial.id,
                "Family": FAMILIES[trial.family].title if trial.family in FAMILIES else trial.family,
                "Score": trial.score,
                "Curve": [point.score for point in trial.points if point.score is not None],
                "State": TRIAL_STATUS.get(trial.status, trial.status),
                "Proposed by": SOURCES.get(trial.source, trial.source),
                "Seconds": trial.seconds,
                "Epochs": trial.points[-1].epoch if trial.points else None,
                "Settings": trial.error or settings,
            }
        )
    return pd.DataFrame(rows)


def trial_record(run: Run) -> pd.DataFrame:
    """All trials with a column per setting, for a spreadsheet."""
    fields = ("trial", "family", "source", "status", "score", "seconds", "epochs", "parameters", "error")
    return pd.DataFrame(
        [{**{name: trial.get(name) for name in fields}, **(trial.get("params") or {})} for trial in run.trials()]
    )


# after the end


def outcome(run: Run) -> None:
    if run.row["error"]:
        show.callout("error", run.row["error"], "The last lines of the log are at the end of this page.")
    elif run.status == "cancelled":
        show.callout("note", "Nothing was kept. The curves and decisions up to then are below.")
    board = run.leaderboard()
    if not board or not board["rows"]:
        return
    best = scores.winner(board)
    network_row = scores.row(board, board["best_network"])
    baseline = scores.best_baseline(board)
    title = scores.title(board["metric"])
    cells = [(f"{best['name']}, {title}", words.score(best["test"], best["interval"]), "on rows no model has seen")]
    if network_row and network_row is not best:
        cells.append(
            (f"Best network: {network_row['name']}", words.score(network_row["test"], network_row["interval"]), "")
        )
    if baseline and baseline is not best:
        cells.append((f"Best baseline: {baseline['name']}", words.score(baseline["test"], baseline["interval"]), ""))
    cells.append(("Time used", words.duration(run.spent), f"of {words.duration(run.row['seconds'])}"))
    figures = "".join(
        f'<div class="db-fact"><div class="label">{escape(label)}</div><div class="db-big">{escape(value)}</div>'
        f'<div class="note">{escape(note)}</div></div>'
        for label, value, note in cells
    )
    st.html(
        f'<div class="db-hero"><div class="db-row">{show.pill(run.status)}<b>{escape(board["sentence"])}</b></div>'
        f'<div class="db-figures">{figures}</div></div>'
    )


def details(run: Run) -> None:
    progress = live.follow(run, scores.direction(run.row["metric"]))
    for problem in progress.problems:
        if problem["message"] != run.row["error"]:
            show.callout(problem.get("severity", "warning"), problem["message"], problem.get("fix") or "")
    log = run.log_tail() if run.status == "failed" else ""
    if log:
        with st.expander("The last lines of the log"):
            st.code(log, language=None)
    facts = [
        ("Run", run.id),
        ("Seed", str(run.spec.seed)),
        ("Started", words.moment(run.row["started"] or run.row["created"], state.zone())),
    ]
    environment = read_json(run.folder / "environment.json", {})
    for key, label in (("cores", "Cores"), ("python", "Python"), ("tensorflow", "TensorFlow"), ("keras", "Keras")):
        if key in environment:
            facts.append((label, str(environment[key])))
    show.section("How to get it again")
    show.facts(facts)


def _fresh(run_id: str) -> Run:
    try:
        return cached.store().run(run_id, actor=state.actor())
    except DeepboardError:
        st.rerun(scope="app")


main()

"""A run: live while it works, and its record afterwards. Reads the run's files only."""

import time
from html import escape

import pandas as pd
import streamlit as st

from dl_core import jobs
from dl_core.errors import DeepboardError, NotFoundError
from dl_core.evaluation import spoken
from dl_core.families import FAMILIES
from dl_core.records import read_json
from dl_core.report import Panel
from dl_core.store import Run
from dl_core.store.store import Control
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
CANCEL = "cancel"  # the dialog that is no trial


def main() -> None:
    run = guards.need_run()
    control = cached.store().control(run.id, actor=state.actor())
    stopping = run.status == "running" and control.stop
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Keeping the best network" if stopping else TITLES[run.status])
        actions(run, stopping)
    show.lead(what_was_asked(run))
    if run.status in ("queued", "running"):
        jobs.ensure_supervisor(cached.store().workspace)
        st.fragment(at_work, run_every=pace(run, 1.0))(run.id)
    else:
        outcome(run)
    if run.status != "queued" or run.spent:
        left, right = st.columns([5, 3], gap="large")
        with left:
            show.section("Learning curves")
            st.fragment(curves, run_every=pace(run, 2.0))(run.id)
        with right:
            show.section("What was decided, and why")
            st.fragment(decisions, run_every=pace(run, 2.0))(run.id)
        show.section("Trials")
        st.fragment(trials, run_every=pace(run, 2.0))(run.id)
    else:
        show.section("What was decided, and why")
        decisions(run.id)
    if run.ended:
        details(run)
    dialog(run)


# what stands above the page is remembered until it is closed: whatever redraws the page draws it again


def dialog(run: Run) -> None:
    what = above(run)
    if what == CANCEL:
        confirm_cancel(run)
    elif what:
        network.open_trial(run, what, on_dismiss=close)


def above(run: Run) -> str | None:
    """The dialog that is open: a trial's id, or CANCEL."""
    what, of = st.session_state.get("run_dialog", (None, None))
    return what if of == run.id else None


def close() -> None:
    st.session_state.pop("run_dialog", None)


def pace(run: Run, seconds: float) -> float | None:
    """How often a part of the page redraws itself: not under a dialog, and not when nothing happens any more."""
    return None if run.ended or above(run) else seconds


def what_was_asked(run: Run) -> str:
    task, data = run.spec.task, run.row["dataset_name"] or "data that was deleted"
    ahead = f" {words.plural(task.horizon, 'step')} ahead" if task.horizon else ""
    return (
        f"Predict {words.listing(list(task.targets))}{ahead} in “{data}”, judged by {scores.title(task.metric)}, "
        f"within {words.duration(run.row['seconds'])}."
    )


# what a person can do


def actions(run: Run, stopping: bool) -> None:
    store = cached.store()
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", width="content"):
        if run.status in ("running", "queued"):
            if run.status == "running":
                st.button(
                    "Stopping …" if stopping else "Stop and keep the best", type="primary", key="stop",
                    disabled=stopping, on_click=store.request_stop, args=(run.id,), kwargs={"actor": state.actor()},
                )  # fmt: skip
            more_time(run, "Add time", disabled=stopping)
            st.button(
                "Cancel", key="cancel", help="End the run and throw its models away.", on_click=_ask_to_cancel,
                args=(run.id,),
            )  # fmt: skip
            return
        if run.leaderboard() and navigation.exists("compare"):
            if st.button("Compare the models", type="primary", key="compare"):
                navigation.go("compare")
        elif st.button("Train again", type="primary", key="again"):
            navigation.go("train")
        if run.row["dataset_name"]:
            more_time(run, "Continue for")


def more_time(run: Run, label: str, disabled: bool = False) -> None:
    chosen = st.menu_button(
        label, list(MORE_TIME), key="more_time", help="The same search goes on where it stopped.", disabled=disabled
    )
    if chosen:
        cached.store().add_time(run.id, MORE_TIME[chosen], actor=state.actor())
        jobs.ensure_supervisor(cached.store().workspace)
        st.rerun()


def _ask_to_cancel(run_id: str) -> None:
    st.session_state["run_dialog"] = (CANCEL, run_id)


@st.dialog("Cancel this run?", on_dismiss=close)
def confirm_cancel(run: Run) -> None:
    if run.status == "queued":
        st.write("It is taken out of the queue.")
    elif run.ended:
        st.write("It has ended meanwhile; there is nothing to cancel.")
    else:
        st.write("It ends at once and its models are thrown away. To keep the best one, stop it instead.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Leave it", key="cancel_not", on_click=close):
            st.rerun()
        if not run.ended and st.button(
            "Cancel the run", type="primary", key="cancel_confirmed", on_click=_cancel, args=(run.id,)
        ):
            st.rerun()


def _cancel(run_id: str) -> None:
    close()
    cached.store().request_cancel(run_id, actor=state.actor())


# while it works


def at_work(run_id: str) -> None:
    """The figures of a run at work. Draws the whole page anew when the run starts, is asked to stop, or ends."""
    store = cached.store()
    try:
        run = store.run(run_id, actor=state.actor())
    except NotFoundError:
        st.rerun(scope="app")
    control = store.control(run_id, actor=state.actor())
    drawn, now = st.session_state.setdefault("drawn_status", {}), (run.status, control.stop)
    if drawn.get(run_id, now) != now:
        drawn.pop(run_id)
        st.rerun(scope="app")
    drawn[run_id] = now
    jobs.ensure_supervisor(store.workspace)
    if run.status == "queued":
        st.html(waiting(run_id))
        return
    progress = live.follow(run, scores.direction(run.row["metric"]))
    st.html(hero(run, progress, control))
    for problem in progress.problems[-2:]:
        show.callout(problem.get("severity", "warning"), problem["message"], problem.get("fix") or "")


def waiting(run_id: str) -> str:
    """The place in the queue, and how long the run at work will take, at the longest."""
    store = cached.store()
    place = store.place(run_id, actor=state.actor())
    figure, ahead = f"Place {place} in the queue", f"{words.plural(place - 1, 'run')} before it."
    if place <= 1:
        figure, ahead = "Next in the queue", "It starts in a moment."
    for row in store.runs(actor=state.actor()):
        if row["status"] == "running":
            left = max(0.0, row["seconds"] - live.spent(store.run(row["id"], actor=state.actor())))
            ahead += f" The one at work has {words.duration(left)} left at most."
    return (
        f'<div class="db-hero" role="status"><div class="db-row">{show.pill("queued")}</div><div><div class="db-big">'
        f'{figure}</div><p class="db-muted">{ahead} You can close this page; the run starts by itself.</p></div></div>'
    )


def hero(run: Run, progress: live.Progress, control: Control) -> str:
    spent, whole = live.spent(run), run.row["seconds"]
    title = scores.title(run.row["metric"])
    best, baseline = progress.best_trial, progress.baseline
    status, doing = doing_words(progress, control)
    again = f"Attempt {progress.attempts}, going on where it stopped" if progress.attempts > 1 else ""
    cells = [("Time left", words.clock(max(0.0, whole - spent)), f"of {words.duration(whole)}")]
    if control.stop:
        cells = [("Time used", words.clock(spent), f"of {words.duration(whole)}")]
    if best:
        where = "" if best.whole else ", first fold"
        cells.append(
            (f"Best {title} so far", words.number(best.score), f"{_title(best.family)}, trial {best.id}{where}")
        )
    else:
        cells.append((f"Best {title} so far", "–", "the first network is on its way"))
    if baseline:
        cells.append(("Best baseline", words.number(baseline["valid"]), baseline["name"]))
    if best and best.score is not None and baseline:
        cells.append(_lead(progress, best.score, baseline["valid"]))
    trials = "".join(f"<span>{escape(each)}</span>" for each in under_way(progress))
    at_hand = f'<div class="db-row db-muted db-small">{trials}</div>' if trials else ""
    figures = "".join(
        f'<div class="db-fact"><div class="label">{escape(label)}</div><div class="db-big">{escape(value)}</div>'
        f'<div class="note">{escape(note)}</div></div>'
        for label, value, note in cells
    )
    return (
        f'<div class="db-hero" role="status"><div class="db-figures">{figures}</div>{track(run, progress)}'
        f'<div class="db-row">{status}<span>{escape(doing)}</span>'
        f'<span class="db-muted">{escape(again)}</span></div>'
        f"{at_hand}</div>"
    )


def doing_words(progress: live.Progress, control: Control) -> tuple[str, str]:
    """What goes on, as a pill and a sentence without its full stop."""
    if control.cancel:
        return show.pill("stopped", "cancelling"), "It ends as soon as the step at hand lets go"
    if not control.stop:
        return show.pill("running"), live.phase_words(progress)
    if progress.best_trial is None:
        return show.pill("stopped", "stopping"), "No network has been scored so far, so there may be none to keep"
    takes = f", about {words.duration(progress.plan['deliver'])}" if "deliver" in progress.plan else ""
    return show.pill("stopped", "stopping"), f"Stopping: the best model so far is judged and packed{takes}"


def under_way(progress: live.Progress) -> list[str]:
    """The trials being trained, with how far each is: 'RealMLP t005: fold 2 of 5, epoch 3 of 40'."""
    return [f"{_title(trial.family)} {trial.id}: {trial.doing or 'starting'}" for trial in progress.under_way]


def _title(family: str) -> str:
    return FAMILIES[family].title if family in FAMILIES else family


def _lead(progress: live.Progress, best: float, baseline: float) -> tuple[str, str, str]:
    gap = best - baseline if progress.direction == "max" else baseline - best
    word = "ahead of the baseline" if gap > 0 else "behind the baseline"
    part = "Lead out of fold" if progress.folds > 1 else "Lead on validation rows"
    return (part, f"{'+' if gap > 0 else '−'}{abs(gap):.2g}", word)


def track(run: Run, progress: live.Progress) -> str:
    """The phases as one bar, each as wide as its share of the budget: those behind full, the one at hand filled by the
    time it has had. A refit takes its time from the search and joins when it comes."""
    order = [name for name in words.PHASES if name in progress.plan or (name == "refit" and progress.refits)]
    at_hand = "deliver" if progress.phase == "judge" else progress.phase
    if at_hand not in order:
        return show.bar(live.share_done(run))
    whole = max(1.0, run.row["seconds"])
    cells = []
    for number, name in enumerate(order):
        length = progress.plan.get(name, 0.0)
        part = float(number < order.index(at_hand))
        if name == at_hand:
            part = min(0.97, (time.time() - progress.phase_begun) / max(length, 1.0))
        bar = show.bar_busy() if name == at_hand == "refit" else show.bar(part)
        cells.append(
            f'<div class="step{" now" if name == at_hand else ""}" style="flex:{max(length, whole / 12):.1f}">'
            f"{bar}<span>{escape(words.PHASES[name])}</span></div>"
        )
    return f'<div class="db-track">{"".join(cells)}</div>'


# what both show


def curves(run_id: str) -> None:
    """Scores of all trials while they trained: quiet grey, the best in accent, the best baseline dotted."""
    run = _fresh(run_id)
    progress = live.follow(run, scores.direction(run.row["metric"]))
    series = curve_series(progress)
    if not series:
        said = (
            "No network was scored." if run.ended else "The first curve appears as soon as a network has been scored."
        )
        st.html(f'<p class="db-muted">{said}</p>')
        return
    data = {
        "series": series,
        "x_title": "epochs",
        "y_title": scores.title(run.row["metric"]) + (" on the first fold" if progress.folds > 1 else ""),
    }
    from dl_core.charts import figure

    drawn = figure(Panel(kind="lines", title="", data=data), dark=state.is_dark())
    drawn.update_xaxes(range=readable_reach(progress))
    drawn.update_yaxes(range=readable_range(progress))
    # names above the lines: they change and meet while it trains, so they have no steady place at the lines' ends
    spoken = {line["name"] for line in series if line["role"] != "quiet"}
    drawn.for_each_trace(lambda trace: trace.update(showlegend=trace.name in spoken))
    drawn.layout.annotations = ()
    drawn.update_layout(showlegend=True, margin={"r": 16, "t": 40})
    show.plot(drawn, f"curves_{run_id}", name="Learning curves", height=330)


def curve_series(progress: live.Progress) -> list[dict]:
    best = progress.best_trial
    series: list[dict] = []
    for trial in progress.trials.values():
        points = [point for point in trial.points if point.score is not None]
        if points:
            series.append(
                {
                    "name": f"{_title(trial.family)} {trial.id}",
                    "x": [point.epoch for point in points],
                    "y": [point.score for point in points],
                    "role": "accent" if trial is best else "quiet",
                }
            )
    baseline = progress.baseline
    if series and baseline:
        end = max(max(line["x"]) for line in series)
        series.append({"name": baseline["name"], "x": [0, end], "y": [baseline["valid"]] * 2, "role": "baseline"})
    return series


def readable_reach(progress: live.Progress) -> tuple[float, float]:
    """Epochs on which the best curve takes a third at least, and the trials at hand are inside: a trial that goes on
    for long without getting better may run out of the picture."""
    best, current = _last_epoch(progress.best_trial), max(map(_last_epoch, progress.under_way), default=0.0)
    furthest = max((_last_epoch(trial) for trial in progress.trials.values()), default=0.0)
    return 0.0, max(1.0, min(furthest, max(3 * best, current)))


def _last_epoch(trial: live.Trial | None) -> float:
    return trial.points[-1].epoch if trial and trial.points else 0.0


def readable_range(progress: live.Progress) -> tuple[float, float]:
    """An axis on which the leaders can be told apart: the best curve without its first quarter and the best baseline
    are inside; early and weak scores may lie outside."""
    best, baseline = progress.best_trial, progress.baseline
    shown = [baseline["valid"]] if baseline and baseline["valid"] is not None else []
    if best:
        curve = [point.score for point in best.points if point.score is not None]
        shown += [*curve[len(curve) // 4 :], *([best.score] if best.score is not None else [])]
    shown = shown or [
        point.score for trial in progress.trials.values() for point in trial.points if point.score is not None
    ]
    low, high = min(shown), max(shown)
    margin = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def decisions(run_id: str) -> None:
    found = _fresh(run_id).decisions()
    if not found:
        st.html('<p class="db-muted">Every automatic choice will be listed here with its reason.</p>')
        return
    show.decisions(found[::-1], "Decisions, the newest first")


def trials(run_id: str) -> None:
    run = _fresh(run_id)
    progress = live.follow(run, scores.direction(run.row["metric"]))
    if not progress.trials:
        said = "No network was trained." if run.ended else "No network has been trained yet."
        st.html(f'<p class="db-muted">{said}</p>')
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
                f"{scores.title(run.row['metric'])} ({spoken.name(progress.folds)})", format="%.4g",
                help=scores.help(run.row["metric"]),
            ),
            "Curve": st.column_config.LineChartColumn(
                "Curve",
                help="The score of its first fold while it trained." if progress.folds > 1 else
                "The score while it trained.",
            ),
            "State": st.column_config.TextColumn("State", help=words.STOPPED_EARLY),
            "Seconds": st.column_config.NumberColumn("Seconds", format="%.1f"),
            "Epochs": st.column_config.NumberColumn("Epochs", format="%.0f"),
            "Settings": st.column_config.TextColumn("Settings or reason", width="large"),
        },
    )  # fmt: skip
    st.download_button(
        "CSV", lambda: show.safe_csv(trial_record(run)), file_name=f"trials-{run_id}.csv", mime="text/csv",
        key=f"trials_csv_{run_id}", icon=":material/download:", type="tertiary", on_click="ignore",
    )  # fmt: skip
    if st.session_state.pop("clicked_trial", None):  # a dialog opens from the page, not from a part of it
        st.rerun(scope="app")


def _open_trial(run_id: str, ids: list[str]) -> None:
    click = st.session_state.get(f"open_trial_{run_id}")
    if click is not None:
        st.session_state["clicked_trial"] = True
        st.session_state["run_dialog"] = (ids[click["row"]], run_id)


def trial_frame(progress: live.Progress) -> pd.DataFrame:
    rows = []
    for trial in progress.trials.values():
        settings = ", ".join(f"{name} {words.setting(value)}" for name, value in trial.params.items())
        rows.append(
            {
                "Trial": trial.id,
                "Family": _title(trial.family),
                "Score": trial.score if trial.whole else None,
                "Curve": [point.score for point in trial.points if point.score is not None],
                "State": _state(trial, progress),
                "Proposed by": words.SOURCES.get(trial.source, trial.source),
                "Seconds": trial.seconds,
                "Epochs": trial.points[-1].epoch if trial.points else None,
                "Settings": trial.error or settings,
            }
        )
    return pd.DataFrame(rows)


def _state(trial: live.Trial, progress: live.Progress) -> str:
    if trial.status == "running" and progress.ended:
        return "unfinished"
    fold = f", fold {trial.member + 1} of {trial.members}" if trial.members > 1 and trial.status == "running" else ""
    return words.TRIAL_STATUS.get(trial.status, trial.status) + fold


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

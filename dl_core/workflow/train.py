"""A run, from a RunSpec to a delivered bundle. Every step can be entered again after a kill."""

import os
import shutil
from typing import Any

from dl_core import families
from dl_core.errors import DeepboardError, Interrupted, SpecError
from dl_core.prepared import Prepared
from dl_core.samples import PREPARE
from dl_core.store import Store
from dl_core.tasks import TASKS
from dl_core.tuning.search import Search
from dl_core.tuning.trial import Bench, ending
from dl_core.workflow.baselines import fit_baselines
from dl_core.workflow.context import RunContext
from dl_core.workflow.deliver import bench_of, deliver
from dl_core.workflow.judge import judge
from dl_core.workflow.refit import refit, reserved


def train(store: Store, payload: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """Handle a job of kind 'train': {"run": id}. Returns {"status": done|stopped|cancelled, "winner", "score"}."""
    context = RunContext(store, store.run(payload["run"]), job["attempts"])
    context.emit("attempt", attempt=context.attempt, pid=os.getpid())
    context.write_environment()
    try:
        result = _train(context)
    except Interrupted:
        result = {"status": "cancelled"}
    except DeepboardError as error:
        context.emit("problem", severity="error", message=str(error), fix="")
        context.emit("end", status="failed", error=str(error))
        raise
    finally:
        context.tick(force=True)
    context.emit("end", status=result["status"], error=None)
    return result


def _train(context: RunContext) -> dict[str, Any]:
    prepare(context)
    bench = bench_of(context.run)
    bench.decide = context.decide
    names = choose_families(context, bench.prepared)
    plan = plan_phases(context)

    def for_refit() -> float:
        """Nothing before the portfolio has had its time: which network is best, and how long it takes, shows then."""
        return reserved(context, bench, search.best()) if search.asked else 0.0

    search = Search(
        context.folder / "trials",
        context.spec,
        bench,
        names,
        remaining=lambda: context.remaining() - plan["deliver"] - for_refit(),
        stopping=context.stopping,
        emit=context.emit,
    )
    told = {event["trial"] for event in context.run.events()[0] if event["event"] == "trial_end"}
    for record in search.trials():
        if record["status"] != "running" and record["trial"] not in told:  # killed between the record and the event
            context.emit("trial_end", **ending(record))
    fit_baselines(context, bench, plan["baselines"], slow=False)
    if not search.trials() and not context.stopping():
        context.phase("baselines", "Training a first network")
        search.run_first()
    fit_baselines(context, bench, plan["baselines"], slow=True)
    while True:
        seconds = context.budget()
        board = search_and_deliver(context, bench, search, 0.5 * plan["deliver"])
        stopped = context.stopping()
        if stopped or context.budget() <= seconds:  # time that was added during the delivery is used as well
            break
    best = next(row for row in board["rows"] if row["model"] == board["winner"])
    return {"status": "stopped" if stopped else "done", "winner": best["name"], "score": best["test"]}


def search_and_deliver(context: RunContext, bench: Bench, search: Search, packing: float) -> dict[str, Any]:
    """Search as long as the budget allows, then judge and deliver what was found; `packing` seconds are kept for the
    download. Returns the board."""
    context.phase("portfolio", "Training settings that are known to work")
    search.run_portfolio(search.portfolio_seconds())
    context.phase("search", "Trying what the tuner proposes")
    search.run_oracle()
    if not any(record["score"] is not None for record in search.trials()):
        raise DeepboardError(_nothing_trained(search, context.stopping()))
    context.phase("judge", "Scoring every model on the test part")
    board = judge(context, bench)
    refit(context, bench, board, context.remaining() - packing)
    context.phase("deliver", "Packing the best network and checking that the download answers like the app")
    deliver(context, bench, board)
    return board


def prepare(context: RunContext) -> None:
    """Split, fit the encoders on the train part, write the arrays; what an earlier attempt wrote is kept."""
    folder = context.folder / "prepared"
    if not (folder / "state.json").exists():
        context.phase("prepare", "Splitting the data and turning columns into numbers")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        test = context.spec.split.test_dataset
        PREPARE.load(TASKS.load(context.spec.task.kind).sampler)(
            context.run.dataset,
            context.spec,
            context.store.dataset(test) if test else None,
            folder,
            context.decide,
        )


def choose_families(context: RunContext, prepared: Prepared) -> list[str]:
    """The families that fit, of those asked for."""
    task, inputs = context.spec.task.kind, set(prepared.signature.inputs)
    fitting = families.fitting(task, inputs)
    wanted = [name for name in fitting if name in context.spec.families] if context.spec.families else fitting
    if not wanted:
        asked = ", ".join(context.spec.families) or "any"
        raise SpecError(f"No family fits this task and data (asked for: {asked}). Choose from: {', '.join(fitting)}.")
    titles = ", ".join(families.FAMILIES[name].title for name in wanted)
    others = [families.FAMILIES[name].title for name in fitting if name not in wanted]
    why = "you chose them" if context.spec.families else f"they fit {task} on {' and '.join(sorted(inputs))} inputs"
    context.decide("families", f"Families: {titles}", why, others)
    return wanted


def plan_phases(context: RunContext) -> dict[str, float]:
    """Seconds for each phase. What the baselines do not need goes to the search; half of the search is portfolio."""
    budget = context.budget()
    left = context.remaining()
    deliver_seconds = min(20.0, max(6.0, budget / 4), budget / 2)
    baseline_seconds = min(0.15 * budget, 20.0)
    search_seconds = max(0.0, left - deliver_seconds - baseline_seconds)
    plan = {
        "baselines": baseline_seconds,
        "portfolio": search_seconds / 2,
        "search": search_seconds / 2,
        "deliver": deliver_seconds,
    }
    context.emit("plan", phases={name: round(seconds, 1) for name, seconds in plan.items()}, budget=budget)
    context.decide(
        "plan",
        f"Of {budget:.0f} s, up to {plan['portfolio']:.0f} s go to settings known to work, the rest to the tuner",
        f"{deliver_seconds:.0f} s are kept for scoring, packing and the parity check",
        ["more time", "fewer families"],
    )
    return plan


def _nothing_trained(search: Search, stopped: bool) -> str:
    if stopped:
        return "The run was stopped before a network was trained. Start it again and give it a little longer."
    failed = [record for record in search.trials() if record["status"] == "failed"]
    if failed:
        return f"No network could be trained: {failed[-1]['error']}"
    return "The budget ended before a network was trained. Give the run more time."

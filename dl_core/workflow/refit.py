"""Refit: once the test part was scored, the network to deliver is trained again on every labelled sample."""

import time
import traceback
from pathlib import Path
from typing import Any

from dl_core.records import read_json, write_json
from dl_core.tuning import trial as trials
from dl_core.tuning.trial import Bench
from dl_core.workflow.context import RunContext

WEIGHTS, CHECKPOINT = "refit.npz", "refit.checkpoint.npz"
STOPPED = "you stopped the run"
MOST_OF_BUDGET = 0.2  # that a refit may take; what it takes is missing from the search
OVERHEAD_SECONDS = 2.0  # data of another size makes another program
CAREFUL = 1.2


def seconds_of(bench: Bench, record: dict[str, Any]) -> float:
    """How long a refit of a finished trial will take: as long as one member took to its best, on more samples."""
    prepared = bench.prepared
    learned = prepared.size("train") * (1.0 - 1.0 / bench.members if bench.members > 1 else 1.0)
    to_its_best = record["length"] * record["curve"][-1]["steps"] / max(1, record["curve"][-1]["step"])
    share = prepared.size("all") / learned / record["members"]
    return OVERHEAD_SECONDS + CAREFUL * share * min(to_its_best, 1.0) * record["seconds"]


def reserved(context: RunContext, bench: Bench, best: dict[str, Any] | None) -> float:
    """Seconds to keep for the refit of the best trial so far; none where it would take too much of the budget."""
    if best is None or _refused(context, bench):
        return 0.0
    seconds = seconds_of(bench, best)
    return seconds if seconds <= MOST_OF_BUDGET * context.budget() else 0.0


def refit(context: RunContext, bench: Bench, board: dict[str, Any], seconds: float) -> None:
    """Train the best network of the board again on all parts where that fits into `seconds`: its weights, then what
    models/<it>/model.json says of them. What an earlier attempt wrote is kept."""
    model = board["best_network"]
    folder = context.folder / "models" / model
    outcome, refused = weights_of(folder), ""
    if outcome is None:
        outcome, refused = _trained(context, bench, folder, seconds)
    if outcome is None:
        context.decide(
            f"refit.{model}.refused.{board['looks']}",
            "The network is delivered as it was scored",
            refused,
            ["a longer budget"],
        )
        return
    samples = bench.prepared.size("all")
    row = read_json(folder / "model.json")
    told = {
        "samples": samples,
        "seconds": round(outcome.seconds, 2),
        "epochs": round(outcome.epochs, 2),
        "parameters": row["parameters"] // bench.members,
    }
    write_json(folder / "model.json", {**row, "refit": told})
    (folder / CHECKPOINT).unlink(missing_ok=True)
    context.decide(
        f"refit.{model}",
        f"The delivered network is trained again on all {samples:,} labelled samples",
        "its scores were measured before, by what it had not learned from"
        + (f"; one network answers now where {bench.members} answered together" if bench.members > 1 else ""),
        ["deliver the network as it was scored: switch the refit off"],
    )


def _trained(context: RunContext, bench: Bench, folder: Path, seconds: float) -> tuple[trials.Outcome | None, str]:
    """What the refit gave, written to `folder`; or None, and why."""
    began = time.monotonic()
    source = context.folder / "trials" / read_json(folder / "model.json")["trial"]
    needed = seconds_of(bench, read_json(source / "trial.json"))
    if refused := _refused(context, bench):
        return None, refused
    if context.stopping():
        return None, STOPPED
    if needed > seconds:
        return None, f"it would take about {needed:.0f} s, and {max(seconds, 0):.0f} s are left for it"
    samples = bench.prepared.size("all")
    context.phase("refit", f"Training the best network again, on all {samples:,} labelled samples")
    try:
        outcome = trials.refit(
            bench, source, folder / CHECKPOINT, lambda: seconds - (time.monotonic() - began), context.stopping
        )
    except Exception as error:  # the network that was scored still stands
        (folder / "refit.trace.log").write_text(traceback.format_exc())
        return None, f"training it again failed: {error}"
    if outcome is None:
        return None, STOPPED if context.stopping() else f"it would have taken more than the {seconds:.0f} s left for it"
    outcome.save(folder / WEIGHTS)
    return outcome, ""


def weights_of(folder: Path) -> trials.Outcome | None:
    """The refitted weights of the model in `folder`, where there are any."""
    return trials.Outcome.load(folder / WEIGHTS)


def _refused(context: RunContext, bench: Bench) -> str:
    """Why there will be no refit whatever time there is; empty where there may be one."""
    if not context.spec.refit:
        return "you switched the refit off"
    if bench.prepared.weight("train") is not None and bench.prepared.state["sampler"] == "rows":
        return "only the rows of the train part have weights that were checked"
    return ""

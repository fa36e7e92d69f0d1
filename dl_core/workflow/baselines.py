"""Fit the baselines: simple models on the same board, scored on the same parts."""

import time

from dl_core import baselines
from dl_core.records import write_array, write_json
from dl_core.tuning.trial import Bench
from dl_core.workflow.context import RunContext


def fit_baselines(context: RunContext, bench: Bench, seconds: float, slow: bool) -> None:
    """Fit each baseline that suits the data and is `slow` or not, within `seconds` altogether; those already fitted are
    kept. A stop leaves out what is not yet fitted once there is one."""
    fitting = baselines.fitting(bench.task.kind, set(bench.prepared.signature.inputs))
    names = [name for name in fitting if baselines.BASELINES[name].slow == slow]
    end = time.monotonic() + seconds
    for name in names:
        folder = context.folder / "models" / name
        if (folder / "model.json").exists():
            continue
        if context.stopping() and any(folder.parent.glob("*/model.json")):
            break
        card = baselines.BASELINES[name]
        context.phase("baselines", f"Fitting the baseline: {card.title}")
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        try:
            state, predictions = baselines.fit(name, bench.prepared, bench.task, max(1.0, end - time.monotonic()))
        except (ValueError, ArithmeticError, MemoryError) as error:
            context.emit("problem", severity="warning", message=f"{card.title} could not be fitted: {error}", fix="")
            continue
        seconds_fitting = time.monotonic() - began
        write_array(folder / "valid.npy", predictions)
        score = bench.metric.compute(bench.prepared.truth("valid"), predictions, **bench.prepared.context("valid"))
        write_json(folder / "state.json", state)
        record = {
            "model": name,
            "name": card.title,
            "family": name,
            "kind": "baseline",
            "why": card.why,
            "valid": score,
            "seconds": round(seconds_fitting, 3),
        }
        write_json(folder / "model.json", record)
        context.emit("model", model=name, name=card.title, family=name, kind="baseline", valid=score)

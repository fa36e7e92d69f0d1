"""One trial: build a network from a parameter set, train it until its time ends, leave everything in its folder."""

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dl_core import families
from dl_core.errors import TrialError
from dl_core.layers import losses
from dl_core.metrics import Metric
from dl_core.prepared import Prepared
from dl_core.records import read_json, write_array, write_json
from dl_core.seeds import derive
from dl_core.tasks.base import Task
from dl_core.training.feeds import Feed, feed_for
from dl_core.training.program import Program, TrainState
from dl_core.training.trainer import PREDICT_BATCH, Goal, load_arrays, save_arrays, seconds_spent, train

# Parameters of these names are arguments of the compiled program: trials that differ in nothing else share it.
RUNTIME = frozenset({"learning_rate", "weight_decay", "dropout", "label_smoothing", "epochs"})
MOST_PROGRAMS = 6


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a trial is asked to do. `seconds` is its share of the budget; `epochs` caps its recipe's; `place` is where
    the oracle will look for it."""

    trial: str
    family: str
    params: dict[str, Any]
    source: str  # "portfolio" or "oracle"
    seconds: float
    epochs: int | None = None
    place: dict[str, Any] | None = None

    def to_record(self) -> dict[str, Any]:
        """The record of a trial that has not ended."""
        return {
            "trial": self.trial,
            "family": self.family,
            "params": self.params,
            "source": self.source,
            "status": "running",
            "score": None,
            "share": self.seconds,
            "cap": self.epochs,
            "place": self.place,
        }


@dataclass
class Bench:
    """What the trials of one run share within a process, also side by side: data in memory and compiled programs."""

    prepared: Prepared
    task: Task
    metric: Metric
    seed: int
    feeds: dict[str, Feed] = field(default_factory=dict)
    programs: dict[tuple, Program] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def feed(self, part: str) -> Feed:
        with self._lock:
            if part not in self.feeds:
                self.feeds[part] = feed_for(self.prepared, part)
            return self.feeds[part]

    def decode(self, raw: np.ndarray) -> np.ndarray:
        return self.task.decode(self.prepared.state["task"], raw)

    def goal(self) -> Goal:
        truth, context = self.prepared.truth("valid"), self.prepared.context("valid")
        return Goal(score=lambda raw: self.metric.compute(truth, self.decode(raw), **context), sign=self.metric.sign)

    def network(self, order: Order) -> keras.Model:
        family = families.load(order.family)
        seed = derive(self.seed, order.trial)
        model = family.build(self.prepared.signature, order.params, seed)
        if hasattr(family, "initialise"):
            family.initialise(model, {n: np.asarray(a[:1024]) for n, a in self.prepared.inputs("train").items()}, seed)
        return model

    def program(self, order: Order, model: keras.Model) -> Program:
        """The compiled program for this architecture, from the cache where one of the same shape was traced before."""
        recipe = families.load(order.family).recipe(self.prepared.signature, order.params)
        shape = {name: value for name, value in order.params.items() if name not in RUNTIME}
        key = (order.family, tuple(sorted(shape.items())), recipe.batch_size, recipe.schedule, recipe.jit)
        with self._lock:
            if key not in self.programs:
                if len(self.programs) >= MOST_PROGRAMS:
                    self.programs.pop(next(iter(self.programs)))
                self.programs[key] = Program(model, getattr(losses, self.task.loss), self.feed("train"), recipe)
            return self.programs[key]


def run_trial(
    bench: Bench,
    folder: Path,
    order: Order,
    *,
    deadline: Callable[[], float],
    stopping: Callable[[], bool],
    emit: Callable[..., None],
    poor: Callable[[float, float], bool] = lambda share, score: False,
) -> dict[str, Any]:
    """Train one parameter set in `folder` and return its record, which is also trial.json.

    `deadline()` gives the seconds left to the whole search; `poor(share of its schedule, best score)` ends a trial that
    is not worth going on with, status "pruned". A parameter set that cannot be trained is a record with
    status "failed" and its reason; Interrupted passes through, and the checkpoint lets the next attempt continue.
    """
    began = time.monotonic()
    before = read_json(folder / "trial.json", {})
    already = seconds_spent(folder / "checkpoint.npz")
    record = order.to_record() | {"started": before.get("started", time.time())}
    write_json(folder / "trial.json", record)
    if not before:
        emit(
            "trial_start",
            trial=order.trial,
            family=order.family,
            source=order.source,
            params=order.params,
            seconds=round(order.seconds, 1),
        )

    def remaining() -> float:
        return min(order.seconds - already - (time.monotonic() - began), deadline())

    try:
        outcome, model = _train(bench, folder, order, remaining, stopping, emit, poor)
    except Exception as error:  # one failed trial never ends a run
        reason = str(error) if isinstance(error, TrialError) else _reason(error)
        record |= {"status": "failed", "error": reason, "seconds": round(time.monotonic() - began, 2), "curve": []}
        (folder / "trace.log").write_text(traceback.format_exc())
    else:
        record |= {
            "status": "stopped" if outcome.stopped else "pruned" if outcome.pruned else "done",
            "score": outcome.score,
            "seconds": round(outcome.seconds, 2),
            "cores": round(outcome.cores, 2),
            "epochs": outcome.curve[-1]["epoch"],
            "curve": outcome.curve,
            "parameters": model.count_params(),
            "network": describe(model),
            "error": None,
        }
        named = {f"weights_{i}": w for i, w in enumerate(outcome.weights)}
        save_arrays(folder / "weights.npz", named | {f"others_{i}": w for i, w in enumerate(outcome.others)})
        write_array(folder / "valid.npy", bench.decode(outcome.raw))
    write_json(folder / "trial.json", record)
    (folder / "checkpoint.npz").unlink(missing_ok=True)
    emit("trial_end", **ending(record))
    return record


def ending(record: dict[str, Any]) -> dict[str, Any]:
    """What the event at the end of a trial says."""
    fields = ("trial", "family", "source", "status", "score", "seconds", "error")
    return {name: record[name] for name in fields}


def _train(bench: Bench, folder: Path, order: Order, remaining, stopping, emit, poor):
    recipe = families.load(order.family).recipe(bench.prepared.signature, order.params)
    if order.epochs is not None:
        recipe = replace(recipe, epochs=min(recipe.epochs, order.epochs))
    model = bench.network(order)
    outcome = train(
        bench.program(order, model),
        model,
        recipe,
        bench.feed("train"),
        bench.feed("valid"),
        bench.goal(),
        seed=derive(bench.seed, order.trial, "train"),
        checkpoint=folder / "checkpoint.npz",
        remaining=remaining,
        stopping=stopping,
        tell=lambda point: emit("epoch", trial=order.trial, **point),
        poor=poor,
    )
    return outcome, model


def load_network(bench: Bench, folder: Path) -> keras.Model:
    """The trained network of a finished trial."""
    model = bench.network(_ordered(folder))
    load_state(folder).assign_to(model)
    return model


def _ordered(folder: Path) -> Order:
    """What a finished trial had been asked to do."""
    record = read_json(folder / "trial.json")
    return Order(seconds=record["share"], **{name: record[name] for name in ("trial", "family", "params", "source")})


def load_state(folder: Path) -> TrainState:
    arrays = load_arrays(folder / "weights.npz")
    if arrays is None:
        raise TrialError(f"Trial {folder.name} left no weights.")
    return TrainState.from_arrays({**arrays, "step": 0})


def predict_part(bench: Bench, folder: Path, part: str) -> np.ndarray:
    """Task-space predictions of a finished trial for one part."""
    order = _ordered(folder)
    program = bench.program(order, bench.network(order))
    state = load_state(folder)
    return bench.decode(program.predict(state.weights, state.others, bench.feed(part), PREDICT_BATCH)[0])


def describe(model: keras.Model) -> dict[str, Any]:
    """A network as data: its layers in order, with output shape, parameters and the layers they read from."""
    layers = []
    for layer in model.layers:
        sources = [
            operation.name
            for node in layer._inbound_nodes
            for operation in (tensor._keras_history.operation for tensor in node.input_tensors)
        ]
        shape = layer.output.shape if not isinstance(layer.output, (list, tuple, dict)) else None
        layers.append(
            {
                "name": layer.name,
                "kind": type(layer).__name__,
                "shape": list(shape) if shape is not None else None,
                "parameters": layer.count_params(),
                "from": list(dict.fromkeys(sources)),
            }
        )
    return {"layers": layers, "parameters": model.count_params()}


def _reason(error: BaseException) -> str:
    """One line that says what failed, whatever library said it."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300] if text else 'no message'}"

"""One trial: build a network from a parameter set, train it until its time ends, leave everything in its folder."""

import math
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
from dl_core.records import read_arrays, read_json, write_array, write_json
from dl_core.seeds import derive
from dl_core.tasks.base import Task
from dl_core.training import trainer
from dl_core.training.feeds import Feed, feed_for, only
from dl_core.training.general import FitProgram, has_own_step
from dl_core.training.probe import convolves, faster, speed_of
from dl_core.training.program import Program, TrainState
from dl_core.training.recipe import Recipe
from dl_core.training.trainer import PREDICT_BATCH, Goal, Outcome, seconds_spent, train

# Parameters of these names are arguments of the compiled program: trials that differ in nothing else share it.
RUNTIME = frozenset({"learning_rate", "weight_decay", "dropout", "label_smoothing", "epochs"})
MOST_PROGRAMS = 32
PROBE_FROM = 8.0  # seconds of a trial that are worth compiling it twice


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
    decide: Callable[..., None] = lambda key, what, why: None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _turns: dict[tuple, threading.Lock] = field(default_factory=dict)
    _jit: dict[tuple, bool] = field(default_factory=dict)

    def feed(self, part: str) -> Feed:
        with self._lock:
            if part not in self.feeds:
                self.feeds[part] = feed_for(self.prepared, part)
            return self.feeds[part]

    def decode(self, raw: np.ndarray) -> np.ndarray:
        return self.task.decode(self.prepared.state["task"], raw)

    @property
    def members(self) -> int:
        """Networks of a trial: one for every fold."""
        return self.prepared.folds

    def member_feeds(self, member: int) -> tuple[Feed, Feed]:
        """What member `member` of a trial learns from, and what it is judged by."""
        if self.members == 1:
            return self.feed("train"), self.feed("valid")
        outside = self.prepared.fold_codes != member
        return only(self.feed("train"), np.flatnonzero(outside)), only(self.feed("train"), np.flatnonzero(~outside))

    def goal(self, rows: np.ndarray | slice = slice(None)) -> Goal:
        """How raw outputs for `rows` of the validation part are scored; no number where so few cannot be."""
        truth = self.prepared.truth("valid")[rows]
        context = {name: array[rows] for name, array in self.prepared.context("valid").items()}

        def score(raw: np.ndarray) -> float:
            return self.metric.compute(truth, self.decode(raw), **context) if self.metric.fits(truth) else math.nan

        return Goal(score=score, sign=self.metric.sign)

    def network(self, order: Order, member: int = 0) -> keras.Model:
        family = families.load(order.family)
        seed = derive(self.seed, order.trial, *([member] if member else []))
        model = family.build(self.prepared.signature, order.params, seed)
        if hasattr(family, "initialise"):
            family.initialise(model, {n: np.asarray(a[:1024]) for n, a in self.prepared.inputs("train").items()}, seed)
        return model

    def program(self, order: Order, model: keras.Model) -> Program:
        """The compiled program for this architecture, from the cache where one of the same shape was traced before.
        Whether XLA compiles it is measured once for every family and width that has the time."""
        recipe = families.load(order.family).recipe(self.prepared.signature, order.params)
        shape = {name: value for name, value in order.params.items() if name not in RUNTIME}
        key = (order.family, tuple(sorted(shape.items())), recipe.batch_size, recipe.schedule)
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            program = self.programs.get(key)
            if program is None:
                program = self._compiled(order, model, recipe)
                with self._lock:
                    if len(self.programs) >= MOST_PROGRAMS:
                        self.programs.pop(next(iter(self.programs)))
                    self.programs[key] = program
            return program

    def _compiled(self, order: Order, model: keras.Model, recipe: Recipe) -> Program:
        loss, feed = getattr(losses, self.task.loss), self.feed("train")
        if has_own_step(model):
            return FitProgram(model, loss, feed, recipe)
        kind = (order.family, order.params.get("width"))
        program = Program(model, loss, feed, replace(recipe, jit=self._jit.get(kind, recipe.jit)))
        first = not self.programs  # which nobody is kept waiting for
        if kind in self._jit or first or order.seconds < PROBE_FROM or convolves(model):
            return program
        self._jit[kind] = recipe.jit
        speed = speed_of(program, feed)
        if recipe.epochs * feed.size / speed < PROBE_FROM:
            return program
        probed = faster(program, Program(model, loss, feed, replace(recipe, jit=not recipe.jit)), feed, speed)
        self._jit[kind] = probed.program.jit
        title = families.FAMILIES[order.family].title + (f" of width {kind[1]}" if kind[1] else "")
        self.decide(
            f"xla.{order.family}.{kind[1]}",
            f"{title} is compiled {'with' if probed.program.jit else 'without'} XLA",
            f"measured: {probed.xla:,.0f} samples a second on one core with it, {probed.plain:,.0f} without",
        )
        return probed.program


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
    already = sum(seconds_spent(path) for name in ("weights", "checkpoint") for path in folder.glob(f"{name}*.npz"))
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
        model = bench.network(order)
        outcomes = _train(bench, folder, order, model, remaining, stopping, emit, poor)
        record |= _described(bench, folder, model, outcomes)
        record["seconds"] = round(already + time.monotonic() - began, 2)
    except Exception as error:  # one failed trial never ends a run
        reason = str(error) if isinstance(error, TrialError) else _reason(error)
        record |= {"status": "failed", "error": reason, "seconds": round(time.monotonic() - began, 2), "curve": []}
        (folder / "trace.log").write_text(traceback.format_exc())
    write_json(folder / "trial.json", record)
    for checkpoint in folder.glob("checkpoint*.npz"):  # of a member that failed
        checkpoint.unlink()
    emit("trial_end", **ending(record))
    return record


def ending(record: dict[str, Any]) -> dict[str, Any]:
    """What the event at the end of a trial says."""
    fields = ("trial", "family", "source", "status", "score", "seconds", "error")
    return {name: record[name] for name in fields}


def _train(
    bench: Bench, folder: Path, order: Order, model: keras.Model, remaining, stopping, emit, poor
) -> list[Outcome]:
    """The outcome of every member, the first of which is `model`; of that one alone where it shows that the trial is
    not worth going on with."""
    outcomes: list[Outcome] = []
    for member in range(bench.members):
        path = _member_file(folder, "weights", member)
        outcome = Outcome.load(path)  # what a kill left behind
        if outcome is None:
            outcome = _train_member(
                bench,
                folder,
                order,
                member,
                bench.network(order, member) if member else model,
                _share(remaining, bench.members - member),
                stopping,
                emit,
                poor if member == 0 else lambda share, score: False,
            )
            outcome.save(path)
        _member_file(folder, "checkpoint", member).unlink(missing_ok=True)
        outcomes.append(outcome)
        if outcome.pruned:
            break
    return outcomes


def _share(remaining: Callable[[], float], members: int) -> Callable[[], float]:
    """The seconds left to the first of `members` that share what remains once its program is compiled, which is when it
    asks for the first time: the others find it compiled."""
    others: list[float] = []

    def left() -> float:
        if not others:
            others.append(remaining() * (1.0 - 1.0 / members))
        return remaining() - others[0]

    return left


def _train_member(
    bench: Bench, folder: Path, order: Order, member: int, model: keras.Model, remaining, stopping, emit, poor
) -> Outcome:
    recipe = families.load(order.family).recipe(bench.prepared.signature, order.params)
    if order.epochs is not None:
        recipe = replace(recipe, epochs=min(recipe.epochs, order.epochs))
    train_feed, valid_feed = bench.member_feeds(member)
    return train(
        bench.program(order, model),
        model,
        recipe,
        train_feed,
        valid_feed,
        bench.goal(valid_feed.rows) if bench.members > 1 else bench.goal(),
        seed=derive(bench.seed, order.trial, "train", *([member] if member else [])),
        checkpoint=_member_file(folder, "checkpoint", member),
        remaining=remaining,
        stopping=stopping,
        tell=lambda point: emit("epoch", trial=order.trial, member=member, members=bench.members, **point),
        poor=poor,
    )


def _described(bench: Bench, folder: Path, model: keras.Model, outcomes: list[Outcome]) -> dict[str, Any]:
    """What the record of a trial says of its outcomes; writes its validation predictions. The curve is that of the
    first member; length and epochs are means."""
    first = outcomes[0]
    whole = len(outcomes) == bench.members
    raw = first.raw
    if bench.members > 1 and whole:
        raw = np.empty((bench.prepared.size("valid"), *first.raw.shape[1:]), first.raw.dtype)
        for member, outcome in enumerate(outcomes):
            raw[bench.member_feeds(member)[1].rows] = outcome.raw
    if whole:
        write_array(folder / "valid.npy", bench.decode(raw))
    stopped = any(outcome.stopped for outcome in outcomes)
    return {
        "status": "stopped" if stopped else "pruned" if first.pruned else "done",
        "score": float(bench.goal().score(raw)) if whole else first.score,
        "cores": round(first.cores, 2),
        "epochs": first.curve[-1]["epoch"],
        "planned": float(np.mean([outcome.epochs for outcome in outcomes])),
        "length": float(np.mean([outcome.length for outcome in outcomes])),
        "curve": first.curve,
        "members": len(outcomes),
        "parameters": len(outcomes) * model.count_params(),
        "network": describe(model),
        "error": None,
    }


def _member_file(folder: Path, name: str, member: int) -> Path:
    return folder / (f"{name}-{member}.npz" if member else f"{name}.npz")


def load_network(bench: Bench, folder: Path) -> keras.Model:
    """The trained network of a finished trial: its members, averaged where there are several."""
    networks = [bench.network(_ordered(folder), member) for member in range(bench.members)]
    for member, network in enumerate(networks):
        _load_state(folder, member).assign_to(network)
    return networks[0] if len(networks) == 1 else averaged(networks)


def averaged(networks: list[keras.Model]) -> keras.Model:
    """One network that answers with the mean of the raw answers of several that eat the same."""
    name = networks[0].name
    for number, network in enumerate(networks, start=1):
        network.name = f"{name}_{number}"
    inputs = {key: keras.Input(like.shape[1:], dtype=like.dtype, name=key) for key, like in networks[0].input.items()}
    answers = [network(inputs) for network in networks]
    return keras.Model(inputs, keras.layers.Average(name="mean")(answers), name=name)


def _ordered(folder: Path) -> Order:
    """What a finished trial had been asked to do; there is nothing left to train."""
    record = read_json(folder / "trial.json")
    return Order(seconds=0.0, **{name: record[name] for name in ("trial", "family", "params", "source")})


def _load_state(folder: Path, member: int) -> TrainState:
    arrays = read_arrays(_member_file(folder, "weights", member))
    if arrays is None:
        raise TrialError(f"Trial {folder.name} left no weights.")
    return TrainState.from_arrays({**arrays, "step": 0})


def predict_part(bench: Bench, folder: Path, part: str) -> np.ndarray:
    """Task-space predictions of a finished trial for one part."""
    order = _ordered(folder)
    program = bench.program(order, bench.network(order))
    states = [_load_state(folder, member) for member in range(bench.members)]
    feed = bench.feed(part)
    raws = [program.predict(state.weights, state.others, feed, PREDICT_BATCH)[0] for state in states]
    return bench.decode(np.mean(raws, axis=0))


def refit(
    bench: Bench, folder: Path, checkpoint: Path, remaining: Callable[[], float], stopping: Callable[[], bool]
) -> Outcome | None:
    """The parameter set of a finished trial, trained on every labelled sample as long as its members took to their best
    on average; None where it was stopped, or would not end in the `remaining` seconds."""
    record, order = read_json(folder / "trial.json"), _ordered(folder)
    model = bench.network(order)
    return trainer.refit(
        bench.program(order, model),
        model,
        families.load(order.family).recipe(bench.prepared.signature, order.params),
        feed_for(bench.prepared, "all"),  # which nothing else needs, so it leaves the memory again
        epochs=record["planned"],
        length=record["length"],
        seed=derive(bench.seed, order.trial, "refit"),
        checkpoint=checkpoint,
        remaining=remaining,
        stopping=stopping,
    )


def refitted_network(bench: Bench, folder: Path, outcome: Outcome) -> keras.Model:
    """The network of a finished trial with the weights of its refit."""
    model = bench.network(_ordered(folder))
    TrainState(outcome.weights, outcome.others).assign_to(model)
    return model


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

"""Train one network until its schedule or its time ends, keeping the best weights on the validation part."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import keras
import numpy as np

from dl_core.errors import TrialError
from dl_core.records import read_arrays, to_json
from dl_core.seeds import generator
from dl_core.training.feeds import Feed
from dl_core.training.program import Program, TrainState
from dl_core.training.recipe import Recipe

SEGMENT_SECONDS = 0.7
PROBE_SECONDS = 0.05
CHECKPOINT_SECONDS = 5.0
LEAST_SECONDS = 1.0  # of training proper, even where tracing the program took the whole share
PREDICT_BATCH = 1024


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What training is judged by. `score` maps raw outputs of the validation part to the metric; `sign` is +1 where a
    larger score is better, -1 where a smaller one is."""

    score: Callable[[np.ndarray], float]
    sign: int


@dataclass
class Outcome:
    """What one training gave: the best weights, their score and raw validation outputs, and the curve towards them.

    They were reached after `length` (0…1) of a schedule of `epochs`, which need not be whole; `cores` is how many the
    compiled program kept busy, measured before training began.
    """

    weights: list[np.ndarray]
    others: list[np.ndarray]
    score: float
    raw: np.ndarray
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    epochs: float = 0.0
    length: float = 1.0
    cores: float = 0.0
    stopped: bool = False
    pruned: bool = False

    def save(self, path: Path) -> None:
        """One file, written whole or not at all."""
        plain = {name: value for name, value in vars(self).items() if name not in ("weights", "others", "raw")}
        state = TrainState(self.weights, self.others).to_arrays()
        save_arrays(path, {**state, "raw": self.raw, "note": np.frombuffer(to_json(plain).encode(), np.uint8)})

    @classmethod
    def load(cls, path: Path) -> "Outcome | None":
        """None where there is no such file."""
        arrays = read_arrays(path)
        if arrays is None:
            return None
        state = TrainState.from_arrays(arrays)
        note = json.loads(arrays["note"].tobytes().decode())
        return cls(weights=state.weights, others=state.others, raw=arrays["raw"], **note)


def train(
    program: Program,
    model: keras.Model,
    recipe: Recipe,
    train_feed: Feed,
    valid_feed: Feed,
    goal: Goal,
    *,
    seed: int,
    checkpoint: Path,
    remaining: Callable[[], float],
    stopping: Callable[[], bool],
    tell: Callable[[dict], None],
    poor: Callable[[float, float], bool] = lambda share, score: False,
) -> Outcome:
    """Train `model` (same architecture as the program's) with `recipe`.

    `remaining()` gives the seconds left for this training; `stopping()` is read between segments and raises
    Interrupted on cancel; what is stopped in its first second is trained until that is over. `tell` receives one record
    per evaluation; `poor(share of the schedule, best score)` says that it is not worth going on. Continues
    from `checkpoint` where it exists.
    Raises TrialError where the loss or an answer is no number.
    """
    session = _Session(program, model, recipe, train_feed, valid_feed, goal, seed, checkpoint, remaining, tell)
    return session.run(stopping, poor)


def refit(
    program: Program,
    model: keras.Model,
    recipe: Recipe,
    feed: Feed,
    *,
    epochs: float,
    length: float,
    seed: int,
    checkpoint: Path,
    remaining: Callable[[], float],
    stopping: Callable[[], bool],
) -> Outcome | None:
    """Train `model` on all samples of `feed` for `length` (0…1) of a schedule of `epochs`, as long as an earlier
    training took to its best. There is nothing left to judge it by: no score, no raw outputs. None where stopped, and
    where it does not end in the `remaining()` seconds: half a training is worth less than the one that was scored.
    Continues from `checkpoint` where it exists; raises TrialError where the loss is no number."""
    return _Refit(program, model, recipe, feed, seed, checkpoint, remaining, epochs, length).finish(stopping)


class _Session:
    """One training under way: the state, the plan, the best so far."""

    def __init__(self, program, model, recipe, train_feed, valid_feed, goal, seed, checkpoint, remaining, tell):
        self.program, self.recipe = program, recipe
        self.train_feed, self.valid_feed, self.goal = train_feed, valid_feed, goal
        self.seed, self.checkpoint, self.remaining, self.tell = seed, checkpoint, remaining, tell
        self.state = TrainState.of(model)
        self.best: Outcome | None = None
        self.best_step, self.best_loss = 0, math.inf
        self.predict_seconds = self.cores = 0.0
        self.curve: list[dict[str, float]] = []
        self.spent_before = 0.0
        self.started = time.monotonic()
        self.saved = self.started
        self.steps_per_epoch = max(1, train_feed.size // program.batch_size)
        self.planned_epochs = recipe.epochs
        self.total_steps = recipe.epochs * self.steps_per_epoch
        self.losses: list[tuple[float, int]] = []

    @property
    def seconds(self) -> float:
        return self.spent_before + time.monotonic() - self.started

    def run(self, stopping: Callable[[], bool], poor: Callable[[float, float], bool]) -> Outcome:
        self._restore()
        step_seconds = self._measure()
        traced = time.monotonic()
        stopped = pruned = False
        while self.state.step < self.total_steps:
            stopped = stopping()
            least = LEAST_SECONDS - (time.monotonic() - traced)
            left = least if stopped else max(self.remaining() - self._finish_seconds(), least)
            if left <= 0:
                break
            self._replan(step_seconds, left)
            began, before = time.monotonic(), self.state.step
            self._segment(max(1, int(min(SEGMENT_SECONDS, max(left, 0.01)) / step_seconds)))
            measured = (time.monotonic() - began) / max(1, self.state.step - before)
            step_seconds = 0.7 * step_seconds + 0.3 * measured
            if self.state.step % self._evaluation_every() == 0 or self.state.step >= self.total_steps:
                best = self._evaluate()
                pruned = poor(self.state.step / self.total_steps, best.score)
                if pruned or self._stalled():
                    break
            self._save_if_due()
        if self.best is None or (self.losses and self.remaining() > 0):
            self._evaluate()
        assert self.best is not None
        return replace(
            self.best,
            curve=self.curve,
            seconds=self.seconds,
            epochs=self.total_steps / self.steps_per_epoch,
            length=self.best_step / self.total_steps,
            cores=self.cores,
            stopped=stopped,
            pruned=pruned,
        )

    def _measure(self) -> float:
        """Seconds per step, after the program was traced and has run once. The probe's updates are thrown away."""
        order = self._order(0)

        def probe(count: int) -> float:
            began, worked = time.monotonic(), time.process_time()
            self.program.advance(self.state, self.train_feed, order, 0, count, self._hyper())
            took = max(time.monotonic() - began, 1e-6)
            self.cores = (time.process_time() - worked) / took
            return took

        probe(0)
        probe(1)
        count, took = 1, probe(1)
        while took < PROBE_SECONDS and count < self.steps_per_epoch:
            count = min(count * 4, self.steps_per_epoch)
            took = probe(count)
        return max(took / count, 1e-6)

    def _replan(self, step_seconds: float, left: float) -> None:
        """Fit the schedule to the time, so that it anneals to its end: shorter whenever it would not end, longer again
        while most of it lies ahead."""
        possible = self.state.step + max(1, int(left / (step_seconds * 1.1)))
        if possible < self.total_steps or self.state.step < 0.4 * self.total_steps:
            possible = min(possible, self.recipe.epochs * self.steps_per_epoch)
            whole_epochs = possible // self.steps_per_epoch * self.steps_per_epoch
            self.total_steps = whole_epochs if whole_epochs > self.state.step else possible
            self.planned_epochs = math.ceil(self.total_steps / self.steps_per_epoch)

    def _segment(self, count: int) -> None:
        epoch, first = divmod(self.state.step, self.steps_per_epoch)
        to_evaluation = self._evaluation_every() - self.state.step % self._evaluation_every()
        count = min(count, self.steps_per_epoch - first, to_evaluation, self.total_steps - self.state.step)
        order = self._order(epoch)
        self.state, loss = self.program.advance(self.state, self.train_feed, order, first, count, self._hyper())
        if not math.isfinite(loss):
            raise TrialError(f"The loss was no number after {self.state.step} steps; the learning rate is too high.")
        self.losses.append((loss, count))

    def _evaluation_every(self) -> int:
        """Steps between two looks at the validation part: an epoch, or more where epochs are short."""
        evaluations = min(self.planned_epochs, 40)
        return max(1, self.planned_epochs // max(evaluations, 1)) * self.steps_per_epoch

    def _evaluate(self) -> Outcome:
        """Look at the validation part; the best outcome so far."""
        raw, valid_loss = self._predict()
        if not np.isfinite(raw).all():
            raise TrialError(f"The network's answers were no numbers after {self.state.step} steps.")
        score = float(self.goal.score(raw))
        steps = sum(count for _, count in self.losses)
        train_loss = sum(loss * count for loss, count in self.losses) / steps if steps else None
        self.losses = []
        record = {
            "epoch": round(self.state.step / self.steps_per_epoch, 2),
            "epochs": self.planned_epochs,
            "step": self.state.step,
            "steps": self.total_steps,
            "train_loss": train_loss,
            "valid_loss": valid_loss,
            "score": score,
            "seconds": round(self.seconds, 2),
        }
        self.curve.append(record)
        self.tell(record)
        if self._better(score, valid_loss):
            self.best_loss, self.best_step = valid_loss, self.state.step
            self.best = Outcome(
                [np.asarray(w) for w in self.state.weights], [np.asarray(w) for w in self.state.others], score, raw
            )
        assert self.best is not None
        return self.best

    def _better(self, score: float, valid_loss: float) -> bool:
        """Ties, which coarse scores on small parts make often, go to the smaller loss; so does what has no score."""
        if self.best is None:
            return True
        gain = self.goal.sign * (score - self.best.score)
        return gain > 0 or (not gain < 0 and valid_loss < self.best_loss)

    def _predict(self) -> tuple[np.ndarray, float]:
        began = time.monotonic()
        answer = self.program.predict(self.state.weights, self.state.others, self.valid_feed, PREDICT_BATCH)
        self.predict_seconds = time.monotonic() - began
        return answer

    def _finish_seconds(self) -> float:
        return 1.2 * self.predict_seconds

    def _stalled(self) -> bool:
        return self.state.step - self.best_step > self.recipe.patience * self.total_steps

    def _order(self, epoch: int) -> np.ndarray:
        """The samples of an epoch, shuffled, in whole batches; samples come twice where there are too few for one."""
        shuffled = generator(self.seed, "order", epoch).permutation(self.train_feed.rows)
        return np.resize(shuffled, self.steps_per_epoch * self.program.batch_size)

    def _hyper(self) -> dict[str, float]:
        return {
            "learning_rate": self.recipe.learning_rate,
            "weight_decay": self.recipe.weight_decay,
            "label_smoothing": self.recipe.label_smoothing,
            "total_steps": float(self.total_steps),
        }

    # checkpoints: one file, written whole

    def _save_if_due(self) -> None:
        if time.monotonic() - self.saved < CHECKPOINT_SECONDS:
            return
        self.saved = time.monotonic()
        arrays = {f"state/{name}": value for name, value in self.state.to_arrays().items()}
        note: dict[str, Any] = {"curve": self.curve, "seconds": self.seconds, "total_steps": self.total_steps}
        if self.best is not None:
            best = TrainState(self.best.weights, self.best.others, step=self.best_step)
            arrays |= {f"best/{name}": value for name, value in best.to_arrays().items()}
            arrays["raw"] = self.best.raw
            note |= {"score": self.best.score, "loss": self.best_loss}
        arrays["note"] = np.frombuffer(to_json(note).encode(), np.uint8)
        save_arrays(self.checkpoint, arrays)

    def _restore(self) -> None:
        arrays = read_arrays(self.checkpoint)
        if arrays is None:
            return
        note = json.loads(arrays["note"].tobytes().decode())
        self.state = TrainState.from_arrays(_below(arrays, "state/"))
        self.curve, self.spent_before = note["curve"], note["seconds"]
        self.total_steps = note["total_steps"]
        self.planned_epochs = math.ceil(self.total_steps / self.steps_per_epoch)
        if "score" in note:
            best = TrainState.from_arrays(_below(arrays, "best/"))
            self.best = Outcome(best.weights, best.others, note["score"], arrays["raw"])
            self.best_step, self.best_loss = best.step, note["loss"]


class _Refit(_Session):
    """A training of known length without a validation part."""

    def __init__(self, program, model, recipe, feed, seed, checkpoint, remaining, epochs, length):
        nothing = Goal(score=lambda raw: math.nan, sign=1)
        super().__init__(program, model, recipe, feed, feed, nothing, seed, checkpoint, remaining, lambda point: None)
        self.planned_epochs, self.total_steps = math.ceil(epochs), max(1, round(epochs * self.steps_per_epoch))
        self.last_step = max(1, round(length * self.total_steps))

    def finish(self, stopping: Callable[[], bool]) -> Outcome | None:
        self._restore()
        step_seconds = self._measure()
        if (self.last_step - self.state.step) * step_seconds > self.remaining():
            return None
        while self.state.step < self.last_step:
            if stopping() or self.remaining() <= 0:
                return None
            self._segment(max(1, min(int(SEGMENT_SECONDS / step_seconds), self.last_step - self.state.step)))
            self._save_if_due()
        weights, others = ([np.asarray(value) for value in group] for group in (self.state.weights, self.state.others))
        epochs = self.last_step / self.steps_per_epoch
        return Outcome(weights, others, math.nan, np.zeros(0), seconds=self.seconds, epochs=epochs)


def seconds_spent(path: Path) -> float:
    """How long the training took that left this checkpoint or this outcome."""
    arrays = read_arrays(path)
    return json.loads(arrays["note"].tobytes().decode())["seconds"] if arrays else 0.0


def _below(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays to a .npz, whole or not at all."""
    temporary = path.with_name(f".{uuid4().hex[:8]}.npz")
    with open(temporary, "wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)

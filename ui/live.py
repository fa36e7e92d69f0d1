"""A run as it happens: its events folded into what a page shows, read on by byte offset.

The folding knows nothing of the browser; `follow` keeps one folded run per session and reads only what is new.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dl_core.store import Run
from ui import words


@dataclass
class Point:
    """One epoch of a trial: `seconds` since the trial began, losses and the score on the validation part."""

    epoch: float
    step: int
    seconds: float
    train_loss: float | None
    valid_loss: float | None
    score: float | None


@dataclass
class Trial:
    """A trial so far. Where it trains a network for each of `members` folds, `member` (from 0) is the one at hand, and
    the points are those of the first one alone, as in its record."""

    id: str
    family: str
    source: str
    params: dict[str, Any]
    begun: float
    status: str = "running"
    score: float | None = None
    seconds: float | None = None
    error: str | None = None
    epoch: float | None = None
    epochs: int | None = None
    member: int = 0
    members: int = 1
    points: list[Point] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the score is that of the trial and not of one of its folds."""
        return self.members == 1 or self.status in ("done", "stopped")

    @property
    def doing(self) -> str:
        """How far a trial under way is: 'fold 2 of 5, epoch 3 of 40'."""
        fold = f"fold {self.member + 1} of {self.members}" if self.members > 1 else ""
        epoch = f"epoch {self.epoch:.0f} of {self.epochs}" if self.epoch and self.epochs else ""
        return ", ".join(filter(None, (fold, epoch)))


@dataclass
class Progress:
    """Everything the events of a run say so far. `direction` is 'max' or 'min', as the metric wants."""

    direction: str
    attempts: int = 0
    phase: str | None = None
    phase_begun: float = 0.0
    refits: bool = False
    text: str = ""
    plan: dict[str, float] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    ended: str | None = None
    last: float = 0.0

    def apply(self, event: dict[str, Any]) -> None:
        self.last = event.get("t", self.last)
        handler = getattr(self, f"_{event.get('event')}", None)
        if handler:
            handler(event)

    def better(self, score: float | None, than: float | None) -> bool:
        if score is None:
            return False
        return than is None or (score > than if self.direction == "max" else score < than)

    @property
    def best_trial(self) -> Trial | None:
        """The trial that leads so far, unfinished ones included; a score of one fold counts only while there is no
        other."""
        possible = [trial for trial in self.trials.values() if trial.status not in ("failed", "pruned")]
        scored = [trial for trial in possible if trial.score is not None]
        best = None
        for trial in [trial for trial in scored if trial.whole] or scored:
            if self.better(trial.score, best.score if best else None):
                best = trial
        return best

    @property
    def folds(self) -> int:
        """How many networks a trial has, as far as is known."""
        return max((trial.members for trial in self.trials.values()), default=1)

    @property
    def baseline(self) -> dict[str, Any] | None:
        """The best baseline so far."""
        best = None
        for model in self.models.values():
            if model["kind"] == "baseline" and self.better(model["valid"], best["valid"] if best else None):
                best = model
        return best

    @property
    def under_way(self) -> list[Trial]:
        """The trials being trained, several side by side where there are cores for them."""
        return [trial for trial in self.trials.values() if trial.status == "running" and not self.ended]

    def _attempt(self, event: dict) -> None:
        self.attempts, self.ended = event["attempt"], None

    def _plan(self, event: dict) -> None:
        self.plan = event["phases"]

    def _phase(self, event: dict) -> None:
        if event["phase"] != self.phase:
            self.phase_begun = event.get("t", 0.0)
        self.phase, self.text = event["phase"], event.get("text") or ""
        self.refits |= self.phase == "refit"

    def _trial_start(self, event: dict) -> None:
        known = self.trials.get(event["trial"])
        if known:  # taken up again after a crash: it counts once, and its curve goes on
            known.status, known.error = "running", None
            return
        self.trials[event["trial"]] = Trial(
            event["trial"], event["family"], event.get("source", ""), event.get("params") or {}, event.get("t", 0.0)
        )

    def _epoch(self, event: dict) -> None:
        trial = self.trials.get(event["trial"])
        if not trial:
            return
        trial.epoch, trial.epochs = event.get("epoch") or 0, event.get("epochs")
        trial.member, trial.members = event.get("member", 0), event.get("members", 1)
        if trial.member:
            return
        step = event.get("step") or 0
        trial.points = [point for point in trial.points if point.step < step]
        score = event.get("score")
        trial.points.append(
            Point(
                epoch=trial.epoch,
                step=step,
                seconds=event.get("seconds", max(0.0, event.get("t", 0.0) - trial.begun)),
                train_loss=event.get("train_loss"),
                valid_loss=event.get("valid_loss"),
                score=score,
            )
        )
        if self.better(score, trial.score):
            trial.score = score

    def _trial_end(self, event: dict) -> None:
        trial = self.trials.get(event["trial"])
        if not trial:
            return
        trial.status, trial.seconds, trial.error = event["status"], event.get("seconds"), event.get("error")
        if event.get("score") is not None:
            trial.score = event["score"]

    def _model(self, event: dict) -> None:
        self.models[event["model"]] = event

    def _problem(self, event: dict) -> None:
        self.problems.append(event)

    def _end(self, event: dict) -> None:
        self.ended = event["status"]


@dataclass
class Followed:
    progress: Progress
    offset: int = 0


def follow(run: Run, direction: str) -> Progress:
    """The progress of a run, brought up to date with the events written since the last look."""
    followed = st.session_state.setdefault("followed_runs", {})
    seen = followed.get(run.id)
    if seen is None:
        if len(followed) >= 8:
            followed.pop(next(iter(followed)))
        seen = followed[run.id] = Followed(Progress(direction))
    events, seen.offset = run.events(seen.offset)
    for event in events:
        seen.progress.apply(event)
    return seen.progress


def spent(run: Run) -> float:
    """Seconds of work so far; between two notes of the worker the wall clock goes on."""
    noted = run.spent
    clock = run.folder / "clock.json"
    if run.status == "running" and clock.exists():
        return noted + min(max(0.0, time.time() - clock.stat().st_mtime), 15.0)
    return noted


def share_done(run: Run) -> float:
    """How much of the budget is used, 0 to 1."""
    return min(1.0, spent(run) / run.row["seconds"]) if run.row["seconds"] else 0.0


def phase_words(progress: Progress) -> str:
    """The phase as a sentence without its full stop."""
    return progress.text or words.PHASES.get(progress.phase or "", "Starting")

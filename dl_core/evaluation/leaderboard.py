"""The leaderboard: every model of a run on one scale, with intervals, tiers and one honest sentence.

Ranking, tiers and choice read the validation part only, which is all folds of the train part where there are folds,
each judged from outside. The test part is scored for every row and chooses nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dl_core.evaluation import spoken
from dl_core.metrics import METRICS, Metric, metrics_of
from dl_core.metrics.intervals import difference, draws, interval, resampled
from dl_core.prepared import Prepared
from dl_core.report import significant

Context = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What predictions of one part are judged by: truth in task space, the context its metrics need, and which
    samples hang together (`groups`, None where each stands for itself). `folds` is how many folds a validation part
    consists of."""

    truth: np.ndarray
    context: Context = field(default_factory=dict)
    groups: np.ndarray | None = None
    folds: int = 1

    @classmethod
    def of(cls, prepared: Prepared, name: str) -> "Part":
        return cls(
            truth=prepared.truth(name),
            context=prepared.context(name),
            groups=prepared.groups(name),
            folds=prepared.folds if name == "valid" else 1,
        )

    def score(self, metric: Metric, prediction: np.ndarray) -> float:
        """NaN for predictions that are not all numbers, here and below: such a model stands last."""
        if not np.isfinite(prediction).all():
            return math.nan
        return metric.compute(self.truth, prediction, **self.context)

    def resampled(self, metric: Metric, prediction: np.ndarray, seed: int) -> np.ndarray:
        if not np.isfinite(prediction).all():
            return np.array([math.nan])
        return resampled(metric, self.truth, prediction, seed, self.groups, **self.context)


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A model before it has a place. `valid` and `test` are task-space predictions; `seconds` is its training time,
    `latency_ms` the time for one row, `bytes` its size on disk, `trials` how many trials its family has had."""

    model: str
    name: str
    family: str
    kind: Literal["network", "ensemble", "baseline"]
    valid: np.ndarray
    test: np.ndarray | None = None
    seconds: float = 0.0
    latency_ms: float | None = None
    bytes: int | None = None
    parameters: int | None = None
    trials: int = 1
    why: str = ""


def leaderboard(
    entrants: Sequence[Entrant],
    kind: str,
    metric: str,
    valid: Part,
    test: Part | None = None,
    looks: int = 0,
    seed: int = 0,
) -> dict:
    """The board as it is stored: rows best first, `winner`, `best_network` and `sentence`.

    `looks` counts how often the test part has been scored. A model draws with another when the 95 % interval of their
    paired difference includes zero; a tier starts with its best model and ends where a model is really worse.
    """
    judge = METRICS.load(metric)
    order = sorted(entrants, key=lambda entrant: _badness(judge, valid.score(judge, entrant.valid)))
    valid_draws = {entrant.model: valid.resampled(judge, entrant.valid, seed) for entrant in order}
    test_draws = {
        entrant.model: test.resampled(judge, entrant.test, seed)
        for entrant in order
        if test is not None and entrant.test is not None
    }
    tiers = _tiers(order, valid_draws)
    rows = []
    for entrant in order:
        scores = _scores(entrant, kind, valid, test)
        rows.append(
            {
                "model": entrant.model,
                "name": entrant.name,
                "family": entrant.family,
                "kind": entrant.kind,
                "valid": scores[metric]["valid"],
                "valid_interval": _interval(valid_draws.get(entrant.model)),
                "test": scores[metric]["test"],
                "interval": _interval(test_draws.get(entrant.model)),
                "seconds": round(entrant.seconds, 3),
                "latency_ms": entrant.latency_ms,
                "bytes": entrant.bytes,
                "parameters": entrant.parameters,
                "tier": tiers[entrant.model],
                "trials": entrant.trials,
                "scores": scores,
                "why": entrant.why,
            }
        )
    _add_gains(rows, judge, test_draws or valid_draws, "test" if test_draws else "valid")
    networks = [row for row in rows if row["kind"] == "network"]
    return {
        "metric": metric,
        "direction": judge.direction,
        "task": kind,
        "rows": rows,
        "winner": rows[0]["model"] if rows else None,
        "best_network": networks[0]["model"] if networks else None,
        "sentence": sentence(rows, judge, valid.folds),
        "looks": looks,
        "folds": valid.folds,
    }


def _badness(metric: Metric, score: float) -> float:
    return -metric.sign * score if math.isfinite(score) else math.inf


def _scores(entrant: Entrant, kind: str, valid: Part, test: Part | None) -> dict[str, dict[str, float | None]]:
    scores = {}
    for metric in metrics_of(kind):
        if metric.fits(valid.truth):
            on_test = None if test is None or entrant.test is None else _plain(test.score(metric, entrant.test))
            scores[metric.name] = {"valid": _plain(valid.score(metric, entrant.valid)), "test": on_test}
    return scores


def _plain(score: float) -> float | None:
    return float(score) if math.isfinite(score) else None


def _interval(scores: np.ndarray | None) -> list[float] | None:
    if scores is None:
        return None
    low, high = interval(scores)
    return [low, high] if math.isfinite(low) else None


def _tiers(order: list[Entrant], scores: dict[str, np.ndarray]) -> dict[str, int]:
    tiers: dict[str, int] = {}
    best, tier = None, 0
    for entrant in order:
        if best is None or not draws(scores[entrant.model], scores[best]):
            best, tier = entrant.model, tier + 1
        tiers[entrant.model] = tier
    return tiers


def _add_gains(rows: list[dict], metric: Metric, scores: dict[str, np.ndarray], part: str) -> None:
    """`gain` over the best baseline (best by validation), positive where the model is better, with the interval of the
    paired difference; None where there is no baseline."""
    baseline = next((row for row in rows if row["kind"] == "baseline"), None)
    for row in rows:
        row["gain"] = row["gain_interval"] = None
        if baseline is None or row[part] is None or baseline[part] is None:
            continue
        row["gain"] = metric.sign * (row[part] - baseline[part])
        if row is not baseline:
            ends = difference(scores[row["model"]], scores[baseline["model"]])
            row["gain_interval"] = sorted(metric.sign * end for end in ends)


def sentence(rows: list[dict], metric: Metric, folds: int = 1) -> str:
    """What the board says, in one sentence; empty for an empty board. The order is the validation part's, the numbers
    are the test part's where it has been scored."""
    if not rows:
        return ""
    winner = rows[0]
    networks = [row for row in rows if row["kind"] != "baseline"]
    equals = [row for row in rows[1:] if row["tier"] == winner["tier"]]
    name = _namer([winner, *equals])
    if winner["kind"] == "baseline":
        if not networks:
            return f"{name(winner)} leads; no network has been trained."
        best = networks[0]
        if best["tier"] == winner["tier"]:
            return f"{name(winner)} is best; {name(best)}, the best network, draws with it."
        if doubt := _doubt(winner, best, best["name"], metric, folds):
            return f"{name(winner)} is better than every network{doubt}."
        if numbers := _numbers(winner, best, metric):
            return f"{name(winner)} is better than every network{numbers} for {best['name']}, the best of them."
        return f"{name(winner)} is better than every network; {best['name']} is the best of them."
    rival = next((row for row in equals if row["kind"] == "baseline"), None)
    if rival:
        return f"{name(winner)} is best, but {name(rival)}, a simple method, draws with it."
    if equals:
        cheaper = max(equals, key=lambda row: _ratio(winner, row, "bytes") * _ratio(winner, row, "latency_ms"))
        merit = _merit(winner, cheaper)
        return f"{name(winner)} is best; {name(cheaper)} draws with it{merit and f' and {merit}'}."
    if len(rows) == 1:
        return f"{name(winner)} is the only model so far."
    following = _namer([winner, rows[1]])(rows[1])
    if doubt := _doubt(winner, rows[1], following, metric, folds):
        return f"{name(winner)} is best{doubt}."
    if numbers := _numbers(winner, rows[1], metric):
        return f"{name(winner)} is best{numbers} for {following}, the next."
    return f"{name(winner)} is best; {following} comes next."


def _numbers(row: dict, other: dict, metric: Metric) -> str:
    """': ROC AUC 0.916 against 0.910'; nothing where there are no numbers or they look alike."""
    part = "test" if row["test"] is not None and other["test"] is not None else "valid"
    if row[part] is None or other[part] is None:
        return ""
    one, two = significant(row[part]), significant(other[part])
    return f": {metric.title} {one} against {two}" if one != two else ""


def _doubt(row: dict, other: dict, name: str, metric: Metric, folds: int) -> str:
    """' on the validation part; on the test part B is ahead, ROC AUC 0.91 against 0.90'; nothing where the test part
    agrees with the order or has not been scored."""
    if row["test"] is None or other["test"] is None:
        return ""
    one, two = significant(row["test"]), significant(other["test"])
    if one != two and metric.sign * (row["test"] - other["test"]) > 0:
        return ""
    found = f"is ahead, {metric.title} {two} against {one}" if one != two else f"is level, {metric.title} {two}"
    return f" {spoken.place(folds)}; on the test part {name} {found}"


def _namer(rows: list[dict]):
    """Names that tell the rows apart: the model id behind the name where a name occurs twice."""
    names = [row["name"] for row in rows]
    return lambda row: row["name"] if names.count(row["name"]) < 2 else f"{row['name']} ({row['model']})"


def _ratio(row: dict, other: dict, field_name: str) -> float:
    return row[field_name] / other[field_name] if row.get(field_name) and other.get(field_name) else 1.0


def _merit(winner: dict, other: dict) -> str:
    smaller, faster = _ratio(winner, other, "bytes"), _ratio(winner, other, "latency_ms")
    if smaller >= 1.75:
        return f"is {_times(smaller)} smaller"
    if faster >= 1.75:
        return f"answers {_times(faster)} faster"
    return ""


def _times(ratio: float) -> str:
    words = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    whole = round(ratio)
    return f"{words[whole - 2] if whole <= 10 else f'{whole:,}'} times"

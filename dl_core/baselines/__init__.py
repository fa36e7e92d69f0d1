"""Simple models that stand on the same board: if a network cannot beat these, the page says so.

A baseline is one file with one class and one line here:

    fit(prepared, task, seconds) -> State          learn from the train part, each row as much as its weight says; JSON,
                                                   arrays as lists, boosters as text
    predict(state, inputs) -> np.ndarray           task-space predictions for named network inputs (sample axis first)

`inputs` are the arrays a network of the same dataset would eat, so that a baseline predicts wherever a network does.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dl_core.prepared import Prepared
from dl_core.registry import Registry
from dl_core.signature import IMAGE, TABLE, WINDOW
from dl_core.tasks.base import Task

State = dict[str, Any]


class Baseline(Protocol):
    def fit(self, prepared: Prepared, task: Task, seconds: float) -> State: ...

    def predict(self, state: State, inputs: dict[str, np.ndarray]) -> np.ndarray: ...


@dataclass(frozen=True, kw_only=True)
class BaselineCard:
    path: str
    title: str
    why: str
    inputs: frozenset[str]
    tasks: frozenset[str]
    slow: bool = False  # takes longer than a first network, which then goes before it


_ROWS = frozenset({"classification", "regression"})

BASELINES: dict[str, BaselineCard] = {
    "dummy": BaselineCard(
        path="dl_core.baselines.dummy:Dummy",
        title="Always the same answer",
        why="The class shares or the mean of the train part: what a score is worth without looking at the features.",
        inputs=TABLE | IMAGE,
        tasks=_ROWS,
    ),
    "linear": BaselineCard(
        path="dl_core.baselines.linear:Linear",
        title="Linear model",
        why="Logistic or ridge regression: what straight lines can do.",
        inputs=TABLE,
        tasks=_ROWS,
    ),
    "trees": BaselineCard(
        path="dl_core.baselines.trees:Trees",
        title="Boosted trees (LightGBM)",
        why="What most people would use on a table, stopped early on rows that it does not learn from.",
        inputs=TABLE,
        tasks=_ROWS,
        slow=True,
    ),
    "thumbnail": BaselineCard(
        path="dl_core.baselines.thumbnail:Thumbnail",
        title="Logistic regression on thumbnails",
        why="Colours and coarse shapes at 8 by 8 pixels: what needs no deep network.",
        inputs=IMAGE,
        tasks=frozenset({"classification"}),
    ),
    "seasonal_naive": BaselineCard(
        path="dl_core.baselines.seasonal_naive:SeasonalNaive",
        title="Seasonal naive",
        why="The same as one season ago: the forecast to beat.",
        inputs=WINDOW,
        tasks=frozenset({"forecasting"}),
    ),
    "theta": BaselineCard(
        path="dl_core.baselines.theta:Theta",
        title="Theta",
        why="Trend and smoothing, winner of the M3 competition (Assimakopoulos and Nikolopoulos, 2000).",
        inputs=WINDOW,
        tasks=frozenset({"forecasting"}),
    ),
}

_REGISTRY = Registry("baseline", {name: card.path for name, card in BASELINES.items()})


def load(name: str) -> Baseline:
    return _REGISTRY.load(name)()


def fit(name: str, prepared: Prepared, task: Task, seconds: float) -> tuple[State, np.ndarray]:
    """The fitted state within `seconds`, and its predictions for the valid part. Where the train part is cut into folds
    there is a state for each: it predicts its own fold here, and all of them together what is new."""
    baseline = load(name)
    if prepared.folds == 1:
        state = baseline.fit(prepared, task, seconds)
        return state, baseline.predict(state, prepared.inputs("valid"))
    members, answers = [], []
    for number in range(prepared.folds):
        fold = prepared.fold(number)
        members.append(baseline.fit(fold, task, seconds / prepared.folds))
        answers.append(baseline.predict(members[-1], fold.inputs("valid")))
    predictions = np.empty((prepared.size("valid"), *answers[0].shape[1:]))
    for number, answer in enumerate(answers):
        predictions[prepared.fold_codes == number] = answer
    return {"members": members}, predictions


def predict(name: str, state: State, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Task-space predictions of a fitted state: the mean of its members, where it has several."""
    baseline = load(name)
    return np.mean([baseline.predict(member, inputs) for member in state.get("members", [state])], axis=0)


def fitting(task: str, inputs: set[str]) -> list[str]:
    """Names of the baselines for this task kind that can eat all of `inputs`, cheapest first."""
    return [name for name, card in BASELINES.items() if task in card.tasks and set(inputs) <= card.inputs]

"""Logistic or ridge regression on numbers and one-hot categories."""

import time
import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from dl_core.prepared import Prepared
from dl_core.seeds import generator
from dl_core.tasks import TASKS
from dl_core.tasks.base import Task

STRENGTHS = (1.0, 0.1, 10.0)
NEVER = -50.0  # the score of a class that no row showed
MOST_ROWS = 100_000  # more teach a linear model nothing new
Coefficients = tuple[np.ndarray, np.ndarray]  # (columns, outputs) and the intercepts (outputs,)


class Linear:
    def fit(self, prepared: Prepared, task: Task, seconds: float) -> dict[str, Any]:
        """Choose the regularisation on the validation part, as many strengths as the time allows; the train part alone
        is fitted."""
        end = time.monotonic() + seconds
        levels = prepared.signature.inputs["category"].cardinalities if "category" in prepared.signature.inputs else ()
        classes = task.kind == "classification"
        target = np.asarray(prepared.truth("train")) if classes else np.asarray(prepared.target("train"), np.float64)
        inputs, weight = prepared.inputs("train"), prepared.weight("train")
        if len(target) > MOST_ROWS:
            some = np.sort(generator(0, "linear").choice(len(target), MOST_ROWS, replace=False))
            inputs, target = {name: array[some] for name, array in inputs.items()}, target[some]
            weight = None if weight is None else weight[some]
        train = design(inputs, levels)
        fits: list[Coefficients] = []
        for strength in STRENGTHS:
            if not fits or time.monotonic() < end:
                if classes:
                    fits.append(logistic(train, target, weight, prepared.signature.output[0], strength))
                else:
                    fits.append(_ridge(train, target, weight, strength))
        state: dict[str, Any] = {"levels": list(levels), "task": task.kind, "target": prepared.state["task"]}
        valid = design(prepared.inputs("valid"), levels)
        losses = [self._loss(task, prepared, valid @ coefficients + intercept) for coefficients, intercept in fits]
        coefficients, intercept = fits[int(np.argmin(losses))]
        return {**state, "coefficients": coefficients.tolist(), "intercept": intercept.tolist()}

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        raw = design(inputs, state["levels"]) @ np.array(state["coefficients"]) + np.array(state["intercept"])
        return decode(state, raw)

    def _loss(self, task: Task, prepared: Prepared, raw: np.ndarray) -> float:
        if task.kind == "classification":
            chosen = task.decode(prepared.state["task"], raw)[np.arange(len(raw)), prepared.truth("valid")]
            return float(-np.log(np.maximum(chosen, 1e-12)).mean())
        return float(np.square(raw - prepared.target("valid")).mean())


def logistic(
    x, y: np.ndarray, weight: np.ndarray | None, classes: int, strength: float, rounds: int = 200
) -> Coefficients:
    """Logistic regression of class numbers `y` (samples,) below `classes`; two have a column each, like more."""
    every = np.zeros((x.shape[1], classes)), np.full(classes, NEVER)  # a class may be missing from the rows
    if len(known := np.unique(y)) == 1:
        every[1][known] = 0.0
        return every
    # one thread: on products this small, two wait for each other forty times as long as they work
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=strength, max_iter=rounds).fit(x, y, weight)
    coefficients, intercept = model.coef_.T, model.intercept_
    if coefficients.shape[1] == 1:  # two classes share one column
        coefficients, intercept = np.hstack([np.zeros_like(coefficients), coefficients]), np.array([0.0, intercept[0]])
    every[0][:, model.classes_], every[1][model.classes_] = coefficients, intercept
    return every


def _ridge(x, y: np.ndarray, weight: np.ndarray | None, strength: float) -> Coefficients:
    model = Ridge(alpha=strength).fit(x, y, weight)
    return np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)


def decode(state: dict[str, Any], raw: np.ndarray) -> np.ndarray:
    """Raw scores to task space, as the task itself does it."""
    return TASKS.load(state["task"])().decode(state["target"], raw)


def design(inputs: dict[str, np.ndarray], levels) -> sparse.csr_matrix:
    """Numbers and one-hot categories as one sparse matrix (samples, columns)."""
    blocks = [sparse.csr_matrix(np.asarray(inputs["numeric"], np.float64))] if "numeric" in inputs else []
    if "category" in inputs:
        numbers = np.asarray(inputs["category"])
        samples = np.arange(len(numbers))
        for column, count in enumerate(levels):
            ones = np.ones(len(numbers))
            blocks.append(sparse.csr_matrix((ones, (samples, numbers[:, column])), shape=(len(numbers), count)))
    return sparse.hstack(blocks, format="csr")

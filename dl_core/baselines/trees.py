"""Gradient-boosted trees (LightGBM; Ke et al., 2017), early-stopped on the validation part."""

import time
from typing import Any

import lightgbm
import numpy as np

from dl_core.prepared import Prepared
from dl_core.settings import CORES
from dl_core.tasks.base import Task

MOST_ROUNDS = 1000
PATIENCE = 50


class Trees:
    def fit(self, prepared: Prepared, task: Task, seconds: float) -> dict[str, Any]:
        """One booster per target, each within its share of `seconds`. Raises ValueError for what LightGBM refuses."""
        try:
            return self._fit(prepared, task, seconds)
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(str(error)) from error

    def _fit(self, prepared: Prepared, task: Task, seconds: float) -> dict[str, Any]:
        classes = prepared.signature.output[0] if task.kind == "classification" else 0
        x, names = matrix(prepared.inputs("train"))
        valid, _ = matrix(prepared.inputs("valid"))
        y, y_valid = np.asarray(prepared.truth("train")), np.asarray(prepared.truth("valid"))
        columns = [(y, y_valid)] if classes else list(zip(y.T, y_valid.T, strict=True))
        boosters = []
        for target, target_valid in columns:
            weight = prepared.weight("train")
            data = lightgbm.Dataset(x, target, weight=weight, categorical_feature=names, params={"verbose": -1})
            boosters.append(
                lightgbm.train(
                    _parameters(classes),
                    data,
                    MOST_ROUNDS,
                    valid_sets=[data.create_valid(valid, target_valid)],
                    callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False), _deadline(seconds / len(columns))],
                )
            )
        return {
            "classes": classes,
            "boosters": [b.model_to_string(num_iteration=b.best_iteration or -1) for b in boosters],
        }

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        x, _ = matrix(inputs)
        boosters = (lightgbm.Booster(model_str=text) for text in state["boosters"])
        answers = [np.asarray(booster.predict(x, num_threads=CORES)) for booster in boosters]
        if state["classes"] == 2:
            return np.stack([1.0 - answers[0], answers[0]], axis=1)
        return answers[0] if state["classes"] else np.stack(answers, axis=1)


def _parameters(classes: int) -> dict[str, Any]:
    objective = {0: {"objective": "regression"}, 2: {"objective": "binary"}}
    chosen = objective.get(classes, {"objective": "multiclass", "num_class": classes})
    return {**chosen, "learning_rate": 0.06, "num_threads": CORES, "verbose": -1, "seed": 0, "deterministic": True}


def _deadline(seconds: float):
    """A callback that ends boosting when the time is over."""
    end = time.monotonic() + seconds

    def stop(environment):
        if time.monotonic() > end:
            raise lightgbm.callback.EarlyStopException(environment.iteration, environment.evaluation_result_list)

    return stop


def matrix(inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Numbers and category numbers as one matrix (samples, columns), and which columns are categories."""
    blocks = [np.asarray(inputs[name], np.float64) for name in ("numeric", "category") if name in inputs]
    width = sum(block.shape[1] for block in blocks)
    categories = inputs["category"].shape[1] if "category" in inputs else 0
    return np.concatenate(blocks, axis=1), list(range(width - categories, width))

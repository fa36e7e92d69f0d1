"""Regression: one or several quantities."""

import numpy as np
import pandas as pd

from dl_core.problems import Problem
from dl_core.runspec import TaskSpec
from dl_core.tasks.base import State, Task


class Regression(Task):
    kind = "regression"
    title = "Regression"
    sampler = "rows"
    metrics = ("rmse", "mae", "r2", "medae", "mape")
    loss = "squared_error"

    def default_metric(self, state: State) -> str:
        return "rmse"

    def check(self, targets: pd.DataFrame, spec: TaskSpec) -> list[Problem]:
        problems = []
        for name in spec.targets:
            column = targets[name]
            values = column if pd.api.types.is_numeric_dtype(column) else pd.to_numeric(column, errors="coerce")
            if column.isna().all():
                problems.append(
                    Problem("error", f"Every value of {name!r} is missing.", "Choose another target.", name)
                )
            elif values.isna().sum() > column.isna().sum():
                problems.append(
                    Problem(
                        "error",
                        f"Column {name!r} holds words; regression predicts a quantity.",
                        "Choose a numeric target, or the classification task.",
                        name,
                    )
                )
            elif values.nunique() == 1:
                problems.append(
                    Problem(
                        "error",
                        f"Every value of {name!r} is the same; there is nothing to predict.",
                        "Choose another target.",
                        name,
                    )
                )
        if not problems and not targets[list(spec.targets)].notna().all(axis=1).any():
            problems.append(
                Problem("error", "No row has a value for every target at once.", "Choose one target, or other ones.")
            )
        return problems

    def fit(self, targets: pd.DataFrame) -> State:
        values = self._values(targets)
        scale = values.std(axis=0)
        return {
            "mean": values.mean(axis=0).tolist(),
            "scale": np.where(scale > 0, scale, 1.0).tolist(),
            "low": values.min(axis=0).tolist(),
            "high": values.max(axis=0).tolist(),
        }

    def output(self, state: State) -> tuple[int, ...]:
        return (len(state["mean"]),)

    def encode(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        return ((self._values(targets) - state["mean"]) / state["scale"]).astype(np.float32)

    def truth(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        return self._values(targets)

    def decode(self, state: State, raw: np.ndarray) -> np.ndarray:
        """Back to the target's unit, clamped to the range seen in training."""
        return np.clip(raw.astype(np.float64) * state["scale"] + state["mean"], state["low"], state["high"])

    @staticmethod
    def _values(targets: pd.DataFrame) -> np.ndarray:
        return np.stack([pd.to_numeric(targets[name]).to_numpy(np.float64) for name in targets], axis=1)

"""Forecasting: the next steps of one or many series, with quantiles."""

import numpy as np
import pandas as pd

from dl_core.metrics.forecasting import LEVELS
from dl_core.problems import Problem
from dl_core.runspec import TaskSpec
from dl_core.tasks.base import State, Task


class Forecasting(Task):
    """`check` reads the target column of the long table; everything else works on windows, whose targets have one
    column for each step of the horizon."""

    kind = "forecasting"
    title = "Forecasting"
    sampler = "windows"
    metrics = ("mase", "wql", "smape", "wape", "forecast_rmse", "coverage")
    loss = "pinball"

    def default_metric(self, state: State) -> str:
        return "mase"

    def check(self, targets: pd.DataFrame, spec: TaskSpec) -> list[Problem]:
        if len(spec.targets) != 1:
            fix = (
                "Choose one target. Where each column is a series of its own, bring them in the long format: one "
                "column for all values, and one that names the series (on the command line: --series)."
            )
            return [Problem("error", f"A forecast predicts one column; {len(spec.targets)} are named.", fix)]
        name = spec.targets[0]
        column = targets[name]
        if name in (spec.time, *spec.series):
            return [Problem("error", f"Column {name!r} tells time or series apart.", "Choose another target.", name)]
        if column.isna().all():
            return [Problem("error", f"Every value of {name!r} is missing.", "Choose another target.", name)]
        if not pd.api.types.is_numeric_dtype(column):
            return [
                Problem(
                    "error",
                    f"Column {name!r} is kept as text (words or ids); a forecast needs a quantity.",
                    "Choose a numeric target, or make it a number on the Data page.",
                    name,
                )
            ]
        if column.nunique() == 1:
            return [
                Problem(
                    "error",
                    f"Every value of {name!r} is the same; there is nothing to forecast.",
                    "Choose another target.",
                    name,
                )
            ]
        return []

    def fit(self, targets: pd.DataFrame) -> State:
        return {"horizon": len(targets.columns)}

    def output(self, state: State) -> tuple[int, ...]:
        return (state["horizon"], len(LEVELS))

    def encode(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        """Networks answer in the unit of the series, so the loss eats it as it is; NaN is a gap."""
        return targets.to_numpy(np.float32)

    def truth(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        return targets.to_numpy(np.float64)

    def decode(self, state: State, raw: np.ndarray) -> np.ndarray:
        """Quantiles in ascending order."""
        return np.sort(raw.astype(np.float64), axis=-1)

"""The same as one season ago, with bands from what that got wrong before."""

from typing import Any

import numpy as np

from dl_core.baselines.history import error_bands, latest_season, with_bands
from dl_core.samples.windows import PreparedWindows
from dl_core.tasks.base import Task


class SeasonalNaive:
    def fit(self, prepared: PreparedWindows, task: Task, seconds: float) -> dict[str, Any]:
        season, horizon = prepared.signature.options["season"], prepared.horizon
        bands = error_bands(prepared, lambda history: _repeat(history, season, horizon), season)
        return {"season": season, "horizon": horizon, "bands": bands}

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        history = np.asarray(inputs["history"], np.float64)
        point = _repeat(history, state["season"], state["horizon"])
        return with_bands(point, history, state["season"], state["bands"])


def _repeat(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season of each row (n, lookback), over and over: (n, horizon)."""
    return latest_season(history, season)[:, np.arange(horizon) % season]

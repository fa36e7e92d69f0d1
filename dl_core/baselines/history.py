"""What the baselines of forecasting share: filling the last season, and bands from past errors."""

from collections.abc import Callable

import numpy as np

from dl_core.metrics.forecasting import LEVELS, MEDIAN, naive_scale
from dl_core.samples.windows import PreparedWindows

MOST_WINDOWS = 2_000  # train windows that are enough for the quantiles of the errors


def latest_season(history: np.ndarray, season: int) -> np.ndarray:
    """The last season of each row (n, lookback), NaN for gaps: (n, season) without any. A gap takes the latest known
    value of its place in the season, else the latest known value of all, else 0."""
    samples, lookback = history.shape
    padding = -lookback % season
    padded = np.hstack([np.full((samples, padding), np.nan), history])
    latest = _latest(padded.reshape(samples, -1, season), axis=1)
    any_known = np.nan_to_num(_latest(history, axis=1))
    return np.where(np.isfinite(latest), latest, any_known[:, None])


def _latest(values: np.ndarray, axis: int) -> np.ndarray:
    """The last known value along `axis`, NaN where none is."""
    known = np.isfinite(values)
    last = values.shape[axis] - 1 - np.argmax(np.flip(known, axis), axis=axis)
    return np.take_along_axis(values, np.expand_dims(last, axis), axis).squeeze(axis)


def error_bands(
    prepared: PreparedWindows, point: Callable[[np.ndarray], np.ndarray], season: int, windows: int = MOST_WINDOWS
) -> list[list[float]]:
    """Quantiles of the errors that `point` (histories -> forecasts) makes on the train part, in units of the naive
    scale of the history and around their median: (horizon, 9) as lists."""
    picked = np.unique(np.linspace(0, prepared.size("train") - 1, windows).astype(int))
    history = prepared.inputs("train", picked)["history"].astype(np.float64)
    error = (prepared.truth("train", picked) - point(history)) / naive_scale(history, season)[:, None]
    observed = np.isfinite(error).any(axis=0)
    bands = np.zeros((error.shape[1], len(LEVELS)))
    bands[observed] = np.nanquantile(error[:, observed], LEVELS, axis=0).T
    return (bands - bands[:, [MEDIAN]]).tolist()


def with_bands(point: np.ndarray, history: np.ndarray, season: int, bands: list[list[float]]) -> np.ndarray:
    """Point forecasts (n, horizon) as quantiles (n, horizon, 9), the point forecast being the median."""
    return point[:, :, None] + naive_scale(history, season)[:, None, None] * np.array(bands)

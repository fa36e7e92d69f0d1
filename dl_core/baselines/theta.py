"""The Theta method (Assimakopoulos and Nikolopoulos, 2000), for all histories at once.

In the form of Hyndman and Billah (2003): seasonal adjustment where the season passes a test, simple exponential
smoothing, and half the slope of the linear trend as drift. Vectorised over rows, since one fit after the other costs a
hundred times as much.
"""

from typing import Any

import numpy as np

from dl_core.baselines.history import error_bands, with_bands
from dl_core.samples.windows import PreparedWindows
from dl_core.tasks.base import Task

ALPHAS = np.linspace(0.05, 1.0, 20)  # smoothing shares that are tried
SEASON_TEST = 1.645  # the 90 % test of the M competitions
WINDOWS = 500


class Theta:
    def fit(self, prepared: PreparedWindows, task: Task, seconds: float) -> dict[str, Any]:
        season, horizon = prepared.signature.options["season"], prepared.horizon
        bands = error_bands(prepared, lambda history: theta_forecast(history, season, horizon), season, WINDOWS)
        return {"season": season, "horizon": horizon, "bands": bands}

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        history = np.asarray(inputs["history"], np.float64)
        point = theta_forecast(history, state["season"], state["horizon"])
        return with_bands(point, history, state["season"], state["bands"])


def theta_forecast(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The next steps of each row: (n, time) with NaN for gaps -> (n, horizon)."""
    indices, multiplicative = _seasonal_indices(history, season)
    place = np.arange(history.shape[1] + horizon) - history.shape[1]  # ... -2 -1 | 0 1 ...
    repeated = indices[:, place % indices.shape[1]]
    past, ahead = repeated[:, : history.shape[1]], repeated[:, history.shape[1] :]
    adjusted = _without(past, history, multiplicative)

    level, alpha = _smooth(adjusted)
    known = np.isfinite(adjusted)
    count = known.sum(axis=1)
    drift = 0.5 * _slope(adjusted, known)
    start = (1.0 - (1.0 - alpha) ** count) / alpha  # how far the smoothed level lags behind the trend
    steps = np.arange(horizon)
    forecast = level[:, None] + drift[:, None] * (steps + start[:, None])
    return np.where(multiplicative[:, None], forecast * ahead, forecast + ahead)


def _seasonal_indices(history: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Classical decomposition. Factors (n, season) where a row is all positive, differences elsewhere, and which rows
    have factors; index k belongs to the k-th step after the history. Rows without a season get 1 or 0."""
    samples, length = history.shape
    known = np.isfinite(history)
    multiplicative = np.where(known, history, 1.0).min(axis=1) > 0
    neutral = np.repeat(np.where(multiplicative, 1.0, 0.0)[:, None], season, axis=1)
    if season < 2 or length < 2 * season:
        return neutral, multiplicative
    level = _centred_mean(history, season)
    detrended = _without(level, history, multiplicative)
    place = (np.arange(length) - length) % season
    indices = np.stack([_mean_known(detrended[:, place == k]) for k in range(season)], axis=1)
    mean = indices.mean(axis=1, keepdims=True)
    indices = _without(mean, indices, multiplicative)
    usable = np.isfinite(indices).all(axis=1) & (indices.min(axis=1) > np.where(multiplicative, 0.0, -np.inf))
    seasonal = usable & _is_seasonal(history, season)
    return np.where(seasonal[:, None], indices, neutral), multiplicative


def _without(part: np.ndarray, values: np.ndarray, multiplicative: np.ndarray) -> np.ndarray:
    """`values` divided by `part` in rows that are multiplicative, less `part` in the others."""
    divisor = np.where(multiplicative[:, None], part, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(multiplicative[:, None], values / divisor, values - part)


def _centred_mean(values: np.ndarray, season: int) -> np.ndarray:
    """Moving average over one season around each step, NaN at the edges; gaps are passed over."""
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    width = len(weights)
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
    known = np.isfinite(windows)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, windows, 0.0) @ weights / (known @ weights)
    half = width // 2
    return np.pad(mean, ((0, 0), (half, half)), constant_values=np.nan)


def _is_seasonal(values: np.ndarray, season: int) -> np.ndarray:
    """Whether the autocorrelation at the season is significant (n,)."""
    known = np.isfinite(values)
    centred = np.where(known, values - _mean_known(values)[:, None], 0.0)
    power = np.maximum((centred**2).sum(axis=1), 1e-300)
    correlation = np.stack([(centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / power for lag in range(1, season + 1)])
    limit = SEASON_TEST * np.sqrt((1 + 2 * (correlation[:-1] ** 2).sum(axis=0)) / known.sum(axis=1).clip(1))
    return np.abs(correlation[-1]) > limit


def _mean_known(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)


def _smooth(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simple exponential smoothing: the last level (n,) and the smoothing share (n,) with the smallest one-step errors.
    A gap leaves the level where it is; rows without any value have level 0."""
    level = np.full((len(values), len(ALPHAS)), np.nan)
    loss = np.zeros_like(level)
    for value in values.T[:, :, None]:
        error = np.nan_to_num(value - level)  # 0 at a gap and at the first value
        loss += error**2
        level = np.where(np.isnan(level), value, level + ALPHAS * error)
    best = loss.argmin(axis=1)
    return np.nan_to_num(level[np.arange(len(values)), best]), ALPHAS[best]


def _slope(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Least-squares slope per step of each row (n,)."""
    time = np.where(known, np.arange(values.shape[1]), np.nan)
    time = np.where(known, time - _mean_known(time)[:, None], 0.0)
    spread = (time**2).sum(axis=1)
    return np.where(known, values * time, 0.0).sum(axis=1) / np.where(spread > 0, spread, 1.0)

"""Metrics of forecasts: truth (n, horizon) with NaN for a gap, prediction (n, horizon, 9) the quantiles 0.1 … 0.9."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dl_core.metrics import Metric, mean_of

LEVELS = np.arange(1, 10) / 10.0
MEDIAN = 4
KINDS = ("forecasting",)


def naive_scale(history: np.ndarray, season: int) -> np.ndarray:
    """Mean absolute error of the seasonal naive forecast within each row of `history` (n, time), NaN for gaps: (n,).

    The denominator of MASE (Hyndman and Koehler, 2006). Where it is zero or unknown, the step-to-step change, the mean
    size of the values, or 1 stands in, so that the scale is always positive.
    """
    known = np.isfinite(history)
    values = np.where(known, history, 0.0).astype(np.float64)
    scale = _mean_change(values, known, season)
    for fallback in (_mean_change(values, known, 1), _mean(np.abs(values), known), np.ones(len(values))):
        scale = np.where(np.isfinite(scale) & (scale > 0), scale, fallback)
    return scale


def _mean_change(values: np.ndarray, known: np.ndarray, lag: int) -> np.ndarray:
    return _mean(np.abs(values[:, lag:] - values[:, :-lag]), known[:, lag:] & known[:, :-lag])


def _mean(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)


def _error(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Truth minus median (n, horizon), NaN for a gap."""
    return truth - prediction[:, :, MEDIAN]


def _scaled_error(truth: np.ndarray, prediction: np.ndarray, scale: np.ndarray, **_) -> np.ndarray:
    error = np.abs(_error(truth, prediction))
    return _mean(error, np.isfinite(truth)) / scale


def _relative_error(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    size = np.abs(truth) + np.abs(prediction[:, :, MEDIAN])
    share = np.divide(np.abs(_error(truth, prediction)), size, out=np.zeros_like(size), where=size != 0)
    return 200.0 * _mean(share, np.isfinite(truth))


def _ratio_of(sums: Callable, finish: Callable = lambda ratio: ratio) -> dict[str, Any]:
    """`compute` and `weighted` of a metric that is one sum over all samples divided by another, or `finish` of it.
    `sums(truth, prediction)` gives both, each (n,)."""

    def compute(truth: np.ndarray, prediction: np.ndarray, **_) -> float:
        return float(weighted(np.ones((1, len(truth))), truth, prediction)[0])

    def weighted(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
        above, below = sums(truth, prediction)
        with np.errstate(invalid="ignore", divide="ignore"):
            return finish((weights @ above) / (weights @ below))

    return {"compute": compute, "weighted": weighted}


def _absolute_sums(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.nansum(np.abs(_error(truth, prediction)), axis=1), np.nansum(np.abs(truth), axis=1)


def _square_sums(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.nansum(_error(truth, prediction) ** 2, axis=1), np.isfinite(truth).sum(axis=1)


def _quantile_sums(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    error = truth[:, :, None] - prediction
    loss = np.maximum(LEVELS * error, (LEVELS - 1.0) * error).mean(axis=2)
    return 2.0 * np.nansum(loss, axis=1), np.nansum(np.abs(truth), axis=1)


def _inside_sums(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inside = (prediction[:, :, 0] <= truth) & (truth <= prediction[:, :, -1])
    return inside.sum(axis=1), np.isfinite(truth).sum(axis=1)


mase = Metric(
    name="mase",
    title="MASE",
    direction="min",
    kinds=KINDS,
    help="Mean absolute error, in units of what repeating the last season gets wrong on the past. Below 1 is good.",
    **mean_of(_scaled_error),
)
smape = Metric(
    name="smape",
    title="sMAPE",
    direction="min",
    kinds=KINDS,
    help="Error in per cent of the mean size of truth and forecast. Misleading near zero.",
    **mean_of(_relative_error),
)
wape = Metric(
    name="wape",
    title="WAPE",
    direction="min",
    kinds=KINDS,
    help="All absolute errors together, as a share of all true values together.",
    **_ratio_of(_absolute_sums),
)
forecast_rmse = Metric(
    name="forecast_rmse",
    title="RMSE",
    direction="min",
    kinds=KINDS,
    help="Root of the mean squared error, in units of the series; large series and large misses count most.",
    **_ratio_of(_square_sums, np.sqrt),
)
wql = Metric(
    name="wql",
    title="WQL",
    direction="min",
    kinds=KINDS,
    help="Quantile loss of all nine quantiles, as a share of all true values: judges the bands, not only the middle.",
    **_ratio_of(_quantile_sums),
)
coverage = Metric(
    name="coverage",
    title="Coverage of the 80 % band",
    direction="max",
    kinds=KINDS,
    help="Share of true values between quantile 0.1 and 0.9. Right is 0.80; above it the band is too wide.",
    ranks=False,
    **_ratio_of(_inside_sums),
)

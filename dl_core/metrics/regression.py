"""Scores of predicted quantities (samples, targets) against true ones. With several targets, the mean over the targets;
NaN in a truth leaves its sample out."""

import numpy as np

from dl_core.metrics import Metric, mean_of

_KINDS = ("regression",)


def _squared_error(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    return np.square(truth - prediction).mean(1)


def _absolute_error(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    return np.abs(truth - prediction).mean(1)


def _relative_error(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs((truth - prediction) / truth).mean(1)


def _r2_weighted(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    known = np.isfinite(truth).all(1)
    weights, truth, prediction = weights[:, known], truth[known], prediction[known]
    if not known.any():
        return np.full(len(weights), np.nan)
    centred = truth - truth.mean(0)  # the same spread, without the cancellation of large numbers
    total = weights.sum(1, dtype=np.float64)[:, None]
    wide = weights.astype(np.float64)
    spread = wide @ centred**2 / total - (wide @ centred / total) ** 2
    error = wide @ np.square(truth - prediction) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, 1 - error / spread, np.nan).mean(1)


def _r2(truth: np.ndarray, prediction: np.ndarray, **context) -> float:
    return float(_r2_weighted(np.ones((1, len(truth))), truth, prediction, **context)[0])


def _median_error(truth: np.ndarray, prediction: np.ndarray, **_) -> float:
    known = np.isfinite(truth).all(1)
    if not known.any():
        return float("nan")
    return float(np.median(np.abs(truth[known] - prediction[known]), axis=0).mean())


def _positive(truth: np.ndarray) -> bool:
    known = truth[np.isfinite(truth)]
    return bool(known.size and (known > 0).all())


rmse = Metric(
    name="rmse",
    title="RMSE",
    direction="min",
    kinds=_KINDS,
    **mean_of(_squared_error, finish=np.sqrt),
    help="Typical size of an error in the unit of the target; large errors weigh more.",
)
mae = Metric(
    name="mae",
    title="MAE",
    direction="min",
    kinds=_KINDS,
    **mean_of(_absolute_error),
    help="Mean size of an error, in the unit of the target.",
)
r2 = Metric(
    name="r2",
    title="R²",
    direction="max",
    kinds=_KINDS,
    compute=_r2,
    weighted=_r2_weighted,
    help="Share of the target's spread that the model explains: 0 is always answering the mean, 1 is perfect.",
)
mape = Metric(
    name="mape",
    title="MAPE",
    direction="min",
    kinds=_KINDS,
    **mean_of(_relative_error),
    fits=_positive,
    help="Mean error as a share of the true value; only for targets that are always above zero.",
)
medae = Metric(
    name="medae",
    title="Median error",
    direction="min",
    kinds=_KINDS,
    compute=_median_error,
    help="Half of the errors are smaller than this, in the unit of the target.",
)

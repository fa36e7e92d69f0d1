"""How sure a score is: percentile bootstrap over the samples (Efron and Tibshirani, 1993), for one model and for the
difference of two on the same samples.

The same samples and seed give the same draws, so two models' resampled scores are paired: their difference is a
subtraction, and a board of twenty models costs twenty bootstraps.
"""

from functools import lru_cache

import numpy as np

from dl_core.metrics import Metric
from dl_core.seeds import generator

MOST_RESAMPLES = 1000
FEWEST_RESAMPLES = 200
FEWEST_UNITS = 8  # an interval from fewer says more about them than about the model
_WORK = 4_000_000  # resamples x samples (x classes): a tenth of a second for ranks, less for means


def resampled(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    seed: int = 0,
    groups: np.ndarray | None = None,
    **context: np.ndarray,
) -> np.ndarray:
    """The score under resampled samples, shape (resamples,).

    `groups` (samples,) are drawn as wholes, for samples that are not independent. `context` arrays have a leading
    sample axis. Where there are too many samples for the time, a random part of them (of the groups) is resampled and
    the spread is shrunk to the whole's size (Politis and Romano, 1994).
    """
    samples = len(truth)
    columns = prediction.shape[1] if np.issubdtype(np.asarray(truth).dtype, np.integer) else 1
    affordable = max(2000, _WORK // (FEWEST_RESAMPLES * max(1, columns // 2)))
    if samples <= affordable:
        return _bootstrap(metric, truth, prediction, seed, groups, columns, context)
    unit = np.arange(samples) if groups is None else np.unique(groups, return_inverse=True)[1]
    units = int(unit.max()) + 1
    kept = min(units, max(FEWEST_UNITS, units * affordable // samples))
    drawn = np.zeros(units, bool)
    drawn[generator(seed, "interval part", units).choice(units, kept, replace=False)] = True
    part = np.flatnonzero(drawn[unit])
    some = {name: values[part] for name, values in context.items()}
    score = metric.compute(truth, prediction, **context)
    around = metric.compute(truth[part], prediction[part], **some)
    scores = _bootstrap(
        metric, truth[part], prediction[part], seed, None if groups is None else groups[part], columns, some
    )
    return score + (scores - around) * np.sqrt(kept / units)


def _bootstrap(metric, truth, prediction, seed, groups, columns, context) -> np.ndarray:
    samples = len(truth)
    resamples = int(np.clip(_WORK // max(1, samples * max(1, columns // 2)), FEWEST_RESAMPLES, MOST_RESAMPLES))
    if metric.weighted is not None:
        weights = _weights(resamples, samples, seed, groups)
        return np.asarray(metric.weighted(weights, truth, prediction, **context), np.float64)
    weights = _weights(FEWEST_RESAMPLES, samples, seed, groups)
    scores = np.empty(len(weights))
    for number, weight in enumerate(weights):
        drawn = np.repeat(np.arange(samples), weight.astype(int))
        part = {name: values[drawn] for name, values in context.items()}
        scores[number] = metric.compute(truth[drawn], prediction[drawn], **part)
    return scores


def _weights(resamples: int, samples: int, seed: int, groups: np.ndarray | None) -> np.ndarray:
    """How often each sample is drawn, float32 (resamples, samples)."""
    if groups is None:
        return _drawn(resamples, samples, seed)
    member = np.unique(groups, return_inverse=True)[1]
    return _drawn(resamples, int(member.max()) + 1, seed)[:, member]


@lru_cache(maxsize=2)  # a board asks for the same draws for every model; 16 MB each
def _drawn(resamples: int, units: int, seed: int) -> np.ndarray:
    draw = generator(seed, "bootstrap", units)
    counts = np.empty((resamples, units), np.float32)
    for row in counts:
        row[:] = np.bincount(draw.integers(0, units, units), minlength=units)
    counts.flags.writeable = False
    return counts


def interval(scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of resampled scores; NaN where a score cannot be resampled."""
    known = scores[np.isfinite(scores)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def difference(scores: np.ndarray, others: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Interval of `scores - others`, both from `resampled` with the same samples and seed."""
    return interval(scores - others, level)


def draws(scores: np.ndarray, others: np.ndarray, level: float = 0.95) -> bool:
    """Whether the difference of two models' resampled scores may be zero; never where it cannot be told."""
    low, high = difference(scores, others, level)
    return low <= 0 <= high

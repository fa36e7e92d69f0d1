"""Metrics: how good predictions are, in task space. Light, numpy only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dl_core.registry import Registry

Compute = Callable[..., float]
Weighted = Callable[..., np.ndarray]
Losses = Callable[..., np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One score.

    `compute(truth, prediction, **context) -> float` takes arrays with a leading sample axis and ignores the context it
    does not need. `weighted(weights, truth, prediction, **context) -> (resamples,)` gives the same score for many
    weightings of the samples at once, `weights` of shape (resamples, samples); intervals are quick where it is there.
    `fits(truth)` says whether the score means anything for this truth; `ranks`, whether models may be chosen by it: an
    answer that tells nothing can have a perfect calibration, and the widest band covers all.
    """

    name: str
    title: str
    direction: Literal["max", "min"]
    kinds: tuple[str, ...]
    compute: Compute
    help: str
    weighted: Weighted | None = None
    fits: Callable[[np.ndarray], bool] = lambda truth: True
    ranks: bool = True

    @property
    def sign(self) -> int:
        """+1 where more is better, -1 where less is."""
        return 1 if self.direction == "max" else -1


def mean_of(losses: Losses, finish: Callable = lambda mean: mean) -> dict[str, Any]:
    """`compute` and `weighted` of a metric that is the mean of one number per sample, or `finish` of that mean.

    `losses(truth, prediction, **context)` has shape (samples,); NaN leaves a sample out.

    >>> MAE = Metric(name="mae", ..., **mean_of(lambda truth, prediction, **_: np.abs(truth - prediction).mean(1)))
    """

    def compute(truth: np.ndarray, prediction: np.ndarray, **context) -> float:
        values = losses(truth, prediction, **context)
        known = np.isfinite(values)
        return float(finish(values[known].mean())) if known.any() else float("nan")

    def weighted(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **context) -> np.ndarray:
        values = losses(truth, prediction, **context)
        known = np.isfinite(values)
        weights = weights[:, known]
        with np.errstate(invalid="ignore", divide="ignore"):
            return finish(weights @ values[known] / weights.sum(1))

    return {"compute": compute, "weighted": weighted}


_CLASSIFICATION = "dl_core.metrics.classification"
_REGRESSION = "dl_core.metrics.regression"
_FORECASTING = "dl_core.metrics.forecasting"

METRICS = Registry(
    "metric",
    {
        **{
            name: f"{_CLASSIFICATION}:{name}"
            for name in (
                "roc_auc",
                "accuracy",
                "balanced_accuracy",
                "f1_macro",
                "log_loss",
                "pr_auc",
                "brier",
                "mcc",
                "ece",
            )
        },
        **{name: f"{_REGRESSION}:{name}" for name in ("rmse", "mae", "r2", "mape", "medae")},
        **{name: f"{_FORECASTING}:{name}" for name in ("mase", "wql", "smape", "wape", "forecast_rmse", "coverage")},
    },
)


def metrics_of(kind: str) -> list[Metric]:
    """The metrics that judge a task of this kind, the most usual first."""
    group = {"classification": _CLASSIFICATION, "regression": _REGRESSION, "forecasting": _FORECASTING}.get(kind, "")
    metrics = [METRICS.load(name) for name, path in METRICS.paths.items() if path.startswith(f"{group}:")]
    return [metric for metric in metrics if kind in metric.kinds]

"""What predicted quantities are worth: actual against predicted, residuals, their spread."""

import numpy as np

from dl_core.evaluation.reports import Case
from dl_core.report import Panel, significant
from dl_core.seeds import generator

_MOST_POINTS = 1500
_BINS = 40


def report(case: Case) -> list[Panel]:
    panels = []
    for number, name in enumerate(case.task.targets):
        truth, prediction = np.asarray(case.truth)[:, number], np.asarray(case.prediction)[:, number]
        known = np.isfinite(truth) & np.isfinite(prediction)
        panels += _of_target(truth[known], prediction[known], name)
    return panels


def _of_target(truth: np.ndarray, prediction: np.ndarray, name: str) -> list[Panel]:
    if not len(truth):
        return []
    residual = truth - prediction
    shown = _some(len(truth))
    x, y, rest = (values[shown].tolist() for values in (prediction, truth, residual))
    half, most = np.quantile(np.abs(residual), [0.5, 0.9])
    return [
        Panel(
            kind="scatter",
            title=f"{name}: actual against predicted",
            note=f"Half of the predictions are within {significant(half)} of the truth, nine of ten within "
            f"{significant(most)}.",
            help="On the dotted line the prediction is exactly right.",
            data={"x": x, "y": y, "x_title": f"Predicted {name}", "y_title": f"Actual {name}", "line": "diagonal"},
        ),
        Panel(
            kind="scatter",
            title=f"{name}: residuals",
            note=_lean(truth, prediction),
            help="Actual minus predicted. A good model leaves a cloud without a shape around zero.",
            data={
                "x": x,
                "y": rest,
                "x_title": f"Predicted {name}",
                "y_title": "Actual minus predicted",
                "line": "zero",
            },
        ),
        Panel(
            kind="histogram",
            title=f"{name}: how large the errors are",
            note=_bias(residual),
            help="Right of zero the truth is higher than predicted.",
            data={**_binned(residual), "x_title": "Actual minus predicted", "zero": True},
        ),
    ]


def _some(samples: int) -> np.ndarray:
    """A fixed choice of few enough samples to draw."""
    if samples <= _MOST_POINTS:
        return np.arange(samples)
    return np.sort(generator(0, "points", samples).choice(samples, _MOST_POINTS, replace=False))


def _lean(truth: np.ndarray, prediction: np.ndarray) -> str:
    """Whether the largest tenth of the truths is systematically missed."""
    top = truth >= np.quantile(truth, 0.9)
    if top.sum() < 10:
        return ""
    short = float((truth[top] - prediction[top]).mean())
    size = significant(abs(short))
    if abs(short) < 0.1 * truth.std():
        return f"The largest tenth of the values is met on average within {size}."
    return f"The largest tenth of the values is predicted {size} too {'low' if short > 0 else 'high'} on average."


def _bias(residual: np.ndarray) -> str:
    lean = float(np.mean(residual))
    if abs(lean) < 0.05 * (residual.std() or 1.0):
        return "Errors up and down balance out."
    return f"Predictions are {significant(abs(lean))} too {'low' if lean > 0 else 'high'} on average."


def _binned(residual: np.ndarray) -> dict:
    """Counts between the 0.5 % and the 99.5 % quantile, what lies beyond in the outer bins."""
    low, high = np.quantile(residual, [0.005, 0.995])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(residual, low, high), _BINS, (low, high))
    return {"edges": edges.tolist(), "counts": counts.tolist()}

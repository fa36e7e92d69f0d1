"""What forecasts are worth: actual against forecast with bands, error by step and by series, honesty of the bands."""

import numpy as np

from dl_core.evaluation.reports import Case
from dl_core.metrics.forecasting import LEVELS, MEDIAN
from dl_core.report import Panel, significant

_MOST_BARS = 15
_HISTORY_HORIZONS = 4


def report(case: Case) -> list[Panel]:
    truth, quantiles = np.asarray(case.truth, np.float64), np.asarray(case.prediction, np.float64)
    scale = np.asarray(case.prepared.context(case.part)["scale"], np.float64)
    error = np.abs(truth - quantiles[:, :, MEDIAN]) / scale[:, None]
    panels = [
        against_actual(case, quantiles, error),
        by_step(error),
        by_series(case, error),
        honesty(truth, quantiles),
    ]
    return [panel for panel in panels if panel is not None]


def bands(quantiles: np.ndarray) -> list[dict]:
    """The 50 % and 80 % bands of quantiles (horizon, 9), the quartiles between their neighbours."""
    quartiles = (quantiles[:, 1] + quantiles[:, 2]) / 2, (quantiles[:, 6] + quantiles[:, 7]) / 2
    return [
        {"level": 50, "low": quartiles[0].tolist(), "high": quartiles[1].tolist()},
        {"level": 80, "low": quantiles[:, 0].tolist(), "high": quantiles[:, 8].tolist()},
    ]


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean over what is known, NaN where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0.0).sum(axis) / known.sum(axis)


def against_actual(case: Case, quantiles: np.ndarray, error: np.ndarray) -> Panel:
    """Up to three samples: one that went well, a typical one, one that went badly."""
    each = _mean(error, 1)
    ranked = np.argsort(np.where(np.isfinite(each), each, np.inf), kind="stable")
    ranked = ranked[np.isfinite(each[ranked])]
    ends = (0.1, 0.5, 0.9)
    if len(ranked) < 3:
        picked, words = ranked, [""] * len(ranked)
    else:
        picked = ranked[[int(round(end * (len(ranked) - 1))) for end in ends]]
        words = ["well met", "typical", "badly met"]
    lookback, horizon = case.prepared.signature.inputs["history"].shape[0], quantiles.shape[1]
    shown = min(lookback, _HISTORY_HORIZONS * horizon)
    times = case.prepared.times(case.part)[picked][:, lookback - shown :]
    history = np.asarray(case.prepared.inputs(case.part)["history"])[picked][:, lookback - shown :]
    names, number = case.prepared.names(), case.prepared.series(case.part)
    series = []
    for place, sample in enumerate(picked):
        name = names[number[sample]] if names else ""
        series.append(
            {
                "name": " · ".join(filter(None, (name, words[place]))),
                "history": {"x": times[place, :shown].tolist(), "y": _plain(history[place])},
                "x": times[place, shown:].tolist(),
                "median": quantiles[sample, :, MEDIAN].tolist(),
                "actual": _plain(case.truth[sample]),
                "bands": bands(quantiles[sample]),
            }
        )
    inside = _inside(np.asarray(case.truth, np.float64), quantiles)
    return Panel(
        kind="fan",
        title="What was forecast and what happened",
        note=f"{inside:.0%} of the true values lie inside the 80 % band.",
        help="The darker band should hold half of the true values, the lighter one eight of ten.",
        data={
            "series": series,
            "y_title": case.task.targets[0],
            "x_kind": "number" if case.task.frequency == "step" or case.task.time is None else "time",
        },
    )


def _inside(truth: np.ndarray, quantiles: np.ndarray) -> float:
    known = np.isfinite(truth)
    inside = (quantiles[:, :, 0] <= truth) & (truth <= quantiles[:, :, -1])
    return float(inside[known].mean()) if known.any() else float("nan")


def by_step(error: np.ndarray) -> Panel | None:
    each = _mean(error, 0)
    known = np.flatnonzero(np.isfinite(each))
    if len(known) < 2:
        return None
    steps, each = (known + 1).tolist(), each[known]
    return Panel(
        kind="lines",
        title="Error by step",
        note=f"The error goes from {significant(each[0])} at the first step to {significant(each[-1])} at the last. "
        "At 1 it is as large as what repeating the last season got wrong on the past.",
        help="How far ahead the forecast can be trusted.",
        data={
            "x_title": "steps ahead",
            "y_title": "scaled error (MASE)",
            "series": [{"name": "", "x": steps, "y": each.tolist(), "role": "accent", "markers": len(steps) <= 24}],
        },
    )


def by_series(case: Case, error: np.ndarray) -> Panel | None:
    names, number = case.prepared.names(), case.prepared.series(case.part)
    known = np.isfinite(error).any(axis=1)
    number, error = number[known], error[known]
    kinds = np.unique(number)
    if len(kinds) < 2:
        return None
    scores = np.array([np.nanmean(error[number == kind]) for kind in kinds])
    worse = float((scores > 1).mean())
    note = (
        f"In {worse:.0%} of the {len(kinds):,} series the errors are larger than what repeating the last season got "
        "wrong on the past."
    )
    help = "Below 1 the errors are smaller than those of repeating the last season on the past."
    if len(kinds) <= _MOST_BARS:
        order = np.argsort(-scores)
        return Panel(
            kind="bars",
            title="Error by series",
            note=note,
            help=help,
            data={
                "labels": [names[kinds[place]] for place in order],
                "values": scores[order].tolist(),
                "x_title": "scaled error (MASE)",
            },
        )
    counts, edges = np.histogram(np.minimum(scores, np.quantile(scores, 0.98)), 30)
    return Panel(
        kind="histogram",
        title="Error by series",
        note=note,
        help=f"{help} The last bar holds everything beyond.",
        data={
            "edges": edges.tolist(),
            "counts": counts.tolist(),
            "x_title": "scaled error (MASE) of a series",
            "y_title": "Series",
        },
    )


def honesty(truth: np.ndarray, quantiles: np.ndarray) -> Panel | None:
    """The share of true values below each quantile against what the quantile says."""
    known = np.isfinite(truth)
    if not known.any():
        return None
    below = [float((truth <= quantiles[:, :, place])[known].mean()) for place in range(len(LEVELS))]
    gap = float(np.mean(np.abs(np.array(below) - LEVELS)))
    return Panel(
        kind="curve",
        title="Are the bands true? Calibration",
        note=f"The stated quantiles are {gap * 100:.1f} points from what happens on average.",
        help="Points on the line: a value said to be exceeded once in ten times is exceeded once in ten times.",
        data={
            "series": [{"name": "quantiles", "x": LEVELS.tolist(), "y": below, "markers": True, "role": "accent"}],
            "x_title": "Stated quantile",
            "y_title": "True values below it",
            "diagonal": True,
            "diagonal_name": "perfect",
            "sentence": "Said to hold {x} of the values, holds {y}.",
        },
    )

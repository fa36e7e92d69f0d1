"""What a series is made of (STL: Cleveland et al., 1990), and whether the model's errors still hold a pattern."""

import numpy as np

from dl_core.evaluation.reports.forecasting import MEDIAN
from dl_core.evaluation.upcoming import axis_kind, known_history
from dl_core.explain import Context
from dl_core.records import read_array
from dl_core.report import Panel, percent, significant

MOST_STEPS = 3000
SURELY = 3.3  # standard errors that none of a hundred chance correlations reaches


def explain(context: Context) -> list[Panel]:
    prepared = context.prepared
    number = 0 if context.sample is None else int(context.sample)
    names = prepared.names()
    name = names[number] if names else ""
    season = int(prepared.state["preprocessor"]["season"])
    kind = axis_kind(prepared, context.run.spec.task)
    times, values = (part[-MOST_STEPS:] for part in known_history(prepared, number))
    panels = decompose(times, values, season, kind, name)
    at, errors = _errors(context, number)
    if len(errors) >= 8:
        panels += residuals(at, errors, season, kind, name)
    return panels


def _errors(context: Context, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and errors (actual minus median) of what the model forecast of this series, in time order, each moment
    once: from the origin nearest before it."""
    prepared = context.prepared
    found: dict[float, float] = {}
    for part in ("valid", "test"):
        path = context.run.model_folder(context.model) / f"{part}.npy"
        mine = np.flatnonzero(prepared.series(part) == number)
        if not path.exists() or not len(mine):
            continue
        median = read_array(path, mmap=True)[mine][:, :, MEDIAN]
        gaps = prepared.truth(part)[mine] - median
        ahead = prepared.times(part)[mine][:, -prepared.horizon :]
        for row in np.argsort(ahead[:, 0]):
            found |= dict(zip(ahead[row].tolist(), gaps[row].tolist(), strict=True))
    known = sorted((moment, gap) for moment, gap in found.items() if np.isfinite(gap))
    return np.array([moment for moment, _ in known]), np.array([gap for _, gap in known])


def decompose(times: np.ndarray, values: np.ndarray, season: int, kind: str, name: str) -> list[Panel]:
    """The series with its trend, the shape of one season, and what is left over."""
    from statsmodels.tsa.seasonal import STL

    filled = _filled(values)
    if len(filled) < 8:
        return []
    seasonal = season > 1 and len(filled) >= 2 * season + 1
    if seasonal:
        parts = STL(filled, period=season, robust=True).fit()
        trend, repeating = np.asarray(parts.trend), np.asarray(parts.seasonal)
    else:
        trend, repeating = _smooth(filled), np.zeros(len(filled))
    rest = filled - trend - repeating
    x = times.tolist()
    panels = [
        Panel(
            kind="lines",
            title=_title(name, "The series and its trend"),
            note=_shares(trend, repeating, rest, seasonal),
            help="STL takes a series apart into a slow trend, a repeating season and what is left over. A strength of "
            "100% leaves nothing over.",
            data={
                "x_kind": kind,
                "x_title": "",
                "y_title": "value",
                "series": [
                    {"name": "series", "x": x, "y": _plain(values), "role": "baseline", "dash": "solid"},
                    {"name": "trend", "x": x, "y": trend.tolist(), "role": "accent"},
                ],
            },
        )
    ]
    if seasonal:
        position = np.arange(len(filled)) % season
        shape = np.array([repeating[position == step].mean() for step in range(season)])
        spread = float(np.ptp(shape))
        panels.append(
            Panel(
                kind="lines",
                title=_title(name, "One season"),
                note=f"Over {season} steps the series swings by {significant(spread)}.",
                help="What repeats: the mean of every season, around its trend.",
                data={
                    "x_title": f"step of the season (of {season})",
                    "y_title": "around the trend",
                    "zero": True,
                    "series": [
                        {
                            "name": "",
                            "x": list(range(1, season + 1)),
                            "y": np.roll(shape, -int(position[0])).tolist(),
                            "role": "accent",
                        }
                    ],
                },
            )
        )
    panels.append(
        Panel(
            kind="lines",
            title=_title(name, "What is left over"),
            note=_outlier(rest),
            help="What neither trend nor season explains. Points outside the grey band are unusual.",
            data={
                "x_kind": kind,
                "x_title": "",
                "y_title": "left over",
                "zero": True,
                "band": {"low": -3 * _spread(rest), "high": 3 * _spread(rest)},
                "series": [{"name": "", "x": x, "y": rest.tolist(), "role": "accent"}],
            },
        )
    )
    return panels


def residuals(times: np.ndarray, errors: np.ndarray, season: int, kind: str, name: str) -> list[Panel]:
    """The model's errors over time, and their autocorrelation: a pattern there is a pattern the model missed."""
    lags = int(min(max(2 * season, 12), len(errors) // 2, 96))
    correlation = autocorrelation(errors, lags)
    bound = 1.96 / np.sqrt(len(errors))
    beyond = np.flatnonzero(np.abs(correlation) > bound) + 1
    strongest = int(np.abs(correlation).argmax()) + 1
    note = "The errors look like noise: no lag stands out."
    if len(beyond) > max(1, 0.1 * lags) or np.abs(correlation).max() > SURELY / np.sqrt(len(errors)):
        note = f"The errors still hold a pattern, strongest {strongest} step{'s' * (strongest > 1)} apart."
    lean = float(errors.mean())
    spread = float(errors.std()) or 1.0
    bias = "Errors up and down balance out."
    if abs(lean) > 0.3 * spread:
        bias = f"The forecasts are {significant(abs(lean))} too {'low' if lean > 0 else 'high'} on average."
    return [
        Panel(
            kind="lines",
            title=_title(name, "Errors of the model"),
            note=bias,
            help="Actual minus forecast, in the validation and the test part.",
            data={
                "x_kind": kind,
                "x_title": "",
                "y_title": "actual minus forecast",
                "zero": True,
                "series": [
                    {
                        "name": "",
                        "x": times.tolist(),
                        "y": errors.tolist(),
                        "role": "accent",
                        "markers": len(times) < 60,
                    }
                ],
            },
        ),
        Panel(
            kind="lines",
            title=_title(name, "Pattern in the errors"),
            note=note,
            help="Autocorrelation: how alike errors are that lie so many steps apart. Inside the grey band is chance.",
            data={
                "x_title": "steps apart",
                "y_title": "autocorrelation",
                "zero": True,
                "band": {"low": -bound, "high": bound},
                "series": [
                    {
                        "name": "",
                        "x": list(range(1, lags + 1)),
                        "y": correlation.tolist(),
                        "role": "accent",
                        "markers": True,
                    }
                ],
            },
        ),
    ]


def _title(name: str, what: str) -> str:
    """'Errors of the model', and of which series where there are several."""
    return f"{what}, {name}" if name else what


def autocorrelation(values: np.ndarray, lags: int) -> np.ndarray:
    """The correlation of a series with itself 1 … `lags` steps later: (lags,)."""
    centred = values - values.mean()
    power = float(centred @ centred) or 1.0
    return np.array([float(centred[lag:] @ centred[:-lag]) / power for lag in range(1, lags + 1)])


def _filled(values: np.ndarray) -> np.ndarray:
    """Gaps bridged by straight lines."""
    known = np.isfinite(values)
    if not known.any():
        return np.empty(0)
    places = np.arange(len(values))
    return np.interp(places, places[known], values[known])


def _smooth(values: np.ndarray) -> np.ndarray:
    """A moving mean over a tenth of the series, narrower at its ends."""
    half = max(1, len(values) // 20)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _shares(trend: np.ndarray, repeating: np.ndarray, rest: np.ndarray, seasonal: bool) -> str:
    """Strength of trend and season (Hyndman and Athanasopoulos, 2021) in words."""

    def strength(part: np.ndarray) -> str:
        whole = np.var(part + rest)
        share = max(0.0, 1.0 - float(np.var(rest) / whole)) if whole > 0 else 0.0
        return f"{'strong' if share >= 0.64 else 'moderate' if share >= 0.3 else 'weak'} ({percent(share)})"

    if seasonal:
        return f"The trend is {strength(trend)}, the season is {strength(repeating)}."
    return f"The trend is {strength(trend)}; no season was taken out."


def _spread(rest: np.ndarray) -> float:
    """Robust standard deviation."""
    return float(1.4826 * np.median(np.abs(rest - np.median(rest)))) or float(rest.std()) or 1.0


def _outlier(rest: np.ndarray) -> str:
    count = int((np.abs(rest) > 3 * _spread(rest)).sum())
    return "Nothing unusual is left over." if not count else f"{count:,} of {len(rest):,} steps are unusual."


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]

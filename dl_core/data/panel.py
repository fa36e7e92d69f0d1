"""Series on a regular grid: from a long table to flat arrays, and from the latest history to what a network eats.

Standalone (numpy and pandas only), so that a kit can carry it and answer like the app. Times are epoch seconds (UTC),
or whole-number steps where the frequency is 'step'. Quantile levels are 0.1 … 0.9 throughout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

STEP = "step"
LEVELS = np.arange(1, 10) / 10.0
DAY = 86_400.0
YEAR = 365.2425 * DAY
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "D": DAY, "W": 7 * DAY}
_MONTHS = {"MS": 1, "ME": 1, "BMS": 1, "BME": 1, "QS": 3, "QE": 3, "BQS": 3, "BQE": 3}
_MONTHS |= {"YS": 12, "YE": 12, "BYS": 12, "BYE": 12}
_OLD_NAMES = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "H": "h", "T": "min", "S": "s"}
# what clocks tick in, in seconds; jittering times are taken for the nearest of these
_PARTS = np.array([1, 2, 5, 10, 15, 20, 30])
_CLOCK = np.concatenate([_PARTS, 60 * _PARTS, 3600 * np.array([1, 2, 3, 4, 6, 8, 12]), [DAY, 7 * DAY]])

# the cycles that calendar numbers describe, in seconds
_CYCLES = {"hour": 3600.0, "day": DAY, "week": 7 * DAY, "year": YEAR}
_SEASON = "season"
_EPOCH_UNITS = {"epoch s": 1, "epoch ms": 1_000, "epoch us": 1_000_000, "epoch ns": 1_000_000_000}


class PanelError(ValueError):
    """The rows of a table do not make regular series. The message says what to do."""


# ---------------------------------------------------------------- time


@dataclass(frozen=True)
class Grid:
    """The distance between two steps of a series: `size` of a `unit` (step, seconds, business or months). Months are
    counted by the calendar, never in seconds; `ends` marks times that fall on the last day of a month."""

    unit: str
    size: float
    ends: bool = False

    @classmethod
    def of(cls, frequency: str, step: float = 1.0) -> "Grid":
        """The grid of a pandas offset alias ('h', '30min', 'D', 'B', 'W', 'MS', 'QE', …), or of whole-number steps
        `step` apart for 'step'. Raises PanelError for an alias that is none."""
        if frequency == STEP:
            return cls("step", step)
        try:
            offset = to_offset(_OLD_NAMES.get(frequency, frequency))
        except ValueError as error:
            raise PanelError(
                f"{frequency!r} is no frequency. Expected 'step' or a pandas alias such as 'h', '30min', 'D' or 'MS'."
            ) from error
        name, count = offset.rule_code.split("-")[0], offset.n
        if name in _SECONDS:
            return cls("seconds", _SECONDS[name] * count)
        if name in _MONTHS:
            return cls("months", _MONTHS[name] * count, ends=name.endswith("E"))
        if name in ("B", "C"):
            return cls("business", count)
        raise PanelError(f"The frequency {frequency!r} is not supported. Choose one of h, min, s, D, B, W, MS, QS, YS.")

    @property
    def seconds(self) -> float | None:
        """About how long one step lasts; None for whole-number steps."""
        factor = {"step": None, "seconds": 1.0, "business": DAY, "months": YEAR / 12}[self.unit]
        return None if factor is None else factor * self.size

    def between(self, times: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Whole steps from `times` to `last` (same shape), rounded to the nearest."""
        if self.unit == "months":
            distance = _month(last) - _month(times)
        elif self.unit == "business":
            distance = np.busday_count(_day(times), _day(last))
        else:
            distance = last - times
        return np.rint(distance / self.size).astype(np.int64)

    def ahead(self, last: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """The times `steps` (whole numbers, negative for the past) after `last`; shapes broadcast."""
        last, steps = np.broadcast_arrays(np.asarray(last, np.float64), np.asarray(steps, np.int64))
        if self.unit == "business":
            days = np.busday_offset(_day(last), steps * int(self.size), roll="backward")
            return _epoch(days) + last % DAY
        if self.unit == "months":
            months = (_month(last) + steps * int(self.size)).astype("datetime64[M]")
            longest = (_day_of(months + 1) - _day_of(months)).astype(np.int64)
            day_in_month = (_day(last) - _day_of(_day(last).astype("datetime64[M]"))).astype(np.int64) + 1
            day_in_month = longest if self.ends else np.minimum(day_in_month, longest)
            return _epoch(_day_of(months) + (day_in_month - 1)) + last % DAY
        return last + steps * self.size


def _day(times: np.ndarray) -> np.ndarray:
    return np.floor(np.asarray(times) / DAY).astype(np.int64).astype("datetime64[D]")


def _day_of(months: np.ndarray) -> np.ndarray:
    return months.astype("datetime64[D]")


def _month(times: np.ndarray) -> np.ndarray:
    return _day(times).astype("datetime64[M]").astype(np.int64)


def _epoch(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]").astype(np.int64) * DAY


def guess_frequency(times: np.ndarray, codes: np.ndarray) -> str:
    """The pandas alias that fits most distances between neighbouring times (epoch seconds) of each series; `codes`
    (n,) says which series a time belongs to. Raises PanelError where no series has two times."""
    days = _day(times[np.isfinite(times)])
    size, share, constant = _usual_distance(times, codes)
    if share < 0.5 and size < 27 * DAY:
        nearest = float(_CLOCK[np.argmin(np.abs(np.log(_CLOCK / size)))])
        size = nearest if abs(nearest / size - 1) < 0.05 else float(max(1, round(size)))
    if size >= 27 * DAY and not (constant and size % (7 * DAY) == 0 and size < 359 * DAY):
        ends = "E" if (days + 1 == _day_of((days + 1).astype("datetime64[M]"))).all() else "S"
        months = max(1, round(size / (YEAR / 12)))
        base = next((months // n, name) for n, name in ((12, "Y"), (3, "Q"), (1, "M")) if months % n == 0)
        return f"{base[0] if base[0] > 1 else ''}{base[1]}{ends}"
    if size == DAY and len(days) > 10 and np.is_busday(days).all():
        return "B"
    for name in ("W", "D", "h", "min", "s", "ms"):
        count = size / _SECONDS[name]
        if count >= 1 and abs(count - round(count)) < 1e-6 and (name != "W" or count == 1):
            return f"{round(count) if round(count) > 1 else ''}{name}"
    raise PanelError(f"The times lie {size:g} seconds apart, which is too little. Expected a millisecond or more.")


def guess_step(times: np.ndarray, codes: np.ndarray) -> float:
    """The usual distance of whole-number times. Raises PanelError where they are not whole."""
    known = times[np.isfinite(times)]
    if (known != np.rint(known)).any():
        raise PanelError(
            "The time column holds numbers that are not whole. Expected dates or whole-number steps such as 1, 2, 3."
        )
    return float(_usual_distance(times, codes)[0])


def _usual_distance(times: np.ndarray, codes: np.ndarray) -> tuple[float, float, bool]:
    """The most usual distance of neighbours, the share of neighbours that have it (else the median stands in), and
    whether all have it."""
    known = np.isfinite(times)
    times, codes = times[known], codes[known]
    order = np.lexsort((times, codes))
    distances = np.diff(times[order])[np.diff(codes[order]) == 0]
    distances = distances[distances > 0]
    if not len(distances):
        raise PanelError("No series has two different times. Check which columns hold the time and the series id.")
    values, counts = np.unique(np.round(distances, 3), return_counts=True)
    share = float(counts.max() / counts.sum())
    size = values[counts.argmax()] if share >= 0.5 or values[counts.argmax()] >= 27 * DAY else np.median(distances)
    return float(size), share, len(values) == 1


def format_times(times: np.ndarray, pattern: str | None) -> list[str]:
    """Times as the input wrote them. `pattern` holds strftime directives, %q for the quarter, or is an epoch unit
    ("epoch s", "epoch ms", …); None writes whole-number steps."""
    if pattern is None or pattern in _EPOCH_UNITS:
        return [str(round(float(time) * _EPOCH_UNITS.get(pattern or "", 1))) for time in times]
    if "%V" in pattern:
        pattern = pattern.replace("%Y", "%G")  # the year that the week belongs to
    moments = [EPOCH + timedelta(seconds=round(float(time), 6)) for time in times]
    return [moment.strftime(pattern.replace("%q", str((moment.month + 2) // 3))) for moment in moments]


# ---------------------------------------------------------------- series


@dataclass(frozen=True)
class Panel:
    """Series on a grid. Series number s holds `values[offsets[s]:offsets[s + 1]]` (NaN for a gap), from its first to
    its last known value, and ends at `last[s]`. `keys` has a row of id values for each series, in order of appearance.
    `duplicates` counts rows that were averaged into another, `timeless` rows without a time, `unknown` series without
    any value."""

    keys: pd.DataFrame
    values: np.ndarray
    offsets: np.ndarray
    last: np.ndarray
    duplicates: int
    timeless: int
    unknown: int

    def __len__(self) -> int:
        return len(self.last)

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def series(self, number: int) -> np.ndarray:
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def names(self) -> list[str]:
        """One printable name for each series; empty for the only series of a table without ids."""
        return series_names(self.keys)


def series_names(keys: pd.DataFrame) -> list[str]:
    """The id values of each row joined to one text; whole numbers are written without a decimal point."""
    texts = [[_text(value) for value in keys[column]] for column in keys]
    return [" · ".join(parts) for parts in zip(*texts, strict=True)] if texts else [""] * len(keys)


def _text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else (str(int(value)) if value == int(value) else str(value))
    return "" if value is None or value is pd.NA else str(value)


def series_codes(frame: pd.DataFrame, series: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """The series number of each row (n,), counted in order of appearance, and the id values of each series."""
    if not series:
        return np.zeros(len(frame), np.int64), pd.DataFrame(index=range(1 if len(frame) else 0))
    groups = frame.groupby(list(series), sort=False, dropna=False)
    codes = groups.ngroup().to_numpy()
    first = pd.Series(codes).drop_duplicates().index
    return codes, frame[list(series)].iloc[first].reset_index(drop=True)


def times_of(frame: pd.DataFrame, time: str | None, codes: np.ndarray) -> np.ndarray:
    """The time of each row; without a time column the row's place within its series, counted from 0."""
    if time is not None:
        return frame[time].to_numpy(np.float64, na_value=np.nan)
    return pd.Series(codes).groupby(codes).cumcount().to_numpy(np.float64)


def regular_panel(frame: pd.DataFrame, state: Mapping[str, Any]) -> Panel:
    """Put the rows of a long table on a grid. `state` names the columns ("time", "series", "target") and the grid
    ("frequency", "step"). Rows of the same series and time are averaged; missing times become NaN; rows without a
    target make no step of their own, so that a series ends with its last known value.

    Raises PanelError where nothing is known or where the times do not fit the frequency.
    """
    target = frame[state["target"]].to_numpy(np.float64, na_value=np.nan)
    codes, keys = series_codes(frame, state["series"])
    times = times_of(frame, state["time"], codes)
    usable = np.isfinite(times) & np.isfinite(target)
    timeless = int((~np.isfinite(times)).sum())
    present = np.unique(codes[usable])
    if not len(present):
        raise PanelError(
            f"No row has both a time and a value of {state['target']!r}. Expected a history to start from."
        )
    times, target = times[usable], target[usable]
    codes = np.searchsorted(present, codes[usable])

    grid = Grid.of(state["frequency"], state["step"])
    last = np.full(len(present), -np.inf)
    np.maximum.at(last, codes, times)
    back = grid.between(times, last[codes])
    lengths = np.zeros(len(present), np.int64)
    np.maximum.at(lengths, codes, back + 1)
    _refuse_mostly_gaps(lengths, np.bincount(codes), state)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    place = offsets[codes + 1] - 1 - back
    counts = np.bincount(place, minlength=offsets[-1])
    sums = np.bincount(place, target, minlength=offsets[-1])
    values = np.divide(sums, counts, out=np.full(offsets[-1], np.nan), where=counts > 0)
    return Panel(
        keys=keys.iloc[present].reset_index(drop=True),
        values=values,
        offsets=offsets,
        last=last,
        duplicates=int((counts[counts > 1] - 1).sum()),
        timeless=timeless,
        unknown=len(keys) - len(present),
    )


def _refuse_mostly_gaps(lengths: np.ndarray, rows: np.ndarray, state: Mapping[str, Any]) -> None:
    """A wrong date or a wrong frequency would ask for millions of empty steps."""
    worst = int(np.argmax(lengths / rows))
    if lengths.sum() > 20 * rows.sum() + 10_000:
        raise PanelError(
            f"At frequency {state['frequency']!r} the series would have {int(lengths.sum()):,} steps but there are "
            f"only {int(rows.sum()):,} values (one series alone would have {int(lengths[worst]):,} steps for "
            f"{int(rows[worst]):,} values). Check the time column for wrong dates, or choose a coarser frequency."
        )


# ---------------------------------------------------------------- calendar


def calendar_parts(grid: Grid, span: float, season: int) -> list[str]:
    """The cycles worth telling a network: of three steps or more, and seen at least one and a half times in the `span`
    (steps) of the longest series, since a network cannot know a time of year that it never saw."""
    if grid.seconds is None:
        return [_SEASON] if season > 1 else []
    return [
        name for name, length in _CYCLES.items() if length > 2.5 * grid.seconds and 1.5 * length <= span * grid.seconds
    ]


def calendar_numbers(parts: Sequence[str], times: np.ndarray, grid: Grid, season: int) -> np.ndarray:
    """Sine and cosine of each cycle in `parts` at `times` (…,): float32 (…, 2 · parts)."""
    phases = []
    for part in parts:
        if part == _SEASON:
            phase = (times / grid.size) % season / season
        elif part == "week":
            phase = (times / DAY + 3) % 7 / 7  # the epoch was a Thursday
        else:
            phase = times % _CYCLES[part] / _CYCLES[part]
        phases.append(2 * np.pi * phase)
    numbers = [wave(phase) for phase in phases for wave in (np.sin, np.cos)]
    return np.stack(numbers, axis=-1).astype(np.float32)


# ---------------------------------------------------------------- serving


def history_arrays(state: Mapping[str, Any], frame: pd.DataFrame) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """What a network eats for the next horizon of every series in `frame`, the latest history as the reader yields it
    (target as numbers, time as epoch seconds or whole-number steps).

    `state` is the "preprocessor" of the prepared windows. Returns the inputs, history (series, state["history"]) with
    NaN for gaps and for what lies before the first value, and calendar (series, lookback + horizon, numbers) where the
    state names any; and the answer's index, one row for each series and future step: id columns and the time as the
    input wrote it. Raises PanelError where no series has a value.
    """
    panel = regular_panel(frame, state)
    lookback, horizon = state["lookback"], state["horizon"]
    place = panel.offsets[1:, None] - state["history"] + np.arange(state["history"])
    inside = place >= panel.offsets[:-1, None]
    history = np.where(inside, panel.values[np.maximum(place, 0)], np.nan).astype(np.float32)
    inputs = {"history": history}

    grid = Grid.of(state["frequency"], state["step"])
    times = grid.ahead(panel.last[:, None], np.arange(1 - lookback, horizon + 1)[None, :])
    if state["calendar"]:
        inputs["calendar"] = calendar_numbers(state["calendar"], times, grid, state["season"])
    index = panel.keys.loc[panel.keys.index.repeat(horizon)].reset_index(drop=True)
    index[state["time"] or STEP] = format_times(times[:, lookback:].ravel(), state["time_format"])
    return inputs, index


def answer_table(index: pd.DataFrame, quantiles: np.ndarray) -> pd.DataFrame:
    """`index` of history_arrays with the forecast beside it: `prediction` (the median) and `quantile_0.1` …
    `quantile_0.9` from (series, horizon, 9)."""
    flat = quantiles.reshape(-1, len(LEVELS))
    columns = {"prediction": flat[:, len(LEVELS) // 2]}
    columns |= {f"quantile_{level:.1f}": flat[:, number] for number, level in enumerate(LEVELS)}
    return index.assign(**columns)

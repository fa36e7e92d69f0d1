"""Samples that are a series at a cut-off: what was known then, and the horizon that followed.

Arrays are flat, so that no window is stored twice. Each series takes one block: `history` empty steps, its values, and
`horizon` steps of future. A network sees the last `lookback` steps of a sample's history.

    values.npy     (total,) float64, NaN for a gap and for what is not known
    calendar.npy   (total, numbers) float32, known ahead for every step
    blocks.npy     (series + 1,) where each block starts
    <part>.npy     (samples,) cut-offs: a sample's history ends just before its cut-off, its target starts there
    scales.npy     (2, series) what the seasonal naive forecast gets wrong before the first validation target and before
                   the first test target: the denominators of MASE
    keys.json      the id values and the last time of each series
"""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.dataset import Dataset
from dl_core.data.panel import (
    DAY,
    STEP,
    Grid,
    Panel,
    PanelError,
    calendar_numbers,
    calendar_parts,
    format_times,
    guess_frequency,
    guess_step,
    regular_panel,
    series_codes,
    series_names,
    times_of,
)
from dl_core.data.schema import Column, Schema
from dl_core.errors import DataError, SpecError, TargetError
from dl_core.metrics.forecasting import naive_scale
from dl_core.metrics.intervals import FEWEST_UNITS
from dl_core.prepared import PARTS
from dl_core.records import read_array, read_json, write_json
from dl_core.runspec import RunSpec, TaskSpec
from dl_core.samples.cuts import Cuts, cut_series
from dl_core.samples.season import find_season
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.tasks import TASKS

Decide = Callable[..., None]
State = dict[str, Any]
Picked = np.ndarray | slice

USUAL_HORIZON = {"step": 12, "seconds": 24, "business": 20, "months": 12}
HEAVIEST = 20.0  # loss weight of a series, in units of the median series: an almost constant one must not rule


def prepare(dataset: Dataset, spec: RunSpec, test_dataset: Dataset | None, folder: Path, decide: Decide) -> None:
    """Write the arrays of all parts into `folder`. `decide(key, what, why, alternatives)` logs each choice made.

    Test targets are the end of each series (or the rows of the user's own file, which must follow), validation targets
    end before the first of them, train targets before the first validation target. Raises TargetError, DataError or
    SpecError where nothing can be trained.
    """
    schema = dataset.schema_version(spec.schema_version)
    columns = series_columns(spec.task, schema)
    frame = dataset.table(columns)
    task = TASKS.load(spec.task.kind)()
    errors = [p for p in task.check(frame[list(spec.task.targets)], spec.task) if p.severity == "error"]
    if errors:
        raise TargetError(f"{errors[0].message} {errors[0].fix}")
    if test_dataset is not None and (absent := [name for name in columns if name not in test_dataset.schema]):
        raise TargetError(f"The test file has no column {absent[0]!r}. It must hold the rows that follow the series.")
    state, panel = on_grid(frame, spec.task, schema)
    grid = Grid.of(state["frequency"], state["step"])
    _tell_grid(spec.task, state, panel, decide)
    ahead = None if test_dataset is None else _rows_ahead(panel, test_dataset.table(columns), state)
    horizon = spec.task.horizon or _usual_horizon(grid, panel, ahead, decide)
    future = _future(panel, ahead, horizon, decide)
    cut = partial(
        cut_series,
        panel.lengths,
        horizon,
        test_follows=ahead is not None,
        valid_share=spec.split.valid_share,
        test_share=spec.split.test_share,
    )
    season = spec.task.season or _season(panel, cut(season=1).until_valid, grid, decide)
    cuts = cut(season=season)
    _tell_cuts(panel, cuts, horizon, ahead is not None, decide)
    for column in schema.having("weight"):
        decide("columns.weight", f"Not used: {column.name}", "series weigh alike whatever their unit, as in MASE")
    state |= {"horizon": horizon, "season": season, "lookback": cuts.lookback, "history": cuts.history}
    state["calendar"] = calendar_parts(grid, float(panel.lengths.max()), season)
    _write(panel, future, cuts, state, task.fit(pd.DataFrame(columns=range(horizon))), folder)


# ---------------------------------------------------------------- what the table says


def series_columns(task: TaskSpec, schema: Schema) -> list[str]:
    """The columns that make the series of a forecast. Raises SpecError where the time column holds no times."""
    if task.time is not None and schema[task.time].storage not in ("time", "number"):
        raise SpecError(
            f"Column {task.time!r} holds {schema[task.time].kind} values. A forecast needs dates, periods or "
            "whole-number steps. Choose another time column."
        )
    return list(dict.fromkeys([*task.series, *([task.time] if task.time else []), *task.targets]))


def on_grid(frame: pd.DataFrame, task: TaskSpec, schema: Schema) -> tuple[State, Panel]:
    """The columns and the grid of a forecast, as regular_panel and history_arrays read them, and its series on that
    grid. Raises DataError where the rows make no regular series."""
    time = None if task.time is None else schema[task.time]
    dated = time is not None and time.storage == "time"
    codes, _ = series_codes(frame, task.series)
    times = times_of(frame, task.time, codes)
    try:
        frequency = (task.frequency or guess_frequency(times, codes)) if dated else STEP
        step = guess_step(times, codes) if frequency == STEP else 1.0
        state = {
            "time": task.time,
            "time_format": _time_format(time, times, Grid.of(frequency, step)) if time is not None and dated else None,
            "series": list(task.series),
            "target": task.targets[0],
            "frequency": frequency,
            "step": step,
        }
        return state, regular_panel(frame, state)
    except PanelError as error:
        raise DataError(str(error)) from error


def _time_format(column: Column, times: np.ndarray, grid: Grid) -> str:
    """How the input writes times: the date's format, and a time of day where there is any."""
    pattern = column.parse.get("format", "%Y-%m-%d")
    if "%H" in pattern or not ("%d" in pattern or "%u" in pattern):
        return pattern
    if "clock" in column.parse:
        return pattern + column.parse["clock"]
    known = times[np.isfinite(times)]
    if (known % DAY == 0).all() and not (grid.unit == "seconds" and grid.size < DAY):
        return pattern
    return pattern + (" %H:%M" if (known % 60 == 0).all() and grid.size % 60 == 0 else " %H:%M:%S")


def _tell_grid(task: TaskSpec, state: State, panel: Panel, decide: Decide) -> None:
    if task.frequency is None:
        frequency, step = state["frequency"], state["step"]
        what = f"Whole-number steps, {step:g} apart" if frequency == STEP else f"Frequency {frequency!r}"
        decide("series.frequency", what, "the most usual distance of two neighbouring times", [])
    gaps = int(np.isnan(panel.values).sum())
    findings = (
        (panel.duplicates, "duplicates", "rows share series and time with another", "their values were averaged"),
        (gaps, "gaps", "steps have no value", "networks see them as gaps; they never count as a target"),
        (panel.timeless, "timeless", "rows have no time", "they were left out"),
        (panel.unknown, "unknown", "series have no value at all", "they were left out"),
    )
    for count, key, what, done in findings:
        if count:
            decide(f"series.{key}", f"{count:,} {what}", done, ["mend the file and upload it again"])


def _rows_ahead(panel: Panel, frame: pd.DataFrame, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of the user's test file that follow a known series: series numbers, steps ahead (1, 2, …), values."""
    codes, keys = series_codes(frame, state["series"])
    number = {name: i for i, name in enumerate(panel.names())}
    known = np.array([number.get(name, -1) for name in series_names(keys)])[codes]
    times = times_of(frame, state["time"], codes)
    values = frame[state["target"]].to_numpy(np.float64, na_value=np.nan)
    usable = (known >= 0) & np.isfinite(times) & np.isfinite(values)
    known, times, values = known[usable], times[usable], values[usable]
    last = panel.last[known]
    grid = Grid.of(state["frequency"], state["step"])
    steps = -grid.between(times, last) if state["time"] else (times + 1).astype(np.int64)
    follows = steps > 0
    if not follows.any():
        first = format_times(grid.ahead(panel.last[:1], np.array([1])), state["time_format"])[0]
        raise DataError(
            f"No row of the test file follows the series: {int((~usable).sum()):,} rows have no known series, time or "
            f"value, and {int((~follows).sum()):,} lie in the past. Expected rows from {first!r} on."
        )
    return known[follows], steps[follows], values[follows]


def _usual_horizon(grid: Grid, panel: Panel, ahead: tuple | None, decide: Decide) -> int:
    if ahead is not None:
        reach = np.zeros(len(panel), np.int64)
        np.maximum.at(reach, ahead[0], ahead[1])
        horizon, why = int(np.median(reach[reach > 0])), "as far as the test file reaches"
    else:
        usual = USUAL_HORIZON[grid.unit]
        horizon, why = max(1, min(usual, int(np.median(panel.lengths)) // 6)), "what is usual for this frequency"
    decide("series.horizon", f"A horizon of {horizon} steps", why, ["any other number of steps"])
    return horizon


def _season(panel: Panel, until: np.ndarray, grid: Grid, decide: Decide) -> int:
    """The season of the train part, which ends at `until` (series,)."""
    known = [panel.series(number)[:end] for number, end in enumerate(until) if end]
    season, strength = find_season(known, grid)
    tried = [f"{length} ({score:.2f})" for length, score in strength.items() if length != season]
    why = (
        f"the series repeat after {season} steps (autocorrelation {strength[season]:.2f})"
        if season > 1
        else "the series do not repeat at any length that this frequency suggests"
    )
    decide("series.season", f"A season of {season} steps" if season > 1 else "No season", why, tried)
    return season


def _future(panel: Panel, ahead: tuple | None, horizon: int, decide: Decide) -> np.ndarray:
    """The user's test rows on the grid: (series, horizon), NaN where there is none."""
    future = np.full((len(panel), horizon), np.nan)
    if ahead is None:
        return future
    number, steps, values = ahead
    inside = steps <= horizon
    place = number[inside] * horizon + steps[inside] - 1
    counts = np.bincount(place, minlength=future.size)
    sums = np.bincount(place, values[inside], minlength=future.size)
    if beyond := int((~inside).sum()):
        decide(
            "series.beyond",
            f"{beyond:,} rows of the test file are not scored",
            f"they lie more than the horizon of {horizon} steps after the series end",
            ["a longer horizon"],
        )
    return np.divide(sums, counts, out=future.ravel(), where=counts > 0).reshape(future.shape)


def _tell_cuts(panel: Panel, cuts: Cuts, horizon: int, own_test: bool, decide: Decide) -> None:
    sizes = ", ".join(f"{part} {len(getattr(cuts, part)[0]):,}" for part in PARTS)
    test = "your own file" if own_test else "the end of each series"
    decide(
        "split",
        f"Split by time: {sizes} windows",
        f"test is {test}; {cuts.origins} validation origins {cuts.stride} steps apart end before it; training ends "
        "before both; the test part is scored at the end and chooses nothing",
        [*([] if own_test else ["your own test file"]), "a shorter horizon"],
    )
    decide(
        "series.lookback",
        f"Networks see the last {cuts.lookback} steps",
        f"two seasons or five horizons of {horizon}, at most half of what there is to learn from",
        [],
    )
    names = panel.names()
    for key, numbers, what in (
        ("left_out", np.flatnonzero(cuts.left_out), "series are left out"),
        ("test_only", np.flatnonzero(~cuts.left_out & (cuts.until_valid == 0)), "series are only tested"),
    ):
        if len(numbers):
            some = ", ".join(repr(names[i]) for i in numbers[:5]) + (" …" if len(numbers) > 5 else "")
            why = f"too short for a horizon of {horizon}: {some}"
            decide(f"series.{key}", f"{len(numbers):,} {what}", why, ["a shorter horizon"])


# ---------------------------------------------------------------- what is written


def _write(panel: Panel, future: np.ndarray, cuts: Cuts, state: State, task_state: State, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lookback, history, horizon, season = (state[name] for name in ("lookback", "history", "horizon", "season"))
    lengths = panel.lengths
    blocks = np.concatenate([[0], np.cumsum(lengths + history + horizon)])
    first = blocks[:-1] + history  # where the values of each series start
    values = np.full(blocks[-1], np.nan)
    number = np.repeat(np.arange(len(panel)), lengths)
    values[first[number] + np.arange(len(number)) - panel.offsets[number]] = panel.values
    values[(first + lengths)[:, None] + np.arange(horizon)] = future
    np.save(folder / "values.npy", values)
    np.save(folder / "blocks.npy", blocks)
    if state["calendar"]:
        np.save(folder / "calendar.npy", _calendar(panel, blocks, state))

    scales = [
        [float(naive_scale(panel.series(s)[None, : max(until[s], 1)], season)[0]) for s in range(len(panel))]
        for until in (cuts.until_valid, cuts.until_test)
    ]
    np.save(folder / "scales.npy", np.array(scales))
    known = np.concatenate([[0], np.cumsum(np.isfinite(values))])
    sizes = {}
    for part, (numbers, steps) in {**{part: getattr(cuts, part) for part in PARTS}, "all": cuts.whole}.items():
        cut = first[numbers] + steps
        seen, asked = known[cut] - known[cut - lookback], known[cut + horizon] - known[cut]
        cut = cut[(seen >= 1) & (asked >= 1)]
        if not len(cut):
            raise DataError(
                f"No window of the {part} part has both a history and a target: there are only gaps. Bring a series "
                "with fewer gaps, or choose a shorter horizon."
            )
        np.save(folder / f"{part}.npy", cut)
        sizes[part] = len(cut)
    write_json(folder / "keys.json", {"keys": panel.keys.to_dict("list"), "last": panel.last})
    inputs = {"history": TensorSpec(shape=(history,))}
    if state["calendar"]:
        inputs["calendar"] = TensorSpec(shape=(lookback + horizon, 2 * len(state["calendar"])))
    options = {
        "task": "forecasting",
        "horizon": horizon,
        "season": season,
        "lookback": lookback,
        "gaps": bool(np.isnan(panel.values).any()),
        "series": len(panel),
        "train_size": sizes["train"],
    }
    signature = ModelSignature(inputs=inputs, output=(horizon, 9), options=options)
    record = {
        "sampler": "windows",
        "task": task_state,
        "preprocessor": state,
        "signature": signature.to_json(),
    }
    write_json(folder / "state.json", record)


def _calendar(panel: Panel, blocks: np.ndarray, state: State) -> np.ndarray:
    grid = Grid.of(state["frequency"], state["step"])
    number = np.repeat(np.arange(len(panel)), np.diff(blocks))
    steps = np.arange(blocks[-1]) - (blocks[1:] - state["horizon"] - 1)[number]  # 0 at the last known step
    return calendar_numbers(state["calendar"], grid.ahead(panel.last[number], steps), grid, state["season"])


# ---------------------------------------------------------------- what is read


class PreparedWindows:
    """See dl_core.prepared.Prepared. Windows are cut from the flat arrays when they are asked for, all of a part
    or the `picked` ones; `values`, `calendar` and `cuts` are those flat arrays, for whoever cuts them in a graph."""

    folds = 1  # what comes later is predicted from what came before, so one validation part follows the train part
    fold_codes = np.zeros(0, np.int64)

    def __init__(self, folder: Path):
        self.folder = folder
        self.state: State = read_json(folder / "state.json")
        self.signature = ModelSignature.from_json(self.state["signature"])
        self.history: int = self.state["preprocessor"]["history"]
        self.lookback: int = self.state["preprocessor"]["lookback"]
        self.horizon: int = self.state["preprocessor"]["horizon"]

    def fold(self, number: int) -> "PreparedWindows":
        return self

    def size(self, part: str) -> int:
        return len(self.cuts(part))

    def inputs(self, part: str, picked: Picked = slice(None)) -> dict[str, np.ndarray]:
        cuts = self.cuts(part)[picked, None]
        inputs = {"history": self.values[cuts + np.arange(-self.history, 0)].astype(np.float32)}
        if "calendar" in self.signature.inputs:
            inputs["calendar"] = self.calendar[cuts + np.arange(-self.lookback, self.horizon)]
        return inputs

    def target(self, part: str) -> np.ndarray:
        """(samples, horizon) float32 in the unit of the series, NaN for a gap."""
        return self.truth(part).astype(np.float32)

    def truth(self, part: str, picked: Picked = slice(None)) -> np.ndarray:
        """(samples, horizon) float64, NaN for a gap."""
        return self.values[self.cuts(part)[picked, None] + np.arange(self.horizon)]

    def weight(self, part: str) -> np.ndarray:
        """One over the scale of each sample's series, 1 on average in the train part: errors count alike in small and
        large series, as in MASE."""
        share = 1.0 / read_array(self.folder / "scales.npy")[0]
        trained = self.series("train")
        share = np.minimum(share, HEAVIEST * np.median(share[np.unique(trained)]))
        return (share[self.series(part)] / share[trained].mean()).astype(np.float32)

    def context(self, part: str) -> dict[str, np.ndarray]:
        """`scale` (samples,): what the seasonal naive forecast gets wrong on all that comes before the part."""
        return {"scale": read_array(self.folder / "scales.npy")[int(part == "test")][self.series(part)]}

    def groups(self, part: str) -> np.ndarray | None:
        """The series of each sample, where some have several and there are enough of them to be drawn as wholes. Of
        fewer series intervals are as narrow as if windows of one series were independent."""
        series = self.series(part)
        return series if FEWEST_UNITS <= len(np.unique(series)) < len(series) else None

    def series(self, part: str) -> np.ndarray:
        """The series number of each sample (samples,)."""
        return np.searchsorted(self.blocks, self.cuts(part), side="right") - 1

    def names(self) -> list[str]:
        """One printable name for each series; empty where the table has no ids."""
        return series_names(pd.DataFrame(self._keys["keys"], index=range(len(self._keys["last"]))))

    def times(self, part: str) -> np.ndarray:
        """The times of each sample's history and target: (samples, history + horizon), epoch seconds or steps."""
        state = self.state["preprocessor"]
        grid = Grid.of(state["frequency"], state["step"])
        number = self.series(part)
        last = np.array(self._keys["last"], np.float64)[number]
        behind = self.cuts(part) - (self.blocks[1:] - self.horizon)[number]  # 0 where the target follows the series
        steps = behind[:, None] + np.arange(1 - self.history, self.horizon + 1)
        return grid.ahead(last[:, None], steps)

    def cuts(self, part: str) -> np.ndarray:
        return read_array(self.folder / f"{part}.npy")

    @cached_property
    def values(self) -> np.ndarray:
        return read_array(self.folder / "values.npy", mmap=True)

    @cached_property
    def calendar(self) -> np.ndarray:
        return read_array(self.folder / "calendar.npy", mmap=True)

    @cached_property
    def blocks(self) -> np.ndarray:
        return read_array(self.folder / "blocks.npy")

    @cached_property
    def _keys(self) -> State:
        return read_json(self.folder / "keys.json")

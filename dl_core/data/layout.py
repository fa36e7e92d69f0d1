"""How a table holds time series: long, wide with series as columns, or wide with series as rows.

Wide tables become long ones before anything else looks at them. Where the layout is clear it is decided here, with the
reason; where it is not, the table stays a table, which can still be forecast once its time column is named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from dl_core.data import duck
from dl_core.data.dataset import ROW
from dl_core.data.kinds import ID_NAME, Finding, time_function, trimmed, value_sql
from dl_core.data.panel import Grid, PanelError, guess_frequency, guess_step
from dl_core.data.schema import Column, Schema
from dl_core.data.values import MISSING, PERIOD_FORMATS, parse_times
from dl_core.errors import DataError, SpecError

LAYOUTS = ("table", "long", "wide columns", "wide rows")
SERIES, STEP, TIME, VALUE = "series", "step", "time", "value"

FEWEST_STEPS = 8
REGULAR_SHARE = 0.6
"""At least this share of neighbours must be exactly one step apart."""
DOUBLED_SHARE = 0.01
MANY_MEASURES = 6
"""A panel with more measured columns than this reads as a table about things, not as series."""
FEWEST_WIDE = 10
CANDIDATES = 8
MOST_IDS = 3
MOST_TIMES = 4
FEW_ROWS = 20_000
LOOKED_AT = 2_000_000

STEP_NAME = re.compile(
    r"^(?:t|time|step|timestep|time[_ ]?(?:step|index|idx|id)|period|ds|tick|cycle"
    r"|day|week|hour|month|quarter|year|jahr)s?$",
    re.IGNORECASE,
)
LABEL_NAME = re.compile(r"^(?:label|class|target|y|outcome)$", re.IGNORECASE)
THING_NAME = re.compile(
    r"(?:store|shop|item|product|sku|sensor|station|unit|customer|user|machine|case|series|site|region|country|state|city"
    r"|symbol|ticker|device|meter|engine|patient|subject|animal)",
    re.IGNORECASE,
)
PART_NAMES = {
    "year": ("year", "yr", "jahr"),
    "month": ("month", "mnth", "mon", "monat"),
    "day": ("day", "tag", "day of month"),
    "hour": ("hour", "hr", "stunde"),
    "minute": ("minute", "min"),
}
_NUMBERED = re.compile(r"^(.*?)[ _.-]?(\d+)$")


@dataclass(frozen=True)
class TimeColumn:
    """A column that may be the time: what it would be in the schema, and the SQL of its value as a number."""

    column: Column
    sql: str
    parts: tuple[str, ...] = ()

    @property
    def is_step(self) -> bool:
        return self.column.storage == "number"


@dataclass(frozen=True)
class Regularity:
    """How regular the times of `series` series are: the grid they lie on, the share of neighbours exactly one step
    apart, the share of rows whose time occurred before, and the lengths of the series in rows."""

    frequency: str
    step: float
    regular: float
    doubled: float
    series: int
    shortest: int
    median: float


@dataclass(frozen=True)
class Layout:
    """A decision. For 'long' the time column and the columns that tell series apart; for the wide ones the turn."""

    kind: str
    reason: str
    time: TimeColumn | None = None
    series: tuple[str, ...] = ()
    turn: "Turn | None" = None


@dataclass(frozen=True)
class Turn:
    """How a wide table becomes long. `keep` are the positions of columns repeated for every value (with 'wide columns'
    the time, with 'wide rows' the ids); `melt` the positions of the value columns; `labels` what each of these is
    called in the long table (a series, or a time). `series`, `time` and `value` are the long table's columns."""

    kind: str
    keep: tuple[int, ...]
    melt: tuple[int, ...]
    labels: tuple[str, ...]
    series: tuple[str, ...]
    time: Column
    value: str = VALUE

    @property
    def names(self) -> list[str]:
        return [*self.series, self.time.name, self.value]


def decide(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    findings: Sequence[Finding],
    asked: str | None = None,
    time: str | None = None,
    series: Sequence[str] = (),
) -> Layout:
    """The layout of the table `raw`. `asked` is one of LAYOUTS, `time` and `series` name columns that were chosen.

    Raises SpecError for an unknown layout or column, DataError where the table cannot be read in the asked layout.
    """
    if asked is not None and asked not in LAYOUTS:
        raise SpecError(f"There is no layout called {asked!r}. Choose one of: {', '.join(LAYOUTS)}.")
    for name in ([time] if time else []) + list(series):
        if name not in names:
            raise SpecError(f"There is no column {name!r}. Choose one of: {', '.join(names[:20])}.")
    if asked == "table":
        return Layout("table", "read as a table, as asked")
    if asked == "wide rows" or (asked is None and not time):
        turn = _wide_rows(connection, names, findings, asked is not None)
        if turn is not None:
            return Layout("wide rows", _why_rows(turn, names), turn=turn)
        if asked is not None:
            raise DataError(
                "The table does not hold a series in each row: it has no run of columns such as V1, V2, V3 or 2019, "
                "2020, 2021. Choose another layout."
            )
    times = time_columns(connection, names, findings)
    if time:
        times = [candidate for candidate in times if candidate.column.name == time]
        if not times:
            raise DataError(
                f"Column {time!r} cannot be the time: it holds neither dates nor whole-number steps. Choose another."
            )
    if asked == "wide columns" or (asked is None and not series):
        turn = _wide_columns(connection, names, findings, times, asked is not None)
        if turn is not None:
            reason = f"{len(turn.melt):,} number columns beside one time column: each is a series"
            return Layout("wide columns", reason if asked is None else "read as asked", turn=turn)
    forced = asked == "long" or bool(time) or bool(series)
    if forced and not times:
        raise DataError(
            "No column can be the time. Series need a column with dates, periods or whole-number steps; name it, or "
            "choose the layout 'table'."
        )
    return _long(connection, names, findings, times, tuple(series), forced)


# time columns


def time_columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], findings: Sequence[Finding]
) -> list[TimeColumn]:
    """Columns that may be the time, the likeliest first: dates, year with month and day columns, numbered steps."""
    dates, steps = [], []
    for position, finding in enumerate(findings):
        column, source = finding.column, f"c{position}"
        if column.kind == "datetime":
            dates.append(TimeColumn(column, value_sql(connection, source, column)))
        elif _is_year(column.name, finding):
            reason = f"years from {finding.counts.low:.0f} to {finding.counts.high:.0f}"
            year = Column(name=column.name, kind="datetime", storage="time", reason=reason, parse={"format": "%Y"})
            steps.append(TimeColumn(year, value_sql(connection, source, year)))
        elif finding.whole and STEP_NAME.search(column.name):
            whole = Column(
                name=column.name,
                kind="numeric",
                storage="number",
                reason=f"whole-number steps; {finding.column.reason}",
            )
            steps.append(TimeColumn(whole, value_sql(connection, source, whole)))
    parts = _parts(connection, names, findings)
    return [*dates, *([parts] if parts else []), *steps]


def _is_year(name: str, finding: Finding) -> bool:
    c = finding.counts
    return (
        finding.whole
        and re.search(r"(?:^|[_\s.-])(?:year|jahr|an)(?:$|[_\s.-])", name, re.IGNORECASE) is not None
        and c.low is not None
        and c.high is not None
        and c.low >= 1000
        and c.high <= 2200
    )


def parts_sql(parts: Sequence[str]) -> str:
    """The text 'year-month-day hour:minute' of the text columns `parts`: year, month and perhaps day, hour, minute."""
    day = [*parts, "'1'"][:3]
    text = " || '-' || ".join(f"trim({part})" for part in day)
    if len(parts) > 3:
        minute = f"lpad(trim({parts[4]}), 2, '0')" if len(parts) > 4 else "'00'"
        text += f" || ' ' || trim({parts[3]}) || ':' || {minute}"
    return text


def _parts(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], findings: Sequence[Finding]
) -> TimeColumn | None:
    """Year, month and perhaps day, hour and minute, each in a column of its own, as one time."""
    found: list[str] = []
    for words in PART_NAMES.values():
        match = next(
            (
                n
                for n, f in zip(names, findings, strict=True)
                if n.lower() in words and f.counts.whole == f.counts.present
            ),
            None,
        )
        if match is None:
            break
        found.append(match)
    if len(found) < 2 or TIME in names:
        return None
    parse = {"parts": found, "format": "%Y-%m-%d"}
    reason = f"put together from {', '.join(map(repr, found))}"
    column = Column(name=TIME, kind="datetime", storage="time", reason=reason, parse=parse)
    sources = [f"c{list(names).index(name)}" for name in found]
    sql = f"{time_function(connection, '%Y-%m-%d')}({parts_sql(sources)})"
    fits = connection.execute(f"select count(*), count({sql}) from raw").fetchone()
    return TimeColumn(column, sql, tuple(found)) if fits and fits[0] == fits[1] else None


# long


def _long(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    findings: Sequence[Finding],
    times: Sequence[TimeColumn],
    series: tuple[str, ...],
    forced: bool,
) -> Layout:
    why = "no column holds a time"
    for time in times[:MOST_TIMES]:
        chosen = series or _series_columns(connection, names, findings, time)
        if chosen is None:
            why = f"times of {time.column.name!r} repeat, and no column tells series apart"
            continue
        grid = _grid(connection, names, time, chosen)
        if grid is None:
            why = f"no series has two different times in {time.column.name!r}"
            continue
        measures = _measures(findings, time, chosen)
        if not measures:
            why = "there is no number column to forecast"
            continue
        problem = _unlike_series(grid, measures, chosen) or _labelled(connection, names, findings, chosen, time)
        if problem and not forced:
            why = problem
            continue
        which = f"{grid.series:,} series told apart by {', '.join(map(repr, chosen))}" if chosen else "one series"
        reason = (
            f"{which}, a step every {grid.frequency}" if grid.frequency != "step" else f"{which}, in numbered steps"
        )
        reason += f"; {grid.regular:.0%} of neighbours are exactly one step apart"
        return Layout("long", reason, time, chosen)
    if forced:
        if not times:
            raise DataError("No column can be the time. Name the column that holds it.")
        return Layout("long", "read as series, as asked", times[0], series)
    return Layout("table", why)


def _unlike_series(grid: Regularity, measures: Sequence[str], series: Sequence[str]) -> str:
    """Why a table with a time column does not look like series; empty where it does."""
    if grid.median < FEWEST_STEPS:
        return f"the series would have {grid.median:.0f} steps only"
    if grid.regular < REGULAR_SHARE:
        return f"only {grid.regular:.0%} of neighbouring times are one step apart"
    if series and len(measures) > MANY_MEASURES:
        return f"{len(measures)} measured columns for each of {grid.series:,} things: a table about them"
    return ""


def _measures(findings: Sequence[Finding], time: TimeColumn, series: Sequence[str]) -> list[str]:
    taken = {time.column.name, *time.parts, *series}
    return [
        f.column.name
        for f in findings
        if f.column.kind == "numeric" and f.column.role != "ignored" and f.column.name not in taken
    ]


def _labelled(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    findings: Sequence[Finding],
    series: Sequence[str],
    time: TimeColumn,
) -> str:
    """Why the series are samples with a label each instead of histories to forecast; empty where they are histories."""
    last = findings[-1].column
    if last.kind != "numeric" and not LABEL_NAME.search(last.name):
        return ""
    if not series or last.name in series or last.name == time.column.name:
        return ""
    ids = ", ".join(trimmed(f"c{names.index(name)}") for name in series)
    value = trimmed(f"c{len(names) - 1}")
    found = connection.execute(
        f"select max(d), count(*) from (select count(distinct {value}) as d from raw group by {ids})"
    ).fetchone()
    distinct = findings[-1].counts.distinct_text
    if found and found[0] == 1 and distinct > 1:
        return f"the last column, {last.name!r}, is the same all through each series: a label of the series"
    return ""


def _series_columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], findings: Sequence[Finding], time: TimeColumn
) -> tuple[str, ...] | None:
    """The fewest columns that, with the time, tell all rows apart; () for a single series, None where none do."""
    candidates = []
    for position, finding in enumerate(findings):
        column, counts = finding.column, finding.counts
        if column.name == time.column.name or column.name in time.parts or counts.present_text < counts.rows:
            continue
        likely = bool(THING_NAME.search(column.name) or ID_NAME.search(column.name))
        wordlike = column.kind in ("category", "boolean", "id", "text")
        numbered = column.kind == "numeric" and finding.whole and likely
        if (wordlike or numbered) and 1 < counts.distinct_text <= counts.rows / 3:
            candidates.append((not likely, position))
    positions = [position for _, position in sorted(candidates)[:CANDIDATES]]
    times, ids = _read(connection, time, positions)
    if not _tell_apart(times, ids):
        return None
    for size in range(MOST_IDS + 1):
        for chosen in combinations(range(len(positions)), size):
            if _tell_apart(times, [ids[number] for number in chosen]):
                return tuple(names[positions[number]] for number in sorted(chosen, key=positions.__getitem__))
    return None


def _read(
    connection: duckdb.DuckDBPyConnection, time: TimeColumn, positions: Sequence[int]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The times (n,) of the rows that have one, and a code (n,) for the text in each of the columns `positions`."""
    selected = "".join(f", {trimmed(f'c{position}')} as c{position}" for position in positions)
    frame = connection.execute(
        f"select * from (select {time.sql} as t{selected} from (select * from raw limit {LOOKED_AT})) "
        "where t is not null"
    ).df()
    return frame["t"].to_numpy(np.float64), [pd.factorize(frame[f"c{position}"])[0] for position in positions]


def _tell_apart(times: np.ndarray, ids: Sequence[np.ndarray]) -> bool:
    """Whether the time and the ids together hardly ever repeat. What repeats among some rows repeats among all."""
    few = slice(0, FEW_ROWS)
    return len(times) > 0 and all(
        _doubled([times[part], *(code[part] for code in ids)]) <= DOUBLED_SHARE
        for part in ((few, slice(None)) if len(times) > FEW_ROWS else (slice(None),))
    )


def _doubled(columns: Sequence[np.ndarray]) -> float:
    """The share of rows that occurred before."""
    order = np.lexsort(columns)
    same = np.ones(len(order) - 1, dtype=bool)
    for column in columns:
        same &= np.diff(column[order]) == 0
    return float(same.sum() / len(order))


def _grid(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], time: TimeColumn, series: Sequence[str]
) -> Regularity | None:
    times, ids = _read(connection, time, [list(names).index(name) for name in series])
    codes = np.zeros(len(times), np.int64)
    for code in ids:
        codes = pd.factorize(codes * (int(code.max(initial=0)) + 1) + code)[0]
    return regularity(times, codes, time.is_step)


def regularity(times: np.ndarray, codes: np.ndarray, is_step: bool) -> Regularity | None:
    """How regular `times` (n,) of the series `codes` (n,) are; None where no series has two different times."""
    try:
        frequency = "step" if is_step else guess_frequency(times, codes)
        step = guess_step(times, codes) if is_step else 1.0
        grid = Grid.of(frequency, step)
    except PanelError:
        return None
    order = np.lexsort((times, codes))
    times, codes = times[order], codes[order]
    same = np.diff(codes) == 0
    apart = grid.between(times[:-1][same], times[1:][same])
    exact = np.abs(grid.ahead(times[:-1][same], np.ones(int(same.sum()), np.int64)) - times[1:][same]) <= 0.01 * (
        grid.seconds or step
    )
    doubled = (times[:-1][same] == times[1:][same]).sum()
    lengths = np.unique(codes, return_counts=True)[1]
    return Regularity(
        frequency=frequency,
        step=step,
        regular=float(((apart == 1) & exact).sum() / max(1, same.sum() - doubled)),
        doubled=float(doubled / len(times)),
        series=len(lengths),
        shortest=int(lengths.min()),
        median=float(np.median(lengths)),
    )


# wide


def _wide_columns(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    findings: Sequence[Finding],
    times: Sequence[TimeColumn],
    forced: bool,
) -> Turn | None:
    """Every number column a series, over one time column."""
    numbers = [position for position, f in enumerate(findings) if f.column.kind == "numeric"]
    for time in times:
        if time.parts:
            continue
        melt = [position for position in numbers if names[position] != time.column.name]
        others = [f for f in findings if f.column.kind != "numeric" and f.column.name != time.column.name]
        if len(melt) < 2:
            continue
        alike = {match.group(1) for p in melt if (match := _NUMBERED.match(names[p]))}
        numbered = len(melt) > 2 and len(alike) == 1 and all(_NUMBERED.match(names[p]) for p in melt)
        many = len(melt) >= FEWEST_WIDE
        if not forced:
            if others or not (numbered or many) or _series_columns(connection, names, findings, time) != ():
                continue
            grid = _grid(connection, names, time, ())
            if grid is None or grid.regular < REGULAR_SHARE or grid.median < FEWEST_STEPS:
                continue
        position = list(names).index(time.column.name)
        return columns_turn(position, melt, names, time.column)
    if forced:
        raise DataError(
            "The table does not hold a series in each column: it needs a time column and two number columns or more. "
            "Choose another layout."
        )
    return None


def _wide_rows(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], findings: Sequence[Finding], forced: bool
) -> Turn | None:
    """Every row a series: a run of number columns named V1, V2, … or by times, and ids that tell the rows apart."""
    usable = [
        position
        for position, f in enumerate(findings)
        if f.column.kind == "numeric"
        or (f.whole and f.column.kind == "id")
        or f.counts.present_text == 0
        or _is_binary(f)
    ]
    turn = rows_turn(names, usable)
    if forced:
        numbers = [p for p in usable if findings[p].column.kind == "numeric"]
        return turn if len(turn.melt) > 1 else (rows_turn(names, numbers, any_name=True) if len(numbers) > 1 else None)
    dated = turn.time.storage == "time"
    if len(turn.melt) < max(2 * len(turn.keep), 5 if dated else FEWEST_WIDE) or not turn.keep:
        return None
    if any(findings[p].column.kind == "numeric" and findings[p].column.role != "ignored" for p in turn.keep):
        return None
    ids = ", ".join(trimmed(f"c{p}") for p in turn.keep)
    found = connection.execute(f"select count(*), count(distinct ({ids})) from raw").fetchone()
    if not found or found[0] != found[1] or (found[0] < 2 and not dated):
        return None
    return turn


def columns_turn(place: int, melt: Sequence[int], names: Sequence[str], time: Column) -> Turn:
    """The turn of a table with its time at `place` and a series in each of the columns `melt`."""
    labels = tuple(names[position] for position in melt)
    series, value = _free(SERIES, [time.name]), _free(VALUE, [time.name])
    return Turn("wide columns", (place,), tuple(melt), labels, (series,), time, value)


def rows_turn(names: Sequence[str], usable: Sequence[int], any_name: bool = False) -> Turn:
    """The turn of a table with a series in each row: of the `usable` columns those whose names are times or numbers
    in a run, or all of them."""
    melt, labels, format = _timed_run(names, usable)
    if not melt:
        melt = list(usable) if any_name else _numbered_run(names, usable)
        labels = tuple(str(step) for step in range(1, len(melt) + 1))
    keep = [position for position in range(len(names)) if position not in melt]
    series = tuple(names[position] for position in keep) or (SERIES,)
    if format:
        reason = f"the names of {len(melt):,} columns"
        time = Column(
            name=_free(TIME, series), kind="datetime", storage="time", reason=reason, parse={"format": format}
        )
    else:
        reason = f"the places of {len(melt):,} columns"
        time = Column(name=_free(STEP, series), kind="numeric", storage="number", reason=reason)
    return Turn("wide rows", tuple(keep), tuple(melt), labels, series, time, _free(VALUE, [*series, time.name]))


def again(kind: str, names: Sequence[str], schema: Schema, time: Column) -> Turn:
    """The turn of another file that is laid out like the one of `schema`. Raises DataError where it is not."""
    if kind == "wide columns":
        if time.name not in names:
            raise DataError(
                f"The file lacks the column {time.name!r} with the times. Bring a table like the first one."
            )
        place = list(names).index(time.name)
        melt = [position for position in range(len(names)) if position != place]
        return replace(columns_turn(place, melt, names, time), value=_value_of(schema, time))
    ids = [column.name for column in schema.having("series")]
    lacking = [name for name in ids if name not in names and ids != [SERIES]]
    if lacking:
        raise DataError(
            f"The file lacks the column {lacking[0]!r}, which names the series. Bring a table like the first."
        )
    turn = rows_turn(names, [position for position, name in enumerate(names) if name not in ids], any_name=True)
    return replace(turn, time=replace(time, parse={**time.parse, **turn.time.parse}), value=_value_of(schema, time))


def _value_of(schema: Schema, time: Column) -> str:
    taken = {time.name, *(column.name for column in schema.having("series"))}
    return next(column.name for column in schema.columns if column.name not in taken)


def _why_rows(turn: Turn, names: Sequence[str]) -> str:
    first, last = names[turn.melt[0]], names[turn.melt[-1]]
    return f"{len(turn.melt):,} number columns from {first!r} to {last!r} are steps of time: each row is a series"


def _is_binary(finding: Finding) -> bool:
    return finding.column.kind == "boolean" and set(finding.counts.sample) <= {"0", "1"}


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _numbered_run(names: Sequence[str], usable: Sequence[int]) -> list[int]:
    """The longest run of neighbouring columns with one stem and consecutive numbers."""
    best: list[int] = []
    run: list[int] = []
    before: tuple[str, int] | None = None
    for position in usable:
        match = _NUMBERED.match(names[position])
        this = (match.group(1), int(match.group(2))) if match else None
        follows = this and before and this == (before[0], before[1] + 1) and run and position == run[-1] + 1
        run = [*run, position] if follows else ([position] if this else [])
        before = this
        best = run if len(run) > len(best) else best
    return best


def _timed_run(names: Sequence[str], usable: Sequence[int]) -> tuple[list[int], tuple[str, ...], str]:
    """The columns named by a time, that time as text, and its format: 1990, X1990, 1990 [YR1990], 2019-03, Jan 2020."""
    cleaned = {}
    for position in usable:
        match = re.fullmatch(r"[Xx]?((?:1[0-9]|20)\d\d)(?: \[YR\d{4}\])?", names[position].strip())
        cleaned[position] = match.group(1) if match else names[position].strip().removeprefix("X").replace(".", "-")
    years = [position for position in usable if re.fullmatch(r"\d{4}", cleaned[position])]
    if len(years) > 2:
        numbers = [int(cleaned[position]) for position in years]
        if all(right > left for left, right in zip(numbers, numbers[1:], strict=False)):
            return years, tuple(cleaned[position] for position in years), "%Y"
    for format in ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", *(f for f in PERIOD_FORMATS if f != "%Y")):
        for texts in ([names[p].strip() for p in usable], [cleaned[p] for p in usable]):
            times = parse_times(texts, format)
            run = [(position, text) for position, text, time in zip(usable, texts, times, strict=True) if time == time]
            found = times[~np.isnan(times)]
            if len(run) > 2 and (np.diff(found) > 0).all():
                return [position for position, _ in run], tuple(text for _, text in run), format
    return [], (), ""


def constant_columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], series: Sequence[str], others: Sequence[str]
) -> list[str]:
    """Those of `others` that hold one value all through each series."""
    if not series or not others:
        return []
    ids = ", ".join(trimmed(f"c{list(names).index(name)}") for name in series)
    counts = ", ".join(f"count(distinct {trimmed(f'c{list(names).index(name)}')})" for name in others)
    highest = ", ".join(f"max(d{number})" for number in range(len(others)))
    labels = ", ".join(f"d{number}" for number in range(len(others)))
    found = connection.execute(
        f"select {highest} from (select {counts} from raw group by {ids}) as counted({labels})"
    ).fetchone()
    return [name for name, distinct in zip(others, found or (), strict=True) if distinct is not None and distinct <= 1]


def turn_long(connection: duckdb.DuckDBPyConnection, turn: Turn, path: Path) -> int:
    """Write the long form of the table `raw` to `path` as c0, c1, … called `turn.names`; returns its rows. Values that
    are missing make no row."""
    connection.execute("create or replace temp table labels (place integer, label varchar)")
    connection.executemany(
        "insert into labels values (?, ?)", [[place, label] for place, label in enumerate(turn.labels)]
    )
    values = ", ".join(f"c{position}" for position in turn.melt)
    keep = ", ".join(f"c{position} as k{number}" for number, position in enumerate(turn.keep))
    missing = ", ".join(duck.literal(token) for token in MISSING)
    if turn.kind == "wide columns":
        columns, order = "label as c0, k0 as c1, value as c2", f"place, {ROW}"
    else:
        ids = [f"k{number} as c{number}" for number in range(len(turn.keep))]
        ids = ids or [f"'row ' || ({ROW} + 1) as c0"]
        columns = ", ".join([*ids, f"label as c{len(ids)}", f"value as c{len(ids) + 1}"])
        order = f"{ROW}, place"
    keep = f", {keep}" if keep else ""
    connection.execute(
        f"""copy (
            select row_number() over (order by {order}) - 1 as {ROW}, {columns} from (
                select {ROW}{keep}, generate_subscripts(v, 1) - 1 as place, unnest(v) as value
                from (select *, [{values}] as v from raw)
            ) join labels using (place)
            where value is not null and {trimmed("value")} not in ({missing})
            order by {order}
        ) to {duck.literal(path)} (format parquet)"""
    )
    found = connection.execute(f"select count(*) from {duck.parquet(path)}").fetchone()
    return int(found[0]) if found else 0


# into the schema


def with_roles(
    layout: Layout, findings: Sequence[Finding], constant: Sequence[str] = (), kind: str = "long"
) -> list[Finding]:
    """The columns with the roles of time and series; a column for a time put together from parts comes last. `kind` is
    the layout the upload had. `constant` columns are the same all through each series."""
    assert layout.time is not None
    time = replace(
        layout.time.column,
        role="time",
        reason=f"{layout.time.column.reason}; {layout.reason}",
        parse={**layout.time.column.parse, "layout": kind},
    )
    result = []
    for finding in findings:
        column = finding.column
        if column.name == time.name:
            finding = replace(finding, column=time)
        elif column.name in layout.series:
            reason = f"{column.reason}; with the time it tells every row apart"
            own: Any = column.kind if column.kind != "text" else "category"
            finding = replace(finding, column=replace(column, kind=own, role="series", reason=reason))
        elif column.name in layout.time.parts:
            finding = replace(finding, column=replace(column, role="ignored", reason=f"part of {time.name!r}"))
        elif column.kind == "datetime":
            finding = replace(
                finding, column=replace(column, role="ignored", reason=f"another time beside {time.name!r}")
            )
        elif column.name in constant:
            reason = f"{column.reason}; the same all through each series"
            finding = replace(finding, column=replace(column, role="static", reason=reason))
        result.append(finding)
    if layout.time.parts:
        result.append(Finding(time, findings[0].counts))
    return result

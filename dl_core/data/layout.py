"""How a table holds time series: long, wide with series as columns, or wide with series as rows.

Wide tables become long ones before anything else looks at them. Where the layout is clear it is decided here, with the
reason; where it is not, the table stays a table, which can still be forecast once its time column is named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from dl_core.data.kinds import ID_NAME, Finding, time_function, trimmed, value_sql
from dl_core.data.panel import Grid, PanelError, guess_frequency, guess_step
from dl_core.data.schema import Column
from dl_core.data.wide import NUMBERED, TIME, Turn, columns_turn, rows_turn
from dl_core.errors import DataError, SpecError

LAYOUTS = ("table", "long", "wide columns", "wide rows")
FEWEST_STEPS = 8
REGULAR_SHARE = 0.6
"""At least this share of neighbours must be exactly one step apart."""
DOUBLED_SHARE = 0.01
MANY_MEASURES = 6
"""A panel with more measured columns than this reads as a table about things, not as series."""
FEWEST_WIDE, FEWEST_DATED = 10, 5
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
    turn: Turn | None = None


@dataclass(frozen=True)
class Counted:
    """The table `raw` in a database (c0, c1, …), and what was found about each of its columns."""

    connection: duckdb.DuckDBPyConnection
    findings: Sequence[Finding]

    @property
    def names(self) -> list[str]:
        return [finding.column.name for finding in self.findings]

    def source(self, name: str) -> str:
        """What the column is called in `raw`."""
        return f"c{self.names.index(name)}"

    def one(self, query: str) -> tuple:
        """The only row of an answer."""
        return self.connection.execute(query).fetchall()[0]


def decide(
    table: Counted,
    asked: str | None = None,
    time: str | None = None,
    series: Sequence[str] = (),
) -> Layout:
    """The layout of a table. `asked` is one of LAYOUTS, `time` and `series` name columns that were chosen.

    Raises SpecError for an unknown layout or column, DataError where the table cannot be read in the asked layout.
    """
    if asked is not None and asked not in LAYOUTS:
        raise SpecError(f"There is no layout called {asked!r}. Choose one of: {', '.join(LAYOUTS)}.")
    for name in ([time] if time else []) + list(series):
        if name not in table.names:
            raise SpecError(f"There is no column {name!r}. Choose one of: {', '.join(table.names[:20])}.")
    if asked == "table":
        return Layout("table", "read as a table, as asked")
    if asked == "wide rows" or (asked is None and not time):
        turn = _wide_rows(table, asked is not None)
        if turn is not None:
            return Layout("wide rows", _why_rows(turn, table.names), turn=turn)
        if asked is not None:
            raise DataError(
                "The table does not hold a series in each row: it has no run of columns such as V1, V2, V3 or 2019, "
                "2020, 2021. Choose another layout."
            )
    times = time_columns(table, time)
    if time:
        times = [candidate for candidate in times if candidate.column.name == time]
        if not times:
            raise DataError(
                f"Column {time!r} cannot be the time: it holds neither dates nor whole-number steps. Choose another."
            )
    if asked == "wide columns" or (asked is None and not series):
        turn = _wide_columns(table, times, asked is not None)
        if turn is not None:
            reason = f"{len(turn.melt):,} number columns beside one time column: each is a series"
            return Layout("wide columns", reason if asked is None else "read as asked", turn=turn)
    forced = asked == "long" or bool(time) or bool(series)
    if forced and not times:
        raise DataError(
            "No column can be the time. Series need a column with dates, periods or whole-number steps; name it, or "
            "choose the layout 'table'."
        )
    return _long(table, times, tuple(series), forced)


# time columns


def time_columns(table: Counted, named: str | None = None) -> list[TimeColumn]:
    """Columns that may be the time, the likeliest first: dates, year with month and day columns, numbered steps. Any
    whole numbers will do where they are `named`."""
    dates, steps = [], []
    connection = table.connection
    for position, finding in enumerate(table.findings):
        column, source = finding.column, f"c{position}"
        if column.kind == "datetime":
            dates.append(TimeColumn(column, value_sql(connection, source, column)))
        elif _is_year(column.name, finding):
            reason = f"years from {finding.counts.low:.0f} to {finding.counts.high:.0f}"
            parse = {**column.parse, "format": "%Y"}
            year = replace(column, kind="datetime", storage="time", role="feature", reason=reason, parse=parse)
            steps.append(TimeColumn(year, value_sql(connection, source, year)))
        elif finding.whole and (STEP_NAME.search(column.name) or column.name == named):
            reason = f"whole-number steps; {column.reason}"
            whole = replace(column, kind="numeric", storage="number", role="feature", reason=reason)
            steps.append(TimeColumn(whole, value_sql(connection, source, whole)))
    parts = _parts(table)
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


def _parts(table: Counted) -> TimeColumn | None:
    """Year, month and perhaps day, hour and minute, each in a column of its own, as one time."""
    whole = {f.column.name.lower(): f.column.name for f in table.findings if f.counts.whole == f.counts.present}
    found: list[str] = []
    for words in PART_NAMES.values():
        match = next((whole[word] for word in words if word in whole), None)
        if match is None:
            break
        found.append(match)
    if len(found) < 2 or TIME in table.names:
        return None
    parse = {"parts": found, "format": "%Y-%m-%d"}
    reason = f"put together from {', '.join(map(repr, found))}"
    column = Column(name=TIME, kind="datetime", storage="time", reason=reason, parse=parse)
    text = parts_sql([table.source(name) for name in found])
    sql = f"{time_function(table.connection, '%Y-%m-%d')}({text})"
    rows, read = table.one(f"select count(*), count({sql}) from raw")
    return TimeColumn(column, sql, tuple(found)) if rows == read else None


# long


def _long(table: Counted, times: Sequence[TimeColumn], series: tuple[str, ...], forced: bool) -> Layout:
    why = "no column holds a time"
    for time in times[:MOST_TIMES]:
        chosen = series or _series_columns(table, time)
        if chosen is None:
            why = f"times of {time.column.name!r} repeat, and no column tells series apart"
            continue
        grid = _grid(table, time, chosen)
        if grid is None:
            why = f"no series has two different times in {time.column.name!r}"
            continue
        measures = _measures(table, time, chosen)
        if not measures:
            why = "there is no number column to forecast"
            continue
        problem = _unlike_series(grid, measures, chosen) or _labelled(table, time, chosen)
        if problem and not forced:
            why = problem
            continue
        which = f"{grid.series:,} series told apart by {', '.join(map(repr, chosen))}" if chosen else "one series"
        steps = "in numbered steps" if grid.frequency == "step" else f"a step every {grid.frequency}"
        reason = f"{which}, {steps}; {grid.regular:.0%} of neighbours are exactly one step apart"
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


def _measures(table: Counted, time: TimeColumn, series: Sequence[str]) -> list[str]:
    taken = {time.column.name, *time.parts, *series}
    columns = [finding.column for finding in table.findings]
    return [c.name for c in columns if c.kind == "numeric" and c.role != "ignored" and c.name not in taken]


def _labelled(table: Counted, time: TimeColumn, series: Sequence[str]) -> str:
    """Why the series are samples with a label each instead of histories to forecast; empty where they are histories."""
    last = table.findings[-1].column
    if last.kind != "numeric" and not LABEL_NAME.search(last.name):
        return ""
    if not series or last.name in series or last.name == time.column.name:
        return ""
    if table.findings[-1].counts.distinct_text < 2 or last.name not in constant_columns(table, series, [last.name]):
        return ""
    return f"the last column, {last.name!r}, is the same all through each series: a label of the series"


def _series_columns(table: Counted, time: TimeColumn) -> tuple[str, ...] | None:
    """The fewest columns that, with the time, tell all rows apart; () for a single series, None where none do."""
    candidates = []
    for position, finding in enumerate(table.findings):
        column, counts = finding.column, finding.counts
        if column.name == time.column.name or column.name in time.parts or counts.present_text < counts.rows:
            continue
        likely = bool(THING_NAME.search(column.name) or ID_NAME.search(column.name))
        wordlike = column.kind in ("category", "boolean", "id", "text")
        numbered = column.kind == "numeric" and finding.whole and likely
        if (wordlike or numbered) and 1 < counts.distinct_text <= counts.rows / 3:
            candidates.append((not likely, position))
    positions = [position for _, position in sorted(candidates)[:CANDIDATES]]
    times, ids = _read(table, time, positions)
    if not _tell_apart(times, ids):
        return None
    for size in range(MOST_IDS + 1):
        for chosen in combinations(range(len(positions)), size):
            if _tell_apart(times, [ids[number] for number in chosen]):
                return tuple(table.names[position] for position in sorted(positions[number] for number in chosen))
    return None


def _read(table: Counted, time: TimeColumn, positions: Sequence[int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The times (n,) of the rows that have one, and a code (n,) for the text in each of the columns `positions`."""
    selected = "".join(f", {trimmed(f'c{position}')} as c{position}" for position in positions)
    frame = table.connection.execute(
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


def _grid(table: Counted, time: TimeColumn, series: Sequence[str]) -> Regularity | None:
    times, ids = _read(table, time, [table.names.index(name) for name in series])
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


def _wide_columns(table: Counted, times: Sequence[TimeColumn], forced: bool) -> Turn | None:
    """Every number column a series, over one time column."""
    for time in times:
        place = table.names.index(time.column.name) if not time.parts else -1
        others = [position for position in range(len(table.names)) if position != place]
        melt = [position for position in others if _holds_numbers(table.findings[position])]
        if time.parts or len(melt) < 2:
            continue
        if forced or (len(melt) == len(others) and _alike(table, melt) and _one_regular_series(table, time)):
            return columns_turn(place, melt, table.names, time.column)
    if forced:
        raise DataError(
            "The table does not hold a series in each column: it needs a time column and two number columns or more. "
            "Choose another layout."
        )
    return None


def _alike(table: Counted, melt: Sequence[int]) -> bool:
    """Columns numbered under one name, such as store_1, store_2, …, or simply many."""
    stems = {match.group(1) if (match := NUMBERED.match(table.names[place])) else None for place in melt}
    return len(melt) >= FEWEST_WIDE or (len(melt) > 2 and len(stems) == 1 and None not in stems)


def _one_regular_series(table: Counted, time: TimeColumn) -> bool:
    if _series_columns(table, time) != ():
        return False
    grid = _grid(table, time, ())
    return grid is not None and grid.regular >= REGULAR_SHARE and grid.median >= FEWEST_STEPS


def _wide_rows(table: Counted, forced: bool) -> Turn | None:
    """Every row a series: a run of number columns named V1, V2, … or by times, and ids that tell the rows apart."""
    usable = [place for place, finding in enumerate(table.findings) if _holds_numbers(finding)]
    turn = rows_turn(table.names, usable)
    if forced:
        numbers = [place for place in usable if table.findings[place].column.kind == "numeric"]
        turn = turn if len(turn.melt) > 1 else rows_turn(table.names, numbers, any_name=True)
        return turn if len(turn.melt) > 1 else None
    dated = turn.time.storage == "time"
    if not turn.keep or len(turn.melt) < max(2 * len(turn.keep), FEWEST_DATED if dated else FEWEST_WIDE):
        return None
    kept = [table.findings[place].column for place in turn.keep]
    if any(column.kind == "numeric" and column.role != "ignored" for column in kept):
        return None
    ids = ", ".join(trimmed(f"c{place}") for place in turn.keep)
    rows, distinct = table.one(f"select count(*), count(distinct ({ids})) from raw")
    return turn if rows == distinct and (rows > 1 or dated) else None


def _holds_numbers(finding: Finding) -> bool:
    """Also what one would otherwise call an id, nothing at all, or a truth of 0 and 1."""
    column, counts = finding.column, finding.counts
    truth = column.kind == "boolean" and set(counts.sample) <= {"0", "1"}
    return column.kind == "numeric" or (finding.whole and column.kind == "id") or counts.present_text == 0 or truth


def _why_rows(turn: Turn, names: Sequence[str]) -> str:
    first, last = names[turn.melt[0]], names[turn.melt[-1]]
    return f"{len(turn.melt):,} number columns from {first!r} to {last!r} are steps of time: each row is a series"


# into the schema


def constant_columns(table: Counted, series: Sequence[str], others: Sequence[str]) -> list[str]:
    """Those of `others` that hold one value all through each series."""
    if not series or not others:
        return []
    ids = ", ".join(trimmed(table.source(name)) for name in series)
    counts = ", ".join(f"count(distinct {trimmed(table.source(name))}) as d{n}" for n, name in enumerate(others))
    highest = ", ".join(f"max(d{n})" for n in range(len(others)))
    found = table.one(f"select {highest} from (select {counts} from raw group by {ids})")
    return [name for name, distinct in zip(others, found, strict=True) if distinct is not None and distinct <= 1]


def with_roles(layout: Layout, table: Counted, kind: str) -> list[Finding]:
    """The columns with the roles of time and series; a column for a time put together from parts comes last. `kind` is
    the layout that the upload had."""
    assert layout.time is not None
    taken = {layout.time.column.name, *layout.time.parts, *layout.series}
    constant = constant_columns(table, layout.series, [name for name in table.names if name not in taken])
    time = replace(
        layout.time.column,
        role="time",
        reason=f"{layout.time.column.reason}; {layout.reason}",
        parse={**layout.time.column.parse, "layout": kind},
    )
    result = []
    for finding in table.findings:
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
        result.append(Finding(time, table.findings[0].counts))
    return result

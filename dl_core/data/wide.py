"""Wide tables of time series, with a column or a row for each series, become long ones, with a row for each step."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from dl_core.data import duck
from dl_core.data.dataset import ROW
from dl_core.data.kinds import trimmed
from dl_core.data.schema import Column, Schema
from dl_core.data.values import MISSING, PERIOD_FORMATS, parse_times
from dl_core.errors import DataError

SERIES, STEP, TIME, VALUE = "series", "step", "time", "value"
BESIDE = "beside"
NUMBERED = re.compile(r"^(.*?)[ _.-]?(\d+)$")
HEADER_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", *(f for f in PERIOD_FORMATS if f != "%Y"))


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


def columns_turn(place: int, melt: Sequence[int], names: Sequence[str], time: Column) -> Turn:
    """The turn of a table with its time at `place` and a series in each of the columns `melt`. What stands beside them
    is left out, and is noted for the next file."""
    labels = tuple(names[position] for position in melt)
    beside = [name for name in names if name not in labels and name != time.name]
    if beside:
        time = replace(time, parse={**time.parse, BESIDE: beside})
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
        beside = {time.name, *time.parse.get(BESIDE, ())}
        melt = [position for position, name in enumerate(names) if name not in beside]
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
        match = NUMBERED.match(names[position])
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
    for format in HEADER_FORMATS:
        for texts in ([names[p].strip() for p in usable], [cleaned[p] for p in usable]):
            times = parse_times(texts, format)
            run = [(position, text) for position, text, time in zip(usable, texts, times, strict=True) if time == time]
            found = times[~np.isnan(times)]
            if len(run) > 2 and (np.diff(found) > 0).all():
                return [position for position, _ in run], tuple(text for _, text in run), format
    return [], (), ""


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

"""What a whole dataset looks like: counts and distributions of every column, of its pictures and of its series.

`profile.json` holds, with every number over all rows:
    rows        how many
    columns     {name: {"kind", "storage", "missing", "distinct", …}}
        numbers     "min" "max" "mean" "std" "zeros" "negative" "whole" "quantiles" {"0.01": …}
                    "histogram" {"edges", "counts", "below", "above"}: ends clipped to the 1 % and 99 % quantiles where
                    a tail would squeeze the rest; "below" and "above" count what lies outside
        times       "min" "max" "histogram" (epoch seconds)
        texts       "top" [[value, rows], …] (the 20 most frequent), "rare" (values that occur once), "length" (mean)
    duplicates  rows that repeat an earlier one, ids left out; None where that was not counted
    images      {"count", "distinct", "width" [min, median, max], "height" […], "sizes" [["32×32", n], …], "formats",
                "modes", "doubled" [[path, path, …], …]}
    series      {"number", "frequency", "step", "regular", "doubled", "gaps", "length" [min, median, max], "from", "to",
                "short" …}
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from dl_core.data import duck
from dl_core.data.layout import regularity
from dl_core.data.panel import Grid
from dl_core.data.schema import Column, Schema

BINS = 20
TOP = 20
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
COLUMNS_AT_ONCE = 60
DUPLICATE_COLUMNS = 300
SERIES_SHOWN = 12

Profile = dict[str, Any]


def profile(folder: Path, schema: Schema, scratch: Path | None = None) -> Profile:
    """The profile of the dataset in `folder`, whose columns are `schema`."""
    with duck.connect(scratch) as connection:
        connection.execute(f"create view data as select * from {duck.parquet(folder / 'data.parquet')}")
        found = connection.execute("select count(*) from data").fetchone()
        rows = int(found[0]) if found else 0
        columns: dict[str, Profile] = {}
        for first in range(0, len(schema.columns), COLUMNS_AT_ONCE):
            columns |= _columns(connection, schema.columns[first : first + COLUMNS_AT_ONCE], rows)
        for column in schema.columns:
            if column.storage == "text" and columns[column.name]["distinct"]:
                columns[column.name] |= _texts(connection, column, columns[column.name]["distinct"])
        result: Profile = {
            "rows": rows,
            "columns": {column.name: columns[column.name] for column in schema.columns},
            "duplicates": _duplicates(connection, schema),
        }
        if any(column.kind == "image" for column in schema.columns):
            result["images"] = _images(connection, folder)
        time = schema.having("time")
        if time:
            result["series"] = _series(connection, time[0], schema)
    return result


# columns


def _columns(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], rows: int) -> dict[str, Profile]:
    """The numbers of several columns in two passes: first the counts and quantiles, then the histograms."""
    asked: list[str] = []
    for column in columns:
        name = duck.name(column.name)
        asked += [f"count({name})", f"count(distinct {name})"]
        if column.storage in ("number", "time"):
            levels = ", ".join(map(str, QUANTILES))
            asked += [
                f"min({name})", f"max({name})", f"avg({name})", f"stddev_samp({name})",
                f"quantile_cont({name}, [{levels}])", f"count(*) filter ({name} = 0)", f"count(*) filter ({name} < 0)",
                f"count(*) filter ({name} = floor({name}))",
            ]  # fmt: skip
    values = list(connection.execute(f"select {', '.join(asked)} from data").fetchone() or ())
    result = {}
    for column in columns:
        present, distinct = int(values.pop(0)), int(values.pop(0))
        about: Profile = {
            "kind": column.kind,
            "storage": column.storage,
            "missing": rows - present,
            "distinct": distinct,
        }
        if column.storage in ("number", "time"):
            low, high, mean, std, levels_found, zeros, negative, whole = (values.pop(0) for _ in range(8))
            if present:
                quantiles = dict(zip(map(str, QUANTILES), map(float, levels_found), strict=True))
                spread = float(std or 0.0)
                about |= {"min": float(low), "max": float(high), "mean": float(mean)}
                about["std"] = spread if np.isfinite(spread) else None
                about |= {"quantiles": quantiles, "zeros": int(zeros), "negative": int(negative)}
                about["whole"] = int(whole) == present
        result[column.name] = about
    _histograms(connection, result)
    return result


def _histograms(connection: duckdb.DuckDBPyConnection, columns: dict[str, Profile]) -> None:
    """Add a histogram of at most BINS bins to every column that has a range."""
    asked, names = [], []
    for name, about in columns.items():
        if about.get("min") is None or not np.isfinite(about["max"] / 2 - about["min"] / 2) or about["max"] > 1e300:
            continue
        edges = _edges(about)
        about["histogram"] = {"edges": edges.tolist()}
        low, width, last = float(edges[0]), float(edges[1] - edges[0]), len(edges) - 2
        quoted = duck.name(name)
        place = f"cast(least(greatest(floor(({quoted} - {low!r}) / {width!r}), -1), {last + 1}) as integer)"
        top = f"case when {quoted} = {float(edges[-1])!r} then {last} else {place} end"
        asked.append(f"map_entries(histogram({top}) filter ({quoted} is not null))")
        names.append(name)
    if not asked:
        return
    found = connection.execute(f"select {', '.join(asked)} from data").fetchone() or ()
    for name, entries in zip(names, found, strict=True):
        counted = {int(entry["key"]): int(entry["value"]) for entry in entries or ()}
        histogram = columns[name]["histogram"]
        bins = len(histogram["edges"]) - 1
        histogram["counts"] = [counted.get(place, 0) for place in range(bins)]
        histogram["below"] = counted.get(-1, 0)
        histogram["above"] = counted.get(bins, 0)


def _edges(about: Profile) -> np.ndarray:
    """Bins of equal width; one for each value where a few whole numbers are all there is."""
    low, high = about["min"], about["max"]
    if about.get("whole") and about["kind"] != "datetime" and high - low < BINS:
        return np.arange(low - 0.5, high + 1.0)
    inner_low, inner_high = about["quantiles"]["0.01"], about["quantiles"]["0.99"]
    inner = inner_high - inner_low
    if about["kind"] != "datetime" and inner > 0 and high - low > 2 * inner:
        low = inner_low if inner_low - low > 0.5 * inner else low
        high = inner_high if high - inner_high > 0.5 * inner else high
    if high <= low or (high - low) / BINS <= abs(high) * 1e-15:
        return np.array([low - 0.5, low + 0.5]) if abs(low) < 1e15 else np.array([low * 0.9, low * 1.1])
    return np.linspace(low, high, BINS + 1)


def _texts(connection: duckdb.DuckDBPyConnection, column: Column, distinct: int) -> Profile:
    """The most frequent texts, and how many occur once."""
    name = duck.name(column.name)
    top = connection.execute(
        f"select {name}, count(*) as n from data where {name} is not null group by 1 order by n desc, 1 limit {TOP}"
    ).fetchall()
    about: Profile = {"top": [[str(value)[:200], int(number)] for value, number in top]}
    length = connection.execute(f"select avg(length({name})) from data").fetchone()
    about["length"] = float(length[0]) if length and length[0] is not None else 0.0
    if distinct <= TOP:
        about["rare"] = sum(number == 1 for _, number in top)
    else:
        rare = connection.execute(
            f"select count(*) from (select 1 from data where {name} is not null group by {name} having count(*) = 1)"
        ).fetchone()
        about["rare"] = int(rare[0]) if rare else 0
    return about


def _duplicates(connection: duckdb.DuckDBPyConnection, schema: Schema) -> int | None:
    """Rows that say the same as an earlier one; ids and pictures do not count."""
    told = [duck.name(column.name) for column in schema.columns if column.kind not in ("id", "image")]
    if len(told) < 2 or len(told) > DUPLICATE_COLUMNS:
        return None
    found = connection.execute(f"select count(*) - count(distinct hash({', '.join(told)})) from data").fetchone()
    return int(found[0]) if found else 0


# pictures


def _images(connection: duckdb.DuckDBPyConnection, folder: Path) -> Profile:
    source = duck.parquet(folder / "files.parquet")
    row = connection.execute(
        f"""select count(*), count(distinct stored), min(width), median(width), max(width),
            min(height), median(height), max(height) from {source}"""
    ).fetchone()
    assert row is not None
    sizes = connection.execute(
        f"select width || '×' || height as size, count(*) as n from {source} group by 1 order by n desc, 1 limit {TOP}"
    ).fetchall()
    doubled = connection.execute(
        f"select list(path order by path) from {source} group by stored having count(*) > 1 order by 1 limit 50"
    ).fetchall()

    def counted(name: str) -> dict[str, int]:
        return dict(connection.execute(f"select {name}, count(*) from {source} group by 1 order by 2 desc").fetchall())

    return {
        "count": int(row[0]),
        "distinct": int(row[1]),
        "width": [float(value) for value in row[2:5]],
        "height": [float(value) for value in row[5:8]],
        "sizes": [[size, int(number)] for size, number in sizes],
        "formats": counted("format"),
        "modes": counted("mode"),
        "doubled": [paths for (paths,) in doubled],
    }


# series


def _series(connection: duckdb.DuckDBPyConnection, time: Column, schema: Schema) -> Profile:
    ids = [duck.name(column.name) for column in schema.having("series")]
    code = f"dense_rank() over (order by {', '.join(ids)})" if ids else "1"
    frame = connection.execute(f"select {duck.name(time.name)} as t, {code} as code from data").fetchnumpy()
    times = np.ma.filled(np.ma.asarray(frame["t"], dtype=np.float64), np.nan)
    codes = np.asarray(frame["code"], dtype=np.int64)
    known = np.isfinite(times)
    times, codes = times[known], codes[known]
    lengths = np.unique(codes, return_counts=True)[1]
    about: Profile = {
        "number": len(lengths),
        "timeless": int((~known).sum()),
        "length": [int(lengths.min()), float(np.median(lengths)), int(lengths.max())] if len(lengths) else [0, 0.0, 0],
        "from": float(times.min()) if len(times) else None,
        "to": float(times.max()) if len(times) else None,
    }
    regular = regularity(times, codes, time.storage == "number") if len(times) else None
    if regular is None:
        return about | {"frequency": None, "step": None, "regular": 0.0, "doubled": 0, "gaps": 0, "missing_steps": 0}
    ends = pd.DataFrame({"code": codes, "t": times}).groupby("code")["t"].agg(["min", "max", "nunique"])
    spans = Grid.of(regular.frequency, regular.step).between(ends["min"].to_numpy(), ends["max"].to_numpy()) + 1
    missing = np.maximum(spans - ends["nunique"].to_numpy(), 0)
    return about | {
        "frequency": regular.frequency,
        "step": regular.step,
        "regular": regular.regular,
        "doubled": round(regular.doubled * len(times)),
        "gaps": int((missing > 0).sum()),
        "missing_steps": int(missing.sum()),
    }

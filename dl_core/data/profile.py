"""What a whole dataset looks like: counts and distributions of every column, of its pictures and of its series.

`profile.json` holds, with every number over all rows:
    rows        how many
    columns     {name: {"kind", "storage", "missing", "distinct", …}}
        numbers     "min" "max" "mean" "std" "zeros" "negative" "whole" "quantiles" {"0.01": …}
                    "histogram" {"edges", "counts", "below", "above"}: ends clipped to the 1 % and 99 % quantiles where
                    a tail would squeeze the rest; "below" and "above" count what lies outside. None of these where
                    nothing is known, no histogram where the range is beyond all numbers
        times       the same, in epoch seconds
        texts       "top" [[value, rows], …] (the 20 most frequent), "rare" (values that occur once), "length" (mean)
    duplicates  rows that repeat an earlier one, ids left out; None where that was not counted
    images      {"count", "distinct", "width" [min, median, max], "height" […], "sizes" [["32×32", n], …], "formats",
                "modes", "doubled" [[path, path, …], …]}
    series      {"number", "frequency", "step", "regular", "doubled", "gaps", "length" [min, median, max], "from", "to",
                "short" …}
"""

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
CELLS_AT_ONCE = 4_000_000
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
DUPLICATE_COLUMNS = 300

Profile = dict[str, Any]


def profile(folder: Path, schema: Schema, scratch: Path | None = None) -> Profile:
    """The profile of the dataset in `folder`, whose columns are `schema`. Holds few columns at a time in memory."""
    with duck.connect(scratch) as connection:
        connection.execute(f"create view data as select * from {duck.parquet(folder / 'data.parquet')}")
        rows = int((connection.execute("select count(*) from data").fetchone() or (0,))[0])
        result: Profile = {
            "rows": rows,
            "columns": _columns(connection, schema, rows),
            "duplicates": _duplicates(connection, schema),
        }
        if any(column.kind == "image" for column in schema.columns):
            result["images"] = _images(connection, folder)
        time = schema.having("time")
        if time:
            result["series"] = _series(connection, time[0], schema)
    return result


# columns


def _columns(connection: duckdb.DuckDBPyConnection, schema: Schema, rows: int) -> dict[str, Profile]:
    found: dict[str, Profile] = {}
    numbers = [column for column in schema.columns if column.storage in ("number", "time")]
    batch = int(np.clip(CELLS_AT_ONCE // max(1, rows), 1, 200))
    for first in range(0, len(numbers), batch):
        some = numbers[first : first + batch]
        named = ", ".join(f"{duck.name(column.name)} as v{place}" for place, column in enumerate(some))
        arrays = connection.execute(f"select {named} from data").fetchnumpy()
        for place, column in enumerate(some):
            values = np.ma.masked_invalid(arrays[f"v{place}"].astype(np.float64)).compressed()
            found[column.name] = _numbers(np.sort(values), rows, column.kind == "datetime")
    return {
        column.name: {"kind": column.kind, "storage": column.storage}
        | (found.get(column.name) or _texts(connection, column, rows))
        for column in schema.columns
    }


def _numbers(values: np.ndarray, rows: int, is_time: bool) -> Profile:
    """Counts, moments and a histogram of sorted numbers (n,)."""
    about: Profile = {"missing": rows - len(values), "distinct": 0}
    if not len(values):
        return about
    low, high = float(values[0]), float(values[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
        quantiles = {
            str(level): float(number) for level, number in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)
        }
    about |= {
        "distinct": 1 + int((np.diff(values) != 0).sum()),
        "min": low,
        "max": high,
        "mean": mean if np.isfinite(mean) else None,
        "std": spread if np.isfinite(spread) else None,
        "quantiles": quantiles,
        "zeros": int((values == 0).sum()),
        "negative": int((values < 0).sum()),
        "whole": bool((values == np.floor(values)).all()),
    }
    if np.isfinite(high - low):
        edges = _edges(low, high, quantiles["0.01"], quantiles["0.99"], about["whole"] and not is_time, is_time)
        places = np.searchsorted(values, edges, side="left")
        places[-1] = np.searchsorted(values, edges[-1], side="right")  # the last bin holds its upper end as well
        about["histogram"] = {
            "edges": edges.tolist(),
            "counts": np.diff(places).tolist(),
            "below": int(places[0]),
            "above": int(len(values) - places[-1]),
        }
    return about


def _edges(low: float, high: float, first: float, last: float, whole: bool, is_time: bool) -> np.ndarray:
    """At most BINS bins of equal width from `low` to `high`; one for each value where a few whole numbers are all there
    is; ends clipped to the `first` and `last` percentile where a tail would squeeze the rest."""
    if whole and high - low < BINS and max(-low, high) < 2**50:
        return np.arange(low - 0.5, high + 1.0)
    if not is_time and 0 < 2 * (last - first) < high - low:
        low = first if first - low > 0.5 * (last - first) else low
        high = last if high - last > 0.5 * (last - first) else high
    edges = np.linspace(low, high, BINS + 1)
    if (np.diff(edges) > 0).all():
        return edges
    return np.array([np.nextafter(low, -np.inf), np.nextafter(high, np.inf)])  # nothing lies between


def _texts(connection: duckdb.DuckDBPyConnection, column: Column, rows: int) -> Profile:
    """How many texts there are, which are the most frequent, and how many occur once."""
    name = duck.name(column.name)
    counted = f"(select {name} as v, count(*) as n from data where {name} is not null group by 1)"
    found = connection.execute(
        f"select count(*), coalesce(sum(n), 0), count(*) filter (n = 1), coalesce(sum(n * length(v)) / sum(n), 0) "
        f"from {counted}"
    ).fetchone()
    distinct, present, rare, length = found or (0, 0, 0, 0.0)
    about: Profile = {"missing": rows - int(present), "distinct": int(distinct)}
    if column.storage == "text" and distinct:
        top = connection.execute(f"select v, n from {counted} order by n desc, v limit {TOP}").fetchall()
        about["top"] = [[str(value)[:200], int(number)] for value, number in top]
        about |= {"rare": int(rare), "length": float(length)}
    return about


def _duplicates(connection: duckdb.DuckDBPyConnection, schema: Schema) -> int | None:
    """Rows that say the same as an earlier one; ids do not count, a picture counts by its path."""
    told = [duck.name(column.name) for column in schema.columns if column.kind != "id"]
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

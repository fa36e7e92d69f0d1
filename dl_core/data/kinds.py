"""What the columns of a table of texts are: kinds decided by counting all values, each with its reason."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dl_core.data import duck
from dl_core.data.dataset import ROW
from dl_core.data.schema import Column
from dl_core.data.values import (
    BLANKS,
    EPOCH_UNITS,
    FORMATS,
    MISSING,
    TEXT_MISSING,
    clock_format,
    number_pattern,
    parse_times,
)
from dl_core.problems import Problem

SAMPLE = 300
CELLS_AT_ONCE = 2_000_000
MISFIT_SHARE = 0.02
"""Up to this share of a number column may be words; they count as missing and are reported."""
MANY_VALUES = 50
SURE_REPEATS = 20
LONG_TEXT, MANY_WORDS = 40, 4
BOOLEANS = (
    {"0", "1"}, {"yes", "no"}, {"true", "false"}, {"t", "f"}, {"y", "n"}, {"on", "off"}, {"ja", "nein"}, {"oui", "non"},
)  # fmt: skip
NO_NUMBER = {
    "unknown",
    "missing",
    "not available",
    "no data",
    "nil",
    "none",
    "--",
    "---",
    ".",
    "..",
    "*",
    "<na>",
    "nd",
    "tbd",
}

ID_NAME = re.compile(
    r"(?i:(?:^|[_\s.-])(?:id|ids|uuid|guid|key|rownames?|index|instant|serial|nr|no)$|^(?:id|no|nr)(?:[_\s.-]|$)"
    r"|^unnamed: ?0$|^customerid$|^udi$)|[a-z](?:ID|Id)$",
)
TIME_NAME = re.compile(
    r"(?:^|[_\s.-])(?:date|datetime|time|timestamp|ts|ds|day|week|month|quarter|year|period|datum|zeit|monat|jahr|epoch|unix)"
    r"(?:$|[_\s.-])|(?:date|time|_at|timestamp)$",
    re.IGNORECASE,
)

_TRIM = duck.literal(BLANKS)
_WHOLE = r"[+-]?[0-9]+"
_ZEROS = r"[+-]?0[0-9]+"
GRAMMARS: dict[str, dict[str, str]] = {
    "point": {"decimal": "."},
    "comma": {"decimal": ","},
    "point grouped": {"decimal": ".", "thousands": ","},
    "comma grouped": {"decimal": ",", "thousands": "."},
}


@dataclass(frozen=True)
class Counts:
    """What all values of one column add up to. `numbers` counts the values that fit each of GRAMMARS."""

    rows: int
    present: int
    present_text: int
    distinct: int
    distinct_text: int
    numbers: dict[str, int]
    whole: int
    zeros: int
    low: float | None
    high: float | None
    mean_length: float
    mean_words: float
    sample: list[str]
    strangers: list[str]


# reading values in SQL, by the rules of data/values.py


def trimmed(column: str) -> str:
    return f"trim({column}, {_TRIM})"


def _among(text: str, tokens: Sequence[str]) -> str:
    return f"{text} in ({', '.join(duck.literal(token) for token in tokens)})"


def number_sql(text: str, decimal: str = ".", thousands: str = "") -> str:
    """The DOUBLE in a trimmed text, null where it is none."""
    digits = f"replace({text}, {duck.literal(thousands)}, '')" if thousands else text
    mapped = f"replace({digits}, {duck.literal(decimal)}, '.')" if decimal != "." else digits
    value = f"try_cast({mapped} as double)"
    fits = f"regexp_full_match({text}, {duck.literal(number_pattern(decimal, thousands))})"
    return f"case when {fits} and isfinite({value}) then {value} end"


def value_sql(connection: duckdb.DuckDBPyConnection, source: str, column: Column, whole: bool = False) -> str:
    """The stored value of `column` from the text column `source`. `whole` numbers become BIGINT."""
    text = trimmed(source)
    if column.storage == "text":
        return f"case when {_among(text, TEXT_MISSING)} then null else {text} end"
    if column.storage == "time":
        return f"{time_function(connection, column.parse.get('format', FORMATS[0]))}({source})"
    if column.storage == "image":
        return source
    grammar = {key: column.parse[key] for key in ("decimal", "thousands") if key in column.parse}
    if whole and not grammar:
        return f"try_cast({text} as bigint)"
    return number_sql(text, **grammar)


def time_function(connection: duckdb.DuckDBPyConnection, format: str) -> str:
    """The name of a SQL function that is parse_times() for `format`."""
    name = "time_" + format.encode().hex()
    known = connection.execute("select 1 from duckdb_functions() where function_name = ?", [name]).fetchall()
    if not known:

        def parse(texts: pa.ChunkedArray) -> pa.Array:
            encoded = texts.combine_chunks().dictionary_encode()
            values = pa.array(parse_times(encoded.dictionary.to_pylist(), format), from_pandas=True)
            return values.take(encoded.indices)

        connection.create_function(  # type: ignore[call-overload]
            name, parse, ["VARCHAR"], "DOUBLE", type="arrow", null_handling="special"
        )
    return name


# counting


def count(connection: duckdb.DuckDBPyConnection, table: str, sources: Sequence[str]) -> list[Counts]:
    """Count the values of the text columns `sources` of `table`, together: distinct values once, with their number."""
    text_absent, absent = (f"t is null or {_among('t', tokens)}" for tokens in (TEXT_MISSING, MISSING))
    fits = {name: duck.literal(number_pattern(**grammar)) for name, grammar in GRAMMARS.items()}
    numbers = ", ".join(f"coalesce(sum(n) filter (p and regexp_full_match(t, {fit})), 0)" for fit in fits.values())
    rows = connection.execute(
        f"""
        select place, coalesce(sum(n), 0), coalesce(sum(n) filter (p), 0), coalesce(sum(n) filter (pt), 0),
            count(*) filter (p), count(*) filter (pt),
            coalesce(sum(n) filter (p and regexp_full_match(t, '{_WHOLE}')), 0),
            coalesce(sum(n) filter (p and regexp_full_match(t, '{_ZEROS}')), 0),
            min(try_cast(t as double)) filter (p and regexp_full_match(t, {fits["point"]})),
            max(try_cast(t as double)) filter (p and regexp_full_match(t, {fits["point"]})),
            coalesce(sum(n * length(t)) filter (pt) / sum(n) filter (pt), 0),
            coalesce(sum(n * (length(t) - length(replace(t, ' ', '')) + 1)) filter (pt) / sum(n) filter (pt), 0),
            arg_min(t, hash(t), {SAMPLE}) filter (pt),
            arg_min(t, hash(t), 4) filter (p and not regexp_full_match(t, {fits["point"]})
                and not regexp_full_match(t, {fits["comma grouped"]})),
            {numbers}
        from (
            select place, t, n, not ({text_absent}) as pt, not ({absent}) as p
            from (
                select place, {trimmed("v")} as t, count(*) as n
                from (
                    select generate_subscripts(vs, 1) as place, unnest(vs) as v
                    from (select [{", ".join(sources)}] as vs from {table})
                )
                group by all
            )
        )
        group by place order by place
        """
    ).fetchall()
    return [_counts(row[1:]) for row in rows]


def _counts(row: Sequence[Any]) -> Counts:
    rows, present, present_text, distinct, distinct_text, whole, zeros, low, high, length, words, sample, strangers = (
        row[:13]
    )
    return Counts(
        rows=int(rows),
        present=int(present),
        present_text=int(present_text),
        distinct=int(distinct),
        distinct_text=int(distinct_text),
        numbers={name: int(found) for name, found in zip(GRAMMARS, row[13:], strict=True)},
        whole=int(whole),
        zeros=int(zeros),
        low=low,
        high=high,
        mean_length=float(length),
        mean_words=float(words),
        sample=list(sample or []),
        strangers=list(strangers or []),
    )


# deciding


@dataclass(frozen=True)
class Finding:
    """A column, whether all its values are whole numbers, and what to tell about it."""

    column: Column
    counts: Counts
    whole: bool = False
    problems: tuple[Problem, ...] = ()


def infer(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    names: Sequence[str],
    known: dict[str, Column],
    semicolons: bool = False,
    progress: Callable[[str, float], None] = lambda text, share: None,
) -> list[Finding]:
    """Decide every column of `table` (c0, c1, … called `names`). `known` columns are taken as they are; `semicolons`
    says that the file separates by them, as countries with a decimal comma do."""
    counts: list[Counts] = []
    rows = (connection.execute(f"select count(*) from {table}").fetchone() or (0,))[0]
    batch = int(np.clip(CELLS_AT_ONCE // max(1, rows), 1, 500))
    for first in range(0, len(names), batch):
        sources = [f"c{position}" for position in range(first, min(first + batch, len(names)))]
        counts += count(connection, table, sources)
        progress("Looking at every value", len(counts) / len(names))
    decimal = _decimal(counts, semicolons)
    findings = []
    for position, (name, counted) in enumerate(zip(names, counts, strict=True)):
        if name in known:
            findings.append(Finding(known[name], counted, whole=counted.whole == counted.present))
            continue
        findings.append(_decide(connection, table, position, name, counted, decimal))
    return findings


def _decimal(counts: Sequence[Counts], semicolons: bool) -> str:
    """The decimal mark of the file: that of the columns which fit only one, and not as groups of the other either."""

    def only(mark: str, other: str) -> int:
        fits = [0 < c.present == c.numbers[mark] > max(c.numbers[other], c.numbers[f"{other} grouped"]) for c in counts]
        return sum(fits)

    point, comma = only("point", "comma"), only("comma", "point")
    return "comma" if comma > point or (semicolons and point == 0) else "point"


def _decide(
    connection: duckdb.DuckDBPyConnection, table: str, position: int, name: str, counts: Counts, decimal: str
) -> Finding:
    c = counts
    if c.present_text == 0:
        column = Column(name=name, kind="category", storage="text", role="ignored", reason="every value is missing")
        return Finding(column, c)
    if c.distinct_text == 1 and c.present_text == c.rows:
        number = c.numbers["point"] == c.present > 0
        column = Column(
            name=name,
            kind="numeric" if number else "category",
            storage="number" if number else "text",
            role="ignored",
            reason=f"all {c.rows:,} values are {c.sample[0]!r}: a constant tells nothing",
        )
        return Finding(column, c)
    values = {text.lower() for text in c.sample} if c.distinct_text <= 4 else set()
    if values in BOOLEANS:
        listed = " and ".join(repr(text) for text in sorted(set(c.sample)))
        reason = f"{_all(c.present_text, c.rows)} are {listed}"
        return Finding(Column(name=name, kind="boolean", storage="text", reason=reason), c)
    timed = _as_time(connection, table, position, name, c)
    if timed is not None:
        return timed
    grammar = _grammar(c, decimal)
    if grammar is not None:
        return _as_number(name, c, grammar, is_first=position == 0)
    return _as_text(name, c)


def _all(present: int, rows: int) -> str:
    return f"all {rows:,} values" if present == rows else f"all {present:,} values that are there"


def _grammar(counts: Counts, decimal: str) -> str | None:
    """The first number grammar that the values fit, beginning with the file's own decimal mark."""
    other = "comma" if decimal == "point" else "point"
    if not counts.present:
        return None
    order = (decimal, f"{decimal} grouped", other, f"{other} grouped")
    for name in order:
        if counts.numbers[name] == counts.present:
            return name
    best = max(order, key=lambda name: counts.numbers[name])
    misfits = counts.present - counts.numbers[best]
    words = {text.lower() for text in counts.strangers}
    if 0 < misfits <= MISFIT_SHARE * counts.present or (words <= NO_NUMBER and 2 * misfits < counts.present):
        return best
    return None


def _as_number(name: str, counts: Counts, grammar: str, is_first: bool) -> Finding:
    c = counts
    if c.zeros and c.whole == c.present:
        example = next((text for text in c.sample if re.fullmatch(_ZEROS, text)), "007")
        reason = f"whole numbers such as {example!r} begin with a zero: codes, not quantities"
        kind_of_code = "id" if c.distinct_text == c.present_text and c.rows > 20 else "category"
        role = "ignored" if kind_of_code == "id" else "feature"
        return Finding(Column(name=name, kind=kind_of_code, storage="text", role=role, reason=reason), c)  # type: ignore[arg-type]
    whole = c.whole == c.present and c.low is not None and max(abs(c.low), abs(c.high or 0)) < 2**63
    if whole and (reason := _why_id(name, c, is_first)):
        return Finding(Column(name=name, kind="id", storage="text", role="ignored", reason=reason), c, whole=True)
    what = "whole numbers" if whole else "numbers"
    parse: dict[str, Any] = dict(GRAMMARS[grammar]) if grammar != "point" and not whole else {}
    how = {"comma": " with a decimal comma", "point grouped": " with commas between thousands"}.get(grammar, "")
    how = " with points between thousands" if grammar == "comma grouped" else how
    misfits = c.present - c.numbers[grammar]
    problems: tuple[Problem, ...] = ()
    if misfits:
        reason = f"{c.present - misfits:,} of {c.present:,} values are numbers{how}; {c.distinct:,} distinct"
        problems = (misfit_problem(name, misfits, c.strangers, "numbers"),)
    else:
        reason = f"{_all(c.present, c.rows)} are {what}{how if not whole else ''}; {c.distinct:,} distinct"
    return Finding(Column(name=name, kind="numeric", storage="number", reason=reason, parse=parse), c, whole, problems)


def misfit_problem(name: str, misfits: int, strangers: Sequence[str], noun: str) -> Problem:
    listed = ", ".join(repr(text[:40]) for text in strangers[:3])
    verb = "is no " + noun.rstrip("s") + " and counts" if misfits == 1 else f"are no {noun} and count"
    return Problem(
        "warning",
        f"{misfits:,} value{'' if misfits == 1 else 's'} of {name!r} {verb} as missing: {listed}.",
        fix=f"Mend them in the file, or make {name!r} a category.",
        column=name,
    )


def _why_id(name: str, counts: Counts, is_first: bool) -> str:
    """Why a column of whole numbers names rows instead of measuring something; empty where it does not."""
    c = counts
    if c.rows < 3 or TIME_NAME.search(name):
        return ""
    unique = c.distinct == c.present
    if ID_NAME.search(name):
        if unique:
            return f"named like an id, and all {c.present:,} values are distinct"
        return f"named like an id; {c.distinct:,} distinct" if c.distinct > 20 else ""
    if unique and c.present == c.rows >= 20 and c.low is not None and c.high is not None:
        if c.high - c.low + 1 == c.rows:
            return f"every whole number from {c.low:.0f} to {c.high:.0f} once: it counts the rows"
        repeats = c.rows**2 / 2 / (c.high - c.low + 1)  # as many would be expected among random draws
        if is_first and repeats >= SURE_REPEATS:
            return f"the first column, all {c.rows:,} values distinct where chance would repeat {repeats:,.0f}"
        if c.rows >= 100 and c.low >= 1e6 and len(str(int(c.low))) == len(str(int(c.high))):
            return f"all {c.rows:,} values are distinct numbers of {len(str(int(c.low)))} digits"
    return ""


def _as_text(name: str, counts: Counts) -> Finding:
    c = counts
    unique = c.distinct_text == c.present_text
    wordy = c.mean_words >= MANY_WORDS or c.mean_length >= LONG_TEXT
    mostly = c.distinct_text > 0.5 * c.present_text and c.distinct_text > 20
    share = f"{c.distinct_text:,} distinct of {c.present_text:,}"
    if ID_NAME.search(name) and not wordy and c.distinct_text > 20:
        reason = f"named like an id; {share}"
        return Finding(Column(name=name, kind="id", storage="text", role="ignored", reason=reason), c)
    if mostly and unique and c.mean_words < 2:
        reason = f"all {c.present_text:,} values are distinct: it names the rows"
        return Finding(Column(name=name, kind="id", storage="text", role="ignored", reason=reason), c)
    if mostly and wordy:
        size = f"{c.mean_words:.0f} words" if c.mean_words >= 1.5 else f"{c.mean_length:.0f} letters"
        reason = f"free text of {size} on average, {share}; left out until texts can be learned from"
        return Finding(Column(name=name, kind="text", storage="text", role="ignored", reason=reason), c)
    if mostly and c.distinct_text > MANY_VALUES:
        reason = f"mostly different texts ({share}): nothing repeats that could be learned"
        return Finding(Column(name=name, kind="text", storage="text", role="ignored", reason=reason), c)
    reason = f"texts that repeat: {share}"
    return Finding(Column(name=name, kind="category", storage="text", reason=reason), c)


# times


def _as_time(
    connection: duckdb.DuckDBPyConnection, table: str, position: int, name: str, counts: Counts
) -> Finding | None:
    c = counts
    if c.whole == c.present:
        format = _whole_time(name, c)
        return _time_finding(name, c, [format]) if format else None
    if c.numbers["point"] == c.present or not any(character.isdigit() for character in "".join(c.sample[:20])):
        return None
    sample = [text for text in c.sample if text not in MISSING]
    likely = [format for format in FORMATS if sample and not np.isnan(parse_times(sample, format)).any()]
    fitting = [format for format in likely if _fits(connection, table, f"c{position}", format, c.present)]
    if not fitting:
        return None
    if len(fitting) > 1 and len(c.sample) > 1:
        return _time_finding(name, c, _by_order(connection, table, f"c{position}", fitting))
    return _time_finding(name, c, fitting)


def _whole_time(name: str, counts: Counts) -> str | None:
    """Whole numbers that are times: days written as 20190131, and counts of seconds or less since 1970."""
    c = counts
    if c.low is None or c.high is None or c.distinct < 3:
        return None
    if c.low >= 18000101 and c.high <= 21001231 and not np.isnan(parse_times(c.sample, "%Y%m%d")).any():
        return "%Y%m%d"
    if not TIME_NAME.search(name):
        return None
    for unit, scale in (("epoch s", 1.0), ("epoch ms", 1e3), ("epoch us", 1e6), ("epoch ns", 1e9)):
        if 3e8 * scale <= c.low and c.high <= 4e9 * scale:
            return unit
    return None


def _fits(connection: duckdb.DuckDBPyConnection, table: str, source: str, format: str, present: int) -> bool:
    function = time_function(connection, format)
    found = connection.execute(
        f"select sum(n) from (select {function}({source}) as v, count(*) as n from {table} group by {source}) "
        "where v is not null"
    ).fetchone()
    return bool(found and found[0] == present)


def _by_order(connection: duckdb.DuckDBPyConnection, table: str, source: str, formats: list[str]) -> list[str]:
    """The formats, the one under which the file is most in order of time first; equal ones stay as they are."""
    orders = []
    for format in formats:
        function = time_function(connection, format)
        found = connection.execute(
            f"""select count(*) filter (v >= before), count(before) from (
                select v, lag(v) over (order by {ROW}) as before
                from (select {ROW}, {function}({source}) as v from {table} limit 200000) where v is not null)"""
        ).fetchone()
        ahead, pairs = found or (0, 0)
        orders.append(abs(ahead / pairs - 0.5) if pairs else 0.0)
    best = max(orders)
    clear = [format for format, order in zip(formats, orders, strict=True) if order > best - 0.02]
    return clear if len(clear) == 1 else sorted(formats, key=formats.index)


def _time_finding(name: str, counts: Counts, formats: list[str]) -> Finding:
    format = formats[0]
    example = next((text for text in counts.sample if text not in MISSING), "")
    reason = f"{_all(counts.present, counts.rows)} are times such as {example!r} (read as {format})"
    problems: tuple[Problem, ...] = ()
    if len(formats) > 1:
        reason += f"; {formats[1]} would fit as well"
        problems = (
            Problem(
                "warning",
                f"The times of {name!r} can be read as {format} or as {formats[1]}; {format} was taken.",
                fix="Write the days as 2019-01-31 where this is wrong.",
                column=name,
            ),
        )
    parse = {"format": format}
    if format not in EPOCH_UNITS and (clock := clock_format(counts.sample, format)):
        parse["clock"] = clock  # so that a forecast is written as the file is
    column = Column(name=name, kind="datetime", storage="time", reason=reason, parse=parse)
    return Finding(column, counts, problems=problems)

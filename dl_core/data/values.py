"""The one grammar of raw values: numbers, times and texts as people write them in files.

Needs numpy only and imports nothing of this package, so that a download kit can carry it as it is. `None` and NaN are
missing everywhere. The import types whole files by the same rules in SQL (data/kinds.py); tests keep the two equal.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

BLANKS = " \t\r\n\f\v\xa0\ufeff"
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "?", "-")
TEXT_MISSING = tuple(token for token in MISSING if token not in ("None", "-"))
"""In text these two are values: 'None' is an answer, '-' a sign."""

_TEXT_MISSING = frozenset(TEXT_MISSING)


# numbers


def number_pattern(decimal: str = ".", thousands: str = "") -> str:
    """The regular expression of a whole (trimmed) number. `thousands` is the mark between groups of three digits."""
    mark = re.escape(decimal)
    if thousands:
        group = re.escape(thousands)
        return rf"[+-]?(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})*|[0-9]+)(?:{mark}[0-9]*)?"
    return rf"[+-]?(?:[0-9]+{mark}?[0-9]*|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"


def parse_numbers(strings: Iterable[Any], decimal: str = ".", thousands: str = "") -> np.ndarray:
    """Numbers (n,) float64 from texts; NaN where a value is missing or is not a number of this grammar.

    >>> parse_numbers(["1,5", "NA", "7"], decimal=",")
    array([1.5, nan, 7. ])
    """
    whole = re.compile(number_pattern(decimal, thousands)).fullmatch

    def number(text: str) -> float:
        text = text.strip(BLANKS)
        if not whole(text):
            return math.nan
        value = float(text.replace(thousands, "").replace(decimal, ".") if thousands else text.replace(decimal, "."))
        return value if math.isfinite(value) else math.nan

    return _each(strings, number)


# texts


def clean_text(strings: Iterable[Any]) -> np.ndarray:
    """Texts (n,) object without blanks around them; None where missing."""
    return _objects([_clean(value) for value in strings])


def canonical_text(values: Iterable[Any]) -> np.ndarray:
    """Each value's one spelling (n,) object, so that a category is the same whether it was read as a number or as text:
    2, 2.0 and '2' are '2'; None where missing."""
    known: dict[tuple[type, Any], str | None] = {}  # 1 and True are one key, but not with their types
    result = []
    for value in values:
        key = (type(value), value)
        if key not in known:
            known[key] = _clean(number_text(value) if _is_number(value) else value)
        result.append(known[key])
    return _objects(result)


def _clean(value: Any) -> str | None:
    text = None if _absent(value) else str(value).strip(BLANKS)
    return None if text in _TEXT_MISSING else text


def number_text(value: float) -> str:
    """The shortest text of a number; whole numbers without a decimal mark. Missing is empty."""
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(float(value))


def column_names(header: Sequence[Any]) -> list[str]:
    """The names of a header row, made unique: an empty cell becomes 'column 3', a repeated name gets ' (2)'. Names that
    differ only in case count as repeated, and `_row` is taken."""
    names: list[str] = []
    taken = {"_row"}
    for position, cell in enumerate(header, start=1):
        base = str(cell).lstrip("\ufeff") if not _absent(cell) else ""
        base = base if base.strip(BLANKS) else f"column {position}"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name.casefold())
        names.append(name)
    return names


# times

_MONTHS_BY_LANGUAGE = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "jan feb mrz apr mai jun jul aug sep okt nov dez",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ene feb mar abr may jun jul ago sep oct nov dic",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "jan fev mar abr mai jun jul ago set out nov dez",
)
MONTHS = {name: number for line in _MONTHS_BY_LANGUAGE for number, name in enumerate(line.split(), start=1)}
MONTHS |= {name[:3]: MONTHS[name] for name in _MONTHS_BY_LANGUAGE[0].split()}

_DIRECTIVES = {
    "%Y": r"(?P<year>[0-9]{4})",
    "%y": r"(?P<short>[0-9]{2})",
    "%m": r"(?P<month>[0-9]{1,2})",
    "%d": r"(?P<day>[0-9]{1,2})",
    "%b": r"(?P<name>[^\W\d_]{3,10})\.?",
    "%q": r"(?P<quarter>[1-4])",
    "%V": r"(?P<week>[0-9]{1,2})",
    "%u": r"(?P<weekday>[1-7])",
}
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,? +)?"
_CLOCK = (
    r"(?:[T ,]\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?)?"
)
_COMPACT = {"%Y%m%d": r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"}

_DAY_PARTS = ("year", "short", "month", "day", "name", "quarter", "week", "weekday")
_DATE_MARKS = {4: "-", 7: "-"}
_ISO_MARKS = {
    10: _DATE_MARKS,
    16: {**_DATE_MARKS, 10: " T", 13: ":"},
    19: {**_DATE_MARKS, 10: " T", 13: ":", 16: ":"},
}

EPOCH_UNITS = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}

DAY_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
    "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y",
    "%d %b %Y", "%d. %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d-%b-%y", "%d %b %y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d",
    "%Y %b %d",
)  # fmt: skip
PERIOD_FORMATS = (
    "%Y-%m", "%Y/%m", "%Y.%m", "%Y %m", "%m/%Y", "%m.%Y", "%m-%Y", "%YM%m", "%Y-M%m", "%Y M%m",
    "%YQ%q", "%Y-Q%q", "%Y Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%Y W%V", "%Y-W%V", "%YW%V", "%Y-W%V-%u",
    "%b %Y", "%Y %b", "%b-%Y", "%Y-%b", "%Y/%b", "%b/%Y", "%b-%y", "%b %y", "%Y",
)  # fmt: skip
FORMATS = DAY_FORMATS + PERIOD_FORMATS
"""Directives as in strptime, and %q for the quarter. A weekday may come before, a time of day after."""


@lru_cache(maxsize=256)
def _time_pattern(format: str) -> re.Pattern:
    text = _COMPACT.get(format, "")
    if not text:
        parts = re.split(r"(%[a-zA-Z])", format)
        unknown = [part for part in parts if part.startswith("%") and part not in _DIRECTIVES]
        if unknown:
            raise ValueError(f"A time format may hold {', '.join(_DIRECTIVES)}. Received {unknown[0]} in {format!r}.")
        text = "".join(_DIRECTIVES.get(part, re.escape(part)) for part in parts)
    if "%d" in format or "%u" in format:
        text = _WEEKDAY + text + _CLOCK
    return re.compile(text)


def parse_times(strings: Iterable[Any], format: str) -> np.ndarray:
    """Seconds since 1970-01-01 UTC (n,) float64 from texts in one of FORMATS or EPOCH_UNITS; NaN where a value is
    missing or does not fit. Times without a zone count as UTC; a period counts from its first moment.

    >>> parse_times(["1970-01-02", "1970-01-01 01:00"], "%Y-%m-%d")
    array([86400.,  3600.])
    """
    if format in EPOCH_UNITS:
        return parse_numbers(strings) / EPOCH_UNITS[format]
    strings = list(strings)
    if format != "%Y-%m-%d":
        return _each(strings, _time_parser(format))
    seconds = _iso_seconds(strings)
    rest = np.flatnonzero(np.isnan(seconds))
    seconds[rest] = _each([strings[place] for place in rest], _time_parser(format))
    return seconds


def _iso_seconds(strings: Sequence[Any]) -> np.ndarray:
    """Times written like 2019-01-31, 2019-01-31 23:59 or 2019-01-31T23:59:59, with or without a Z (n,); NaN for all
    others, right or wrong: the general parser has the last word on them."""
    seconds = np.full(len(strings), np.nan)
    texts = [text.removesuffix("Z") if isinstance(text, str) else "" for text in strings]
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    for size, marks in _ISO_MARKS.items():
        places = np.flatnonzero(sizes == size)
        if not len(places):
            continue
        letters = np.array([texts[place] for place in places], dtype=f"U{size}").view(np.uint32).reshape(-1, size)
        digits = letters.astype(np.int64) - ord("0")
        plain = np.ones(len(places), dtype=bool)
        for position in range(size):
            if position in marks:
                plain &= np.isin(letters[:, position], [ord(mark) for mark in marks[position]])
            else:
                plain &= (digits[:, position] >= 0) & (digits[:, position] <= 9)
        places, digits = places[plain], digits[plain]

        def number(first: int, last: int, digits: np.ndarray = digits) -> np.ndarray:
            return digits[:, first:last] @ 10 ** np.arange(last - first - 1, -1, -1)

        year, month, day = number(0, 4), number(5, 7), number(8, 10)
        clock = [number(11, 13), number(14, 16), number(17, 19)] if size == 19 else [np.zeros(len(year), np.int64)] * 3
        if size == 16:
            clock = [number(11, 13), number(14, 16), clock[2]]
        known = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
        known &= (clock[0] <= 23) & (clock[1] <= 59) & (clock[2] <= 59)
        months = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (day - 1)
        known &= days.astype("datetime64[M]") == months
        value = days.astype(np.int64) * 86400.0 + clock[0] * 3600 + clock[1] * 60 + clock[2]
        seconds[places[known]] = value[known]
    return seconds


def _time_parser(format: str) -> Callable[[str], float]:
    """A function from one text to its seconds; days are looked up once."""
    whole = _time_pattern(format).fullmatch
    days: dict[tuple, float] = {}

    def seconds(text: str) -> float:
        match = whole(text.strip(BLANKS))
        if match is None:
            return math.nan
        found = match.groupdict()
        key = tuple(found.get(part) for part in _DAY_PARTS)
        if key not in days:
            days[key] = _day_seconds(found)
        return days[key] + _clock_seconds(found) if found.get("hour") else days[key]

    return seconds


def clock_format(texts: Iterable[str], format: str) -> str:
    """How most of these times in `format` write the time of day: strftime directives, with what stands before them;
    empty where most have none. Times are kept in UTC, so an offset becomes a Z.

    >>> clock_format(["2024-01-31T23:00:00"], "%Y-%m-%d")
    'T%H:%M:%S'
    """
    matches = (_time_pattern(format).fullmatch(text.strip(BLANKS)) for text in texts)
    seen = Counter(_clock_of(match) for match in matches if match is not None)
    return seen.most_common(1)[0][0] if seen else ""


def _clock_of(match: re.Match) -> str:
    found = match.groupdict()
    if not found.get("hour"):
        return ""
    before = re.search(r"[T ,]\s*$", match.string[: match.start("hour")])
    clock = (before[0] if before else " ") + ("%I:%M" if found["half"] else "%H:%M")
    clock += ":%S" if found["second"] else ""
    clock += f"{found['fraction'][0]}%f" if found["fraction"] else ""
    clock += " %p" if found["half"] else ""
    zone = found["zone"] or ""
    if zone[:1] in ("+", "-"):
        return clock + ("Z" if _offset(found) else zone)
    return clock + (" " if len(zone) > 1 else "") + zone


def _clock_seconds(found: dict[str, str | None]) -> float:
    """Seconds since midnight UTC; NaN for a time that no clock shows."""
    hour, minute, second = (int(found.get(part) or 0) for part in ("hour", "minute", "second"))
    half = (found.get("half") or "").replace(".", "").lower()
    if half:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return math.nan
    fraction = found.get("fraction")
    return hour * 3600 + minute * 60 + second + (float("0." + fraction[1:]) if fraction else 0.0) - _offset(found)


def _day_seconds(found: dict[str, str | None]) -> float:
    """Seconds from 1970 to the day; NaN for one that is in no calendar."""
    try:
        return (_day(found).toordinal() - 719163) * 86400.0
    except ValueError:
        return math.nan


def _day(found: dict[str, str | None]) -> date:
    if found.get("year"):
        year = int(found["year"])  # type: ignore[arg-type]
    else:
        short = int(found["short"])  # type: ignore[arg-type]
        year = short + (1900 if short >= 69 else 2000)  # the POSIX pivot
    if found.get("week"):
        return date.fromisocalendar(year, int(found["week"]), int(found.get("weekday") or 1))  # type: ignore[arg-type]
    if found.get("quarter"):
        return date(year, 3 * int(found["quarter"]) - 2, 1)  # type: ignore[arg-type]
    named = found.get("name")
    month = MONTHS.get(named.lower(), 0) if named else int(found.get("month") or 1)
    return date(year, month, int(found.get("day") or 1))


def _offset(found: dict[str, str | None]) -> int:
    zone = found.get("zone")
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
    return seconds if zone[0] == "+" else -seconds


# shared


def _each(strings: Iterable[Any], parse: Callable[[str], float]) -> np.ndarray:
    """parse() of each text, once for each distinct one; numbers pass as they are."""
    known: dict[Any, float] = {}
    result = []
    for value in strings:
        if isinstance(value, str):
            number = known.get(value)
            if number is None:
                number = known[value] = parse(value)
            result.append(number)
        else:
            result.append(math.nan if _absent(value) else float(value))
    return np.array(result, dtype=np.float64)


def _absent(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _objects(values: list) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array

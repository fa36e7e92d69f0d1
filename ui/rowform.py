"""A form for one row, made from the columns a model reads: sliders within the training range, choices from what was
seen in training. Everything may be missing, and words may be new."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import streamlit as st

from dl_core.data.schema import Column
from ui import words

MOST_AT_ONCE = 15
MOST_CHOICES = 500
WIDE = 12.0  # a range so many times as wide as its middle is too long for a slider
MISSING = "missing"

Values = dict[str, Any]


def draw(columns: list[Column], vocabularies: dict[str, list[str]], profile: dict, start: Values, key: str) -> Values:
    """A control per column, at the values of `start`; returns {column: value}, None for missing. What matters most
    comes first in `columns`; the rest is folded away."""
    values: Values = {}
    with st.grid(3, min_column_width=190, gap=("xsmall", "medium")):
        for column in columns[:MOST_AT_ONCE]:
            values[column.name] = _field(column, vocabularies, profile, start, key)
    if columns[MOST_AT_ONCE:]:
        with (
            st.expander(f"{len(columns) - MOST_AT_ONCE} more columns"),
            st.grid(3, min_column_width=190, gap=("xsmall", "medium")),
        ):
            for column in columns[MOST_AT_ONCE:]:
                values[column.name] = _field(column, vocabularies, profile, start, key)
    return values


def _field(column: Column, vocabularies: dict, profile: dict, start: Values, key: str) -> Any:
    about, value = profile.get(column.name, {}), start.get(column.name)
    value = None if pd.isna(value) else value
    slot = f"{key}_{column.name}"
    if column.storage == "time":
        return _moment(column, about, value, slot)
    if column.name in vocabularies:
        return _choice(column, vocabularies[column.name], value, slot)
    return _number(column, about, value, slot)


def _number(column: Column, about: dict, value: float | None, slot: str) -> float | None:
    low, high = about.get("min"), about.get("max")
    whole = bool(about.get("whole")) and (value is None or float(value).is_integer())
    cast: type[int] | type[float] = int if whole else float
    said = None if low is None else f"In training from {words.number(low)} to {words.number(high)}."
    if low is not None and high is not None and high > low and value is not None and _fits_slider(about):
        step = max(1, round((high - low) / 200)) if whole else _step(high - low)
        inside = min(max(value, low), high)
        return float(st.slider(column.name, cast(low), cast(high), cast(inside), step=step, key=slot, help=said))
    drawn = st.number_input(
        column.name, value=None if value is None else cast(value), step=1 if whole else None, key=slot, help=said,
        placeholder=MISSING, format=None if whole else "%.6g",
    )  # fmt: skip
    return None if drawn is None else float(drawn)


def _fits_slider(about: dict) -> bool:
    """Whether the range is short enough for a slider, and nothing is ever missing."""
    quantiles = about.get("quantiles") or {}
    middle = quantiles.get("0.95", 0) - quantiles.get("0.05", 0)
    return not about.get("missing") and middle > 0 and (about["max"] - about["min"]) <= WIDE * middle


def _step(span: float) -> float:
    """A round step of about a two-hundredth of the range."""
    step = 10.0**-6
    while step * 200 < span:
        step *= 10
    return step / 10 if step * 20 > span else step / 2


def _choice(column: Column, vocabulary: list[str], value: Any, slot: str) -> str | None:
    options = list(vocabulary[:MOST_CHOICES])
    if value is not None and str(value) not in options:
        options.append(str(value))
    drawn = st.selectbox(
        column.name, [MISSING, *options], index=0 if value is None else 1 + options.index(str(value)), key=slot,
        accept_new_options=True, help="A value that training never showed counts as unseen.",
    )  # fmt: skip
    return None if drawn == MISSING else drawn


def _moment(column: Column, about: dict, value: float | None, slot: str) -> float | None:
    day = None if value is None else datetime.fromtimestamp(value, UTC)
    said = None
    if about.get("min") is not None:
        ends = [datetime.fromtimestamp(about[end], UTC).strftime("%-d %b %Y") for end in ("min", "max")]
        said = f"In training from {ends[0]} to {ends[1]}."
    start: Any = day.date() if day else None
    drawn = st.date_input(
        column.name, value=start, min_value=date(1, 1, 1), max_value=date(9999, 12, 31), key=slot, help=said
    )
    if drawn is None:
        return None
    clock = day.timetz().replace(tzinfo=None) if day and drawn == day.date() else datetime.min.time()
    return datetime.combine(drawn, clock, UTC).timestamp()

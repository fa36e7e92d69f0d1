"""One grammar of raw values: in Python, as it travels with a download, and in SQL, as the import applies it."""

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl_core.data import duck
from dl_core.data.kinds import number_sql, time_function, trimmed, value_sql
from dl_core.data.schema import Column
from dl_core.data.values import (
    FORMATS,
    MISSING,
    canonical_text,
    clean_text,
    clock_format,
    column_names,
    number_text,
    parse_numbers,
    parse_times,
)

GRAMMARS = [{"decimal": "."}, {"decimal": ","}, {"decimal": ".", "thousands": ","}, {"decimal": ",", "thousands": "."}]
numberlike = st.text(alphabet="0123456789+-.,eE _\xa0\t", max_size=14) | st.floats(allow_nan=False).map(repr)
anything = (
    numberlike | st.text(max_size=8) | st.sampled_from([*MISSING, " 7 ", "1.", ".5", "+.5e-3", "1e999", "٣", "1_000"])
)


@pytest.fixture(scope="module")
def database():
    with duck.connect() as connection:
        yield connection


def in_sql(connection, texts, expression):
    connection.register("texts", pa.table({"place": range(len(texts)), "v": pa.array(texts, pa.string())}))
    rows = connection.execute(f"select {expression} from texts order by place").fetchall()
    return [row[0] for row in rows]


@given(texts=st.lists(st.none() | anything, min_size=1, max_size=40), grammar=st.sampled_from(GRAMMARS))
@settings(max_examples=60, deadline=None)
def test_sql_and_python_read_the_same_numbers(database, texts, grammar):
    found = in_sql(database, texts, number_sql(trimmed("v"), **grammar))
    expected = parse_numbers(texts, **grammar)
    np.testing.assert_array_equal([math.nan if value is None else value for value in found], expected)


@given(texts=st.lists(st.none() | st.text(max_size=12) | st.sampled_from(MISSING), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_sql_and_python_read_the_same_texts(database, texts):
    column = Column(name="v", kind="category", storage="text")
    assert in_sql(database, texts, value_sql(database, "v", column)) == clean_text(texts).tolist()


@pytest.mark.parametrize(
    ("text", "grammar", "number"),
    [
        ("1.5", {}, 1.5),
        (" +7 ", {}, 7.0),
        ("-.5e3", {}, -500.0),
        ("1,5", {"decimal": ","}, 1.5),
        ("1.234.567,8", {"decimal": ",", "thousands": "."}, 1234567.8),
        ("1,234", {"thousands": ","}, 1234.0),
        ("12,34", {"thousands": ","}, math.nan),
        ("1_000", {}, math.nan),
        ("0x10", {}, math.nan),
        ("inf", {}, math.nan),
        ("1e999", {}, math.nan),
        ("NA", {}, math.nan),
        (None, {}, math.nan),
        (2, {}, 2.0),
    ],
)
def test_numbers_follow_one_strict_grammar(text, grammar, number):
    np.testing.assert_equal(parse_numbers([text], **grammar)[0], number)


def test_a_dash_and_the_word_none_are_values_of_a_text_but_missing_as_numbers():
    assert clean_text(["None", "-", "?", " NA "]).tolist() == ["None", "-", None, None]
    assert np.isnan(parse_numbers(["None", "-", "?", " NA "])).all()


@given(value=st.integers(-(10**12), 10**12))
def test_a_number_has_one_spelling_whether_it_was_read_as_whole_as_float_or_as_text(value):
    assert set(canonical_text([value, float(value), str(value), np.int64(value)])) == {str(value)}


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_reads_back_as_that_number(value):
    assert parse_numbers([number_text(value)])[0] == value


@given(st.lists(st.none() | st.text(alphabet="aAbB ()2\ufeff", max_size=5), max_size=12))
def test_column_names_are_unique_even_where_case_does_not_count(header):
    names = column_names(header)
    assert len({name.casefold() for name in names}) == len(header)
    assert column_names(names) == names
    assert all(name.strip() for name in names)


# times

moments = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(2900, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)


def seconds(moment: dt.datetime) -> float:
    return (moment - dt.datetime(1970, 1, 1)) / dt.timedelta(seconds=1)


@given(moment=moments, separator=st.sampled_from(" T"), zone=st.sampled_from(["", "Z", "+00:00"]))
def test_iso_times_are_exact(moment, separator, zone):
    assert parse_times([moment.isoformat(separator) + zone], "%Y-%m-%d")[0] == seconds(moment)


@given(
    moment=moments, format=st.sampled_from([f for f in FORMATS if "%y" not in f and "%q" not in f and "%V" not in f])
)
def test_every_format_reads_what_strftime_writes(moment, format):
    written = moment.strftime(format).zfill(4)
    read = parse_times([written], format)[0]
    expected = dt.datetime.strptime(written, format)
    assert read == seconds(expected)


@given(texts=st.lists(st.text(alphabet="0123456789-/. :TZ", max_size=20) | moments.map(str), max_size=30))
@settings(max_examples=60, deadline=None)
def test_sql_and_python_read_the_same_times(database, texts):
    name = time_function(database, "%Y-%m-%d")
    found = in_sql(database, texts, f"{name}(v)") if texts else []
    expected = parse_times(texts, "%Y-%m-%d")
    np.testing.assert_array_equal([math.nan if value is None else value for value in found], expected)


@pytest.mark.parametrize(
    ("text", "format", "moment"),
    [
        ("1991 W06", "%Y W%V", dt.datetime(1991, 2, 4)),
        ("2019-W01-7", "%Y-W%V-%u", dt.datetime(2019, 1, 6)),
        ("1976 Jul", "%Y %b", dt.datetime(1976, 7, 1)),
        ("2019Q3", "%YQ%q", dt.datetime(2019, 7, 1)),
        ("2019M03", "%YM%m", dt.datetime(2019, 3, 1)),
        ("3. März 2020", "%d. %b %Y", dt.datetime(2020, 3, 3)),
        ("Mon, 06 Jan 2020", "%d %b %Y", dt.datetime(2020, 1, 6)),
        ("1/31/2011 3:05 PM", "%m/%d/%Y", dt.datetime(2011, 1, 31, 15, 5)),
        ("31.12.99", "%d.%m.%y", dt.datetime(1999, 12, 31)),
        ("2020-01-01T10:00:00+02:00", "%Y-%m-%d", dt.datetime(2020, 1, 1, 8)),
        ("1700", "%Y", dt.datetime(1700, 1, 1)),
        ("20190131", "%Y%m%d", dt.datetime(2019, 1, 31)),
        ("1600000000000", "epoch ms", dt.datetime(2020, 9, 13, 12, 26, 40)),
    ],
)
def test_periods_months_and_clocks_are_read(text, format, moment):
    assert parse_times([text], format)[0] == seconds(moment)


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("2019-02-29", "%Y-%m-%d"),
        ("2019-13-01", "%Y-%m-%d"),
        ("2019-01-01 25:00", "%Y-%m-%d"),
        ("2019-01-01 13:00 pm", "%Y-%m-%d"),
        ("2021 W54", "%Y W%V"),
        ("now", "%Y-%m-%d"),
        ("", "%Y"),
    ],
)
def test_days_that_no_calendar_knows_are_missing(text, format):
    assert np.isnan(parse_times([text], format)[0])


def test_an_unknown_directive_is_refused():
    with pytest.raises(ValueError, match="%Q"):
        parse_times(["2019"], "%Y%Q")


@pytest.mark.parametrize(
    ("text", "format", "clock"),
    [
        ("2024-01-31 23:05", "%Y-%m-%d", " %H:%M"),
        ("2024-01-31T23:05:09Z", "%Y-%m-%d", "T%H:%M:%SZ"),
        ("2024-01-31 23:05:09+00:00", "%Y-%m-%d", " %H:%M:%S+00:00"),
        ("2024-01-31 23:05:09.250000", "%Y-%m-%d", " %H:%M:%S.%f"),
        ("31.01.2024, 23:05:09", "%d.%m.%Y", ", %H:%M:%S"),
        ("01/31/2024 11:05 PM", "%m/%d/%Y", " %I:%M %p"),
        ("20240131 23:05 UTC", "%Y%m%d", " %H:%M UTC"),
    ],
)
def test_a_time_of_day_is_written_as_it_was_read(text, format, clock):
    assert clock_format([text, text, "2024-01-31"], format) == clock
    moment = dt.datetime.fromtimestamp(parse_times([text], format)[0], dt.UTC)
    assert moment.strftime(format + clock) == text


def test_days_without_a_clock_and_other_zones():
    assert clock_format(["2024-01-31", "2024-02-01", "2024-02-02 10:00"], "%Y-%m-%d") == ""
    assert clock_format(["2024-01-31T23:05+02:00"], "%Y-%m-%d") == "T%H:%MZ"  # times are kept in UTC

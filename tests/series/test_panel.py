"""Long tables become regular series, and the latest history becomes what a network eats."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl_core.data.panel import (
    Grid,
    PanelError,
    answer_table,
    calendar_numbers,
    calendar_parts,
    format_times,
    guess_frequency,
    guess_step,
    history_arrays,
    regular_panel,
)
from dl_core.data.values import parse_times

ALIASES = ("min", "30min", "h", "D", "B", "W", "MS", "ME", "QS", "QE", "YS", "YE", "2MS", "10D")


def epoch(*texts: str) -> np.ndarray:
    return pd.DatetimeIndex(texts).as_unit("s").astype("int64").to_numpy(np.float64)


def dates(alias: str, periods: int, start: str = "2019-11-29") -> np.ndarray:
    return pd.date_range(start, periods=periods, freq=alias).as_unit("s").astype("int64").to_numpy(np.float64)


def table(times, values, **ids) -> pd.DataFrame:
    return pd.DataFrame({**ids, "t": np.asarray(times, float), "y": np.asarray(values, float)})


def state(frequency: str = "step", series: tuple = (), **more) -> dict:
    columns = {"time": "t", "series": list(series), "target": "y", "time_format": None}
    return {**columns, "frequency": frequency, "step": 1.0, **more}


@pytest.mark.parametrize("alias", ALIASES)
def test_a_frequency_is_recognised_and_counts_its_own_steps(alias):
    times = dates(alias, 40)
    assert Grid.of(guess_frequency(times, np.zeros(40))) == Grid.of(alias)
    grid = Grid.of(alias)
    np.testing.assert_array_equal(grid.ahead(times[:1], np.arange(40)), times)
    np.testing.assert_array_equal(grid.between(times, np.full(40, times[-1])), np.arange(39, -1, -1))


@given(
    alias=st.sampled_from(ALIASES),
    start=st.dates(pd.Timestamp("1900-01-01").date(), pd.Timestamp("2100-01-01").date()),
    steps=st.integers(0, 500),
)
def test_going_ahead_and_counting_back_agree(alias, start, steps):
    grid = Grid.of(alias)
    first = dates(alias, 1, str(start))
    assert grid.between(first, grid.ahead(first, np.array([steps]))) == steps


def test_months_follow_the_calendar_and_keep_their_day():
    grid = Grid.of("MS")
    ahead = grid.ahead(epoch("2024-01-31 06:00"), np.arange(4))
    np.testing.assert_array_equal(
        ahead, epoch("2024-01-31 06:00", "2024-02-29 06:00", "2024-03-31 06:00", "2024-04-30 06:00")
    )
    np.testing.assert_array_equal(Grid.of("ME").ahead(epoch("2023-02-28"), np.array([1])), epoch("2023-03-31"))


def test_four_weekly_reports_are_no_months():
    assert guess_frequency(dates("28D", 20), np.zeros(20)) == "28D"


def test_jittering_clocks_are_rounded_to_the_nearest_usual_distance():
    times = dates("h", 200) + np.random.default_rng(0).integers(-40, 40, 200)
    frequency = guess_frequency(times, np.zeros(200))
    assert frequency == "h"
    panel = regular_panel(table(times, range(200)), state(frequency))
    assert panel.lengths.tolist() == [200]


def test_a_frequency_that_is_none_is_refused_by_name():
    with pytest.raises(PanelError, match="'fortnight' is no frequency"):
        Grid.of("fortnight")
    with pytest.raises(PanelError, match="No series has two different times"):
        guess_frequency(epoch("2020-01-01", "2020-01-01"), np.zeros(2))
    with pytest.raises(PanelError, match="not whole"):
        guess_step(np.array([0.5, 1.0]), np.zeros(2))


def test_gaps_become_nan_duplicates_are_averaged_and_series_keep_their_order():
    frame = table([3, 1, 5, 2, 1, 1], [30, 10, 50, 200, 100, 300], id=["b", "b", "b", "a", "a", "a"])
    panel = regular_panel(frame, state(series=["id"]))
    assert panel.names() == ["b", "a"]
    np.testing.assert_array_equal(panel.series(0), [10, np.nan, 30, np.nan, 50])
    np.testing.assert_array_equal(panel.series(1), [200, 200])
    assert panel.last.tolist() == [5, 2] and panel.duplicates == 1


def test_a_series_runs_from_its_first_to_its_last_known_value():
    frame = table([0, 1, 2, 3, 4, np.nan], [np.nan, 1, np.nan, 2, np.nan, 9], id=["a"] * 6)
    frame = pd.concat([frame, table([0], [np.nan], id=["empty"])], ignore_index=True)
    panel = regular_panel(frame, state(series=["id"]))
    np.testing.assert_array_equal(panel.values, [1, np.nan, 2])
    assert (panel.last.tolist(), panel.timeless, panel.unknown) == ([3], 1, 1)


def test_one_wrong_date_does_not_ask_for_millions_of_steps():
    times = np.concatenate([dates("s", 50), epoch("1970-01-01")])
    with pytest.raises(PanelError, match="Check the time column for wrong dates"):
        regular_panel(table(times, range(51)), state("s"))


def test_a_table_without_any_value_is_refused():
    with pytest.raises(PanelError, match="Expected a history"):
        regular_panel(table([1, 2], [np.nan, np.nan]), state())


@pytest.mark.parametrize(
    "pattern", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m", "%Y %b", "%b-%y", "%YQ%q", "Q%q %Y", "%Y W%V", "%Y-W%V-%u", "epoch ms"]
)
def test_times_are_written_as_they_were_read(pattern):
    alias = "QS" if "%q" in pattern else "W-MON" if "%V" in pattern else "MS"
    times = dates(alias, 30, "1999-12-20")
    np.testing.assert_array_equal(parse_times(format_times(times, pattern), pattern), times)


def test_calendar_numbers_repeat_with_their_cycle():
    grid = Grid.of("h")
    assert calendar_parts(grid, 24 * 7, 24) == ["day"]
    parts = calendar_parts(grid, 24 * 365 * 2, 24)
    assert parts == ["day", "week", "year"]
    numbers = calendar_numbers(parts, dates("h", 24 * 15), grid, 24)
    np.testing.assert_allclose(numbers[0, :2], numbers[24, :2], atol=1e-5)
    np.testing.assert_allclose(numbers[0, 2:4], numbers[168, 2:4], atol=1e-5)
    assert abs(numbers[0, 2:4] - numbers[24, 2:4]).max() > 0.1
    assert calendar_parts(Grid.of("YS"), 50, 1) == [] and calendar_parts(Grid.of("step"), 50, 1) == []


def test_a_season_of_steps_tells_the_place_within_it():
    numbers = calendar_numbers(["season"], np.arange(24.0), Grid("step", 2.0), 4)
    np.testing.assert_allclose(numbers[0], numbers[8], atol=1e-6)


def test_the_latest_history_becomes_arrays_and_future_times():
    frame = pd.concat(
        [
            table(dates("ME", 5, "2020-01-31"), range(5), shop=[7.0] * 5),
            table(dates("ME", 2, "2020-06-30"), [10, 11], shop=[3.0] * 2),
        ],
        ignore_index=True,
    )
    serving = state(
        "ME", ["shop"], time_format="%Y-%m-%d", season=12, lookback=2, history=4, horizon=2, calendar=["year"]
    )
    inputs, index = history_arrays(serving, frame)
    np.testing.assert_array_equal(inputs["history"], [[1, 2, 3, 4], [np.nan, np.nan, 10, 11]])
    assert inputs["calendar"].shape == (2, 4, 2) and inputs["history"].dtype == np.float32
    assert index["t"].tolist() == ["2020-06-30", "2020-07-31", "2020-08-31", "2020-09-30"]
    assert index["shop"].tolist() == [7, 7, 3, 3]
    quantiles = np.arange(2 * 2 * 9.0).reshape(2, 2, 9)
    answers = answer_table(index, quantiles)
    assert answers["prediction"].tolist() == answers["quantile_0.5"].tolist() == [4, 13, 22, 31]
    assert list(answers) == ["shop", "t", "prediction", *(f"quantile_0.{level}" for level in range(1, 10))]

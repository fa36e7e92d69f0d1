"""A series is taken apart into what it was made from, and leftover patterns in errors are seen."""

import numpy as np
import pytest

from dl_core.charts import figure
from dl_core.explain.components import autocorrelation, decompose, residuals
from dl_core.seeds import generator


def made(steps=240, season=12):
    times = np.arange(steps, dtype=float)
    trend = 0.5 * times
    repeating = 10 * np.sin(2 * np.pi * times / season)
    return times, trend, repeating, trend + repeating + generator(0, "series").normal(0, 0.5, steps)


def by_title(panels):
    for panel in panels:
        figure(panel)
    return {panel.title: panel for panel in panels}


def test_trend_and_season_come_back():
    times, trend, repeating, values = made()
    panels = by_title(decompose(times, values, 12, "number", ""))
    found = panels["The series and its trend"].data["series"][1]["y"]
    assert np.abs(np.array(found) - trend).mean() < 1.0
    shape = panels["One season"].data["series"][0]["y"]
    assert np.corrcoef(shape, repeating[:12])[0, 1] > 0.99


def test_one_season_begins_at_the_first_step_of_the_window():
    times, _trend, repeating, values = made(steps=245)
    shape = by_title(decompose(times[5:], values[5:], 12, "number", ""))["One season"].data["series"][0]["y"]
    assert np.corrcoef(shape, repeating[5:17])[0, 1] > 0.99


def test_gaps_are_bridged_and_shown_as_gaps():
    times, _trend, _repeating, values = made()
    values[50:60] = np.nan
    series = by_title(decompose(times, values, 12, "number", ""))["The series and its trend"].data["series"]
    assert series[0]["y"][55] is None
    assert np.isfinite(series[1]["y"]).all()


@pytest.mark.parametrize("season", [1, 200])
def test_without_two_seasons_there_is_no_season(season):
    times, _trend, _repeating, values = made()
    panels = by_title(decompose(times, values, season, "number", "H1"))
    assert list(panels) == ["The series and its trend, H1", "What is left over, H1"]
    assert "no season was taken out" in panels["The series and its trend, H1"].note


def test_too_short_a_series_is_not_taken_apart():
    assert decompose(np.arange(4.0), np.ones(4), 2, "number", "") == []


def test_autocorrelation_of_an_alternating_series():
    assert autocorrelation(np.tile([1.0, -1.0], 50), 2) == pytest.approx([-0.99, 0.98])


def test_a_pattern_in_the_errors_is_named_and_noise_is_not():
    draw = generator(0, "errors")
    noise = by_title(residuals(np.arange(200.0), draw.normal(0, 1, 200), 12, "number", ""))
    wave = (np.arange(200) % 12 == 0).astype(float)
    pattern = by_title(residuals(np.arange(200.0), wave, 12, "number", ""))
    assert noise["Pattern in the errors"].note.startswith("The errors look like noise")
    assert pattern["Pattern in the errors"].note == "The errors still hold a pattern, strongest 12 steps apart."


def test_errors_that_lean_are_called_so():
    draw = generator(0, "lean")
    panels = by_title(residuals(np.arange(100.0), draw.normal(5, 1, 100), 1, "number", ""))
    assert "too low on average" in panels["Errors of the model"].note

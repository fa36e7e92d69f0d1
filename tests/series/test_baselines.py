"""Seasonal naive is exact, Theta agrees with statsmodels, bands cover what they say."""

import numpy as np
import pandas as pd
import pytest

from dl_core.baselines import fitting, load
from dl_core.baselines.history import latest_season
from dl_core.baselines.theta import theta_forecast
from dl_core.metrics.forecasting import coverage, mase
from dl_core.tasks.forecasting import Forecasting

MEDIAN = 4


def test_seasonal_naive_repeats_the_last_season_exactly(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=30, season=12)
    baseline = load("seasonal_naive")
    state = baseline.fit(windows, Forecasting(), 1.0)
    forecast = baseline.predict(state, windows.inputs("test"))
    season = windows.inputs("test")["history"][:, -12:]
    np.testing.assert_allclose(forecast[:, :, MEDIAN], np.hstack([season, season, season])[:, :30], rtol=1e-6)
    assert (np.diff(forecast, axis=2) >= 0).all()


def test_its_error_on_the_past_is_one_in_units_of_itself(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=12, season=12)
    baseline = load("seasonal_naive")
    forecast = baseline.predict(baseline.fit(windows, Forecasting(), 1.0), windows.inputs("train"))
    score = mase.compute(windows.truth("train"), forecast, **windows.context("train"))
    assert score == pytest.approx(1.0, abs=0.1)


def test_a_gap_takes_the_season_before_and_then_the_latest_value():
    nan = np.nan
    history = np.array([[1, 2, 3, 4, nan, 6], [nan, nan, nan, nan, 7, nan], [nan] * 6])
    np.testing.assert_array_equal(latest_season(history, 3), [[4, 2, 6], [7, 7, 7], [0, 0, 0]])
    np.testing.assert_array_equal(latest_season(history[:1, -2:], 4), [[6, 6, 6, 6]])


@pytest.mark.parametrize("name", ["seasonal_naive", "theta"])
def test_bands_cover_about_four_of_five_values(prepared, name):
    random = np.random.default_rng(0)
    frame = pd.concat(
        [pd.DataFrame({"id": f"s{n}", "t": np.arange(200), "y": 20 + random.standard_normal(200)}) for n in range(40)],
        ignore_index=True,
    )
    windows = prepared(frame, series=("id",), horizon=5, season=1)
    baseline = load(name)
    forecast = baseline.predict(baseline.fit(windows, Forecasting(), 5.0), windows.inputs("test"))
    assert 0.7 < coverage.compute(windows.truth("test"), forecast) < 0.9


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("season", [1, 12])
def test_theta_agrees_with_statsmodels(season):
    from statsmodels.datasets import co2
    from statsmodels.tsa.forecasting.theta import ThetaModel

    monthly = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    history = monthly.to_numpy()[-240:]
    reference = ThetaModel(history, period=season, deseasonalize=season > 1, method="multiplicative").fit()
    expected = np.asarray(reference.forecast(24))
    ours = theta_forecast(history[None], season, 24)[0]
    spread = np.abs(np.diff(history)).mean()
    assert np.abs(ours - expected).mean() < 0.35 * spread


def test_theta_follows_half_the_trend_and_all_of_the_season():
    t = np.arange(120.0)
    history = np.stack([100 + t, 100 + 10 * np.sin(2 * np.pi * t / 12), np.full(120, 5.0)])
    forecast = theta_forecast(history, 12, 12)
    steps = np.arange(120, 132)
    np.testing.assert_allclose(forecast[0], 219 + 0.5 * (steps - 119), atol=0.6)
    np.testing.assert_allclose(forecast[1], 100 + 10 * np.sin(2 * np.pi * steps / 12), atol=0.5)
    np.testing.assert_allclose(forecast[2], 5.0)


def test_theta_survives_gaps_padding_and_negative_values():
    random = np.random.default_rng(0)
    history = random.standard_normal((4, 60)).cumsum(axis=1)
    history[0, :40] = np.nan
    history[1, 10:50:3] = np.nan
    history[2] = np.nan
    assert np.isfinite(theta_forecast(history, 7, 10)).all()


def test_both_are_offered_for_windows_with_and_without_a_calendar():
    assert fitting("forecasting", {"history", "calendar"}) == fitting("forecasting", {"history"})
    assert fitting("forecasting", {"history"}) == ["seasonal_naive", "theta"]

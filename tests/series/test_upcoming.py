"""The picture of the next horizon continues the history where it really ends."""

import numpy as np
import pandas as pd
import pytest

from dl_core.charts import figure
from dl_core.evaluation.upcoming import known_history, upcoming
from dl_core.runspec import TaskSpec


def task(**more):
    return TaskSpec(kind="forecasting", targets=("y",), metric="mase", time="t", series=("id",), **more)


def test_the_history_is_the_series_of_the_file(prepared, waves):
    made = prepared(waves, series=("id",), horizon=6, season=12)
    number = made.names().index("s3")
    times, values = known_history(made, number)
    original = waves[waves["id"] == "s3"]
    assert times.tolist() == original["t"].tolist()
    assert values == pytest.approx(original["y"].to_numpy())


def test_rows_of_a_test_file_belong_to_the_history(prepared, waves):
    last = waves.groupby("id")["t"].transform("max") - waves["t"]
    made = prepared(waves[last >= 6], test=waves[last < 6], series=("id",), horizon=6, season=12)
    times, values = known_history(made, made.names().index("s0"))
    original = waves[waves["id"] == "s0"]
    assert times.tolist() == original["t"].tolist()
    assert values == pytest.approx(original["y"].to_numpy())


def test_the_forecast_begins_one_step_after_the_last_known_value(prepared, waves):
    made = prepared(waves, series=("id",), horizon=6, season=12)
    quantiles = np.tile(np.linspace(10, 18, 9), (6, 1))
    panel = upcoming(made, task(), 0, quantiles, "s0")
    series = panel.data["series"][0]
    assert series["x"][0] == series["history"]["x"][-1] + 1
    assert len(series["x"]) == 6 and panel.data["x_kind"] == "number"
    assert "between 10.0 and 18.0" in panel.note
    figure(panel)


def test_months_follow_months(prepared):
    times = pd.date_range("2015-01-01", periods=72, freq="MS").strftime("%Y-%m-%d")
    frame = pd.DataFrame({"t": times, "y": np.arange(72.0)})
    seconds = pd.to_datetime(frame["t"]).astype("datetime64[s]").astype("int64").astype(float)
    made = prepared(frame.assign(t=seconds), format="%Y-%m-%d", horizon=3, season=12)
    panel = upcoming(made, task(), 0, np.ones((3, 9)), "")
    ahead = pd.to_datetime(panel.data["series"][0]["x"], unit="s")
    assert panel.data["x_kind"] == "time"
    assert ahead.strftime("%Y-%m-%d").tolist() == ["2021-01-01", "2021-02-01", "2021-03-01"]

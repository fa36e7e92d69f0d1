"""What a dataset is probably for."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file

random = np.random.default_rng(0)
N = 120
A, B = random.normal(size=N).round(3), random.normal(size=N).round(3)
WORDS = np.array(["red", "green", "blue"])[np.arange(N) % 3]


def guessed(tmp_path, columns, name="table"):
    pd.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)
    return Dataset(import_file(tmp_path / f"{name}.csv", tmp_path / "dataset")).meta["guess"]


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"a": A, "b": B}, "b"),
        ({"a": A, "target": B, "c": A + 1}, "target"),
        ({"a": A, "Churn": [*"01"] * 60, "b": B}, "Churn"),
        ({"species": WORDS, "a": A, "year": [2007 + n % 3 for n in range(N)]}, "species"),
        ({"letter": WORDS, "a": A, "b": B}, "letter"),
        ({"kind": WORDS, "a": A, "b": B}, "kind"),
        ({"a": A, "sale_price": B, "remark": [f"remark {n}" for n in range(N)]}, "sale_price"),
        ({"a": A, "b": B, "customer_id": range(9000, 9000 + N)}, "b"),
    ],
)
def test_the_target_is_found(tmp_path, columns, target):
    assert guessed(tmp_path, columns)["targets"] == [target]


def test_several_numbered_targets_belong_together(tmp_path):
    assert guessed(tmp_path, {"x1": A, "x2": B, "y1": A + B, "y2": A - B})["targets"] == ["y1", "y2"]


def test_a_file_named_after_a_column_is_about_it(tmp_path):
    assert guessed(tmp_path, {"a": A, "Fuel use": B, "c": A}, "fuel_use_2020")["targets"] == ["Fuel use"]


@pytest.mark.parametrize(
    ("values", "name", "task", "split"),
    [
        (WORDS, "label", "classification", "stratified"),
        ([n % 2 for n in range(N)], "outcome", "classification", "stratified"),
        ([n % 4 for n in range(N)], "target", "classification", "stratified"),
        ([n % 5 + 1 for n in range(N)], "rating", "regression", "random"),
        ([n % 7 + 3 for n in range(N)], "quality", "regression", "random"),
        (B, "y", "regression", "random"),
    ],
)
def test_the_task_follows_from_the_target(tmp_path, values, name, task, split):
    guess = guessed(tmp_path, {"a": A, name: values})
    assert (guess["task"], guess["split"]["kind"]) == (task, split)
    assert guess["why"]
    assert set(guess["reasons"]) >= {"targets", "task", "split", "metric"}


def test_a_table_without_anything_to_predict_gets_no_guess(tmp_path):
    guess = guessed(
        tmp_path, {"user_id": range(500, 500 + N), "says": [f"a long remark number {n} on it" for n in range(N)]}
    )
    assert (guess["targets"], guess["task"]) == ([], None)


@pytest.mark.parametrize(
    ("periods", "freq", "horizon"), [(800, "h", 48), (400, "D", 14), (300, "W", 13), (240, "MS", 12), (40, "D", 5)]
)
def test_the_horizon_is_usual_for_the_frequency_and_leaves_a_past(tmp_path, periods, freq, horizon):
    times = pd.date_range("2010-01-04", periods=periods, freq=freq)
    guess = guessed(tmp_path, {"time": times, "value": random.normal(size=periods)})
    assert (guess["task"], guess["horizon"]) == ("forecasting", horizon)


def test_what_is_measured_is_forecast(tmp_path):
    times = pd.date_range("2010-01-04", periods=N)
    guess = guessed(tmp_path, {"day": times, "temp": A, "demand": B, "wind": A + B})
    assert guess["targets"] == ["demand"]

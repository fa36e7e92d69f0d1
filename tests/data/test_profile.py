"""The profile counts every row."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file

random = np.random.default_rng(0)
N = 3000
FRAME = pd.DataFrame(
    {
        "normal": random.normal(5, 2, N),
        "tailed": np.concatenate([random.normal(size=N - 3), [1e6, -1e6, 2e6]]),
        "few": random.integers(0, 6, N),
        "word": random.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1]),
        "when": pd.date_range("2020-01-01", periods=N, freq="6h").strftime("%Y-%m-%d %H:%M"),
    }
)
FRAME.loc[::10, "normal"] = np.nan


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    pd.concat([FRAME, FRAME.iloc[[0, 1]]]).to_csv(folder / "t.csv", index=False)
    return Dataset(import_file(folder / "t.csv", folder / "d", layout="table")).profile


def test_counts_and_moments_are_those_of_all_values(profile):
    values = pd.concat([FRAME, FRAME.iloc[[0, 1]]])["normal"]
    about = profile["columns"]["normal"]
    assert profile["rows"] == N + 2
    assert about["missing"] == values.isna().sum()
    assert about["distinct"] == values.nunique()
    assert [about[key] for key in ("min", "max", "mean", "std")] == pytest.approx(
        [values.min(), values.max(), values.mean(), values.std()]
    )
    assert about["quantiles"]["0.25"] == pytest.approx(values.quantile(0.25))


@pytest.mark.parametrize("name", ["normal", "tailed", "few", "when"])
def test_histograms_lose_no_value(profile, name):
    about = profile["columns"][name]
    histogram = about["histogram"]
    assert len(histogram["counts"]) <= 20
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1
    counted = sum(histogram["counts"]) + histogram["below"] + histogram["above"]
    assert counted == profile["rows"] - about["missing"]


def test_a_tail_does_not_squeeze_the_rest(profile):
    histogram = profile["columns"]["tailed"]["histogram"]
    assert max(histogram["edges"]) < 100
    assert histogram["below"] >= 1 and histogram["above"] >= 2


def test_few_whole_numbers_get_a_bin_each(profile):
    assert profile["columns"]["few"]["histogram"]["edges"] == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_texts_are_counted_from_the_most_frequent(profile):
    top = profile["columns"]["word"]["top"]
    assert [value for value, _ in top] == ["a", "b", "c"]
    assert sum(count for _, count in top) == N + 2


def test_rows_that_repeat_are_counted(profile):
    assert profile["duplicates"] == 2


@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308, 0.0],
        [5e-324, 0.0, 1.0],
        [2.0**64, 2.0**64, 2.0**65],
        [1e15, 1e15 + 1, 1e15 + 2],
        [3.0, 3.0, 4.0],
    ],
)
def test_extreme_numbers_have_a_profile(tmp_path, values):
    pd.DataFrame({"x": values * 3, "y": ["a", "b", "c"] * 3}).to_csv(tmp_path / "t.csv", index=False)
    about = Dataset(import_file(tmp_path / "t.csv", tmp_path / "d")).profile["columns"]["x"]
    assert (about["min"], about["max"]) == (min(values), max(values))

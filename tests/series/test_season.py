"""Seasons are found where series repeat, and only there."""

import numpy as np
import pytest

from dl_core.data.panel import Grid
from dl_core.samples.season import find_season


def wave(length: int, season: int, noise: float = 0.3, trend: float = 0.0, seed: int = 0) -> np.ndarray:
    t = np.arange(length)
    return np.sin(2 * np.pi * t / season) + trend * t + noise * np.random.default_rng(seed).standard_normal(length)


@pytest.mark.parametrize(
    "alias, season, length", [("MS", 12, 96), ("h", 24, 400), ("W", 52, 300), ("D", 7, 100), ("step", 24, 300)]
)
def test_a_season_is_found_beneath_noise_and_trend(alias, season, length):
    series = [wave(length, season, trend=0.02, seed=seed) for seed in range(3)]
    assert find_season(series, Grid.of(alias))[0] == season


def test_gaps_do_not_hide_a_season():
    values = wave(200, 12)
    values[20:30] = np.nan
    assert find_season([values], Grid.of("MS"))[0] == 12


def test_noise_and_drift_have_no_season():
    random = np.random.default_rng(1)
    series = [random.standard_normal(300) for _ in range(4)] + [random.standard_normal(300).cumsum() for _ in range(4)]
    assert find_season(series, Grid.of("step"))[0] == 1
    assert find_season([np.ones(100)], Grid.of("MS"))[0] == 1
    assert find_season([np.arange(10.0)], Grid.of("YS"))[0] == 1


def test_the_shortest_of_seasons_that_repeat_alike_is_taken():
    assert find_season([wave(2000, 24, noise=0.05)], Grid.of("h"))[0] == 24

"""The forecasting networks: windows cut in the graph, scaling there and back, honest behaviour at the edges."""

import numpy as np
import pandas as pd
import pytest

from dl_core import families
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.space import defaults

pytestmark = pytest.mark.heavy

NAMES = families.fitting("forecasting")
LOOKBACK, HORIZON, SEASON = 36, 9, 12


def network(name: str, gaps: bool = False, calendar: bool = True):
    inputs = {"history": TensorSpec(shape=(60,))}
    if calendar:
        inputs["calendar"] = TensorSpec(shape=(LOOKBACK + HORIZON, 2))
    options = {"task": "forecasting", "lookback": LOOKBACK, "horizon": HORIZON, "season": SEASON, "gaps": gaps}
    signature = ModelSignature(inputs=inputs, output=(HORIZON, 9), options={**options, "train_size": 1000})
    family = families.load(name)
    return family.build(signature, defaults(family.space(signature)), 0)


def windows(samples: int = 5) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    waves = np.sin(2 * np.pi * np.arange(60) / SEASON) + 0.2 * random.standard_normal((samples, 60))
    calendar = random.standard_normal((samples, LOOKBACK + HORIZON, 2))
    return {"history": (100 + 10 * waves).astype(np.float32), "calendar": calendar.astype(np.float32)}


def test_the_feed_cuts_the_windows_that_the_prepared_arrays_hold(prepared, waves):
    from dl_core.training.feeds import feed_for

    arrays = prepared(waves, series=("id",), horizon=6, season=12)
    for part in ("train", "valid", "test"):
        feed = feed_for(arrays, part)
        assert feed.size == arrays.size(part)
        inputs, target, weight = feed.gather(feed.tensors, np.arange(feed.size, dtype=np.int32))
        for name, expected in arrays.inputs(part).items():
            np.testing.assert_array_equal(inputs[name], expected)
        np.testing.assert_array_equal(target, arrays.target(part))
        np.testing.assert_array_equal(weight, arrays.weight(part))


def test_a_long_epoch_is_thinned_and_shows_every_window_in_time(prepared, waves, monkeypatch):
    from dl_core.training import window_feed

    monkeypatch.setattr(window_feed, "LARGEST_EPOCH", 50)
    arrays = prepared(waves, series=("id",), horizon=6, season=12)
    feed = window_feed.WindowFeed(arrays, "train")
    assert feed.size <= 50 and window_feed.WindowFeed(arrays, "valid").size == arrays.size("valid")
    random, seen = np.random.default_rng(0), set()
    for _ in range(200):
        indices = random.permutation(feed.size)[:8].astype(np.int32)
        targets = feed.gather(feed.tensors, indices)[1].numpy()
        seen |= {target.tobytes() for target in targets}
    everything = {target.tobytes() for target in arrays.target("train")}
    assert seen <= everything and len(seen) > 0.9 * feed.size * (arrays.size("train") // feed.size)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_moves_with_the_level_and_the_unit_of_its_history(name):
    model, inputs = network(name), windows()
    forecast = model(inputs, training=False).numpy()
    moved = model({**inputs, "history": 3 * inputs["history"] + 50}, training=False).numpy()
    np.testing.assert_allclose(moved, 3 * forecast + 50, rtol=1e-3)
    assert (np.diff(forecast, axis=2) >= 0).all(), "bands never cross"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("calendar", [True, False])
def test_gaps_short_histories_and_constants_give_numbers(name, calendar):
    model, inputs = network(name, gaps=True, calendar=calendar), windows(6)
    history = inputs["history"]
    history[0, ::3] = np.nan
    history[1, :-1] = np.nan
    history[2] = 7.0
    history[3] = 0.0
    history[4] = np.nan
    forecast = model({key: inputs[key] for key in model.input}, training=False).numpy()
    assert np.isfinite(forecast).all()
    assert abs(forecast[2] - 7.0).max() < 0.5, "a constant history is carried on"


@pytest.mark.parametrize("name", NAMES)
def test_only_the_lookback_matters_to_a_network(name):
    model, inputs = network(name), windows()
    before = model(inputs, training=False).numpy()
    inputs["history"][:, : 60 - LOOKBACK] = -1e9
    np.testing.assert_array_equal(model(inputs, training=False), before)


def test_a_gap_takes_the_value_of_the_season_before_it():
    from dl_core.layers.series import WindowScale

    history = np.tile(np.array([1.0, 2, 3, 4], np.float32), (1, 4))
    history[0, 9:] = np.nan
    values, mask, mean, deviation = WindowScale(16, season=4)(history)
    np.testing.assert_allclose(values * deviation + mean, np.tile([1.0, 2, 3, 4], (1, 4)), rtol=1e-6)
    assert mask.numpy().sum() == 9


def test_trend_and_rest_add_up_to_the_window():
    from dl_core.layers.series import TrendSplit

    window = windows()["history"]
    for kernel in (4, 5):
        trend, rest = TrendSplit(kernel)(window)
        np.testing.assert_allclose(trend + rest, window, rtol=1e-6)
    line = np.arange(20, dtype=np.float32)[None]
    np.testing.assert_allclose(TrendSplit(5)(line)[0][:, 2:-2], line[:, 2:-2], rtol=1e-5)


def test_a_short_training_beats_the_seasonal_naive_forecast_on_noise(prepared, tmp_path):
    """DLinear averages over seasons, which repeating the last one cannot."""
    from dl_core.baselines import load
    from dl_core.layers.losses import pinball
    from dl_core.metrics.forecasting import coverage, mase
    from dl_core.tasks.forecasting import Forecasting
    from dl_core.training.feeds import feed_for
    from dl_core.training.program import Program, TrainState

    random = np.random.default_rng(0)
    t = np.arange(300)
    frames = [
        pd.DataFrame({"id": f"s{n}", "t": t, "y": np.sin(2 * np.pi * t / 12) + 0.5 * random.standard_normal(300)})
        for n in range(20)
    ]
    arrays = prepared(pd.concat(frames, ignore_index=True), series=("id",), horizon=12)
    assert arrays.lookback == 60
    family = families.load("dlinear")
    params = defaults(family.space(arrays.signature))
    model = family.build(arrays.signature, params, 0)
    feed = feed_for(arrays, "train")
    program = Program(model, pinball, feed, family.recipe(arrays.signature, params))
    hyper = {"learning_rate": 3e-3, "weight_decay": 0.0, "label_smoothing": 0.0, "total_steps": 400.0}
    state = TrainState.of(model)
    while state.step < 400:
        state, _ = program.advance(state, feed, random.permutation(feed.size), 0, 20, hyper)
    forecast = program.predict(state.weights, state.others, feed_for(arrays, "test"), 256)[0]
    naive = load("seasonal_naive")
    rival = naive.predict(naive.fit(arrays, Forecasting(), 1.0), arrays.inputs("test"))
    truth, context = arrays.truth("test"), arrays.context("test")
    assert mase.compute(truth, forecast, **context) < 0.9 * mase.compute(truth, rival, **context)
    assert 0.6 < coverage.compute(truth, forecast) < 0.95

"""Intervals: they cover what they promise, pair what belongs together, and keep their time."""

import time

import numpy as np
import pytest

from dl_core.metrics import METRICS, metrics_of
from dl_core.metrics.intervals import difference, draws, interval, resampled
from dl_core.seeds import generator


def answers(samples, skill=1.0, seed=0):
    draw = generator(seed, "answers")
    truth = draw.integers(0, 2, samples)
    score = 1 / (1 + np.exp(-(skill * (truth - 0.5) + draw.normal(0, 1, samples))))
    return truth, np.stack([1 - score, score], 1)


def quantities(samples, seed=0):
    truth = generator(seed, "quantities").lognormal(1, 1, (samples, 1))
    return truth, truth + generator(seed, "errors").normal(0, 1, truth.shape)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_every_weighting_is_the_score_of_the_drawn_samples(kind):
    truth, prediction = answers(60) if kind == "classification" else quantities(60)
    weights = generator(0, "weights").integers(0, 3, (5, 60)).astype(np.float32)
    for metric in metrics_of(kind):
        if metric.weighted is None:
            continue
        drawn = [np.repeat(np.arange(60), weight.astype(int)) for weight in weights]
        expected = [metric.compute(truth[rows], prediction[rows]) for rows in drawn]
        assert metric.weighted(weights, truth, prediction) == pytest.approx(expected, abs=1e-5), metric.name


def test_the_interval_of_a_mean_has_the_known_width():
    truth = np.zeros((2000, 1))
    prediction = generator(0, "errors").normal(0, 1, (2000, 1))
    low, high = interval(resampled(METRICS.load("mae"), truth, prediction))
    width = 2 * 1.96 * np.abs(prediction).std() / np.sqrt(2000)
    assert high - low == pytest.approx(width, rel=0.15)
    assert low < np.abs(prediction).mean() < high


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth, prediction = answers(400_000)
    metric = METRICS.load("roc_auc")
    whole = metric.compute(truth, prediction)
    covered = 0
    for number in range(100):
        part = slice(number * 300, (number + 1) * 300)
        low, high = interval(resampled(metric, truth[part], prediction[part], seed=number))
        covered += low <= whole <= high
    assert 88 <= covered <= 100


def test_many_samples_are_thinned_without_widening_the_interval():
    truth, prediction = answers(400_000)
    metric = METRICS.load("accuracy")
    low, high = interval(resampled(metric, truth, prediction))
    share = metric.compute(truth, prediction)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 400_000), rel=0.25)
    assert low < share < high


def test_the_same_seed_gives_the_same_interval():
    truth, prediction = answers(500)
    metric = METRICS.load("f1_macro")
    assert np.array_equal(resampled(metric, truth, prediction), resampled(metric, truth, prediction))
    assert not np.array_equal(resampled(metric, truth, prediction), resampled(metric, truth, prediction, seed=1))


def test_two_models_are_compared_on_the_same_draws():
    truth, prediction = answers(3000)
    metric = METRICS.load("log_loss")
    slightly_worse = 0.95 * prediction + 0.05 * 0.5
    mine, other = resampled(metric, truth, prediction), resampled(metric, truth, slightly_worse)
    low, high = difference(mine, other)
    alone = np.ptp(interval(mine))
    assert high - low < alone / 5, "paired differences must not carry the noise both models share"
    assert draws(mine, mine)


def test_groups_are_drawn_as_wholes():
    groups = np.repeat(np.arange(20), 50)
    truth = np.zeros((1000, 1))
    prediction = generator(0, "groups").normal(0, 1, 20)[groups][:, None]
    metric = METRICS.load("mae")
    alone = np.ptp(interval(resampled(metric, truth, prediction)))
    together = np.ptp(interval(resampled(metric, truth, prediction, groups=groups)))
    assert together > 4 * alone


def test_many_groups_are_thinned_as_wholes_and_two_models_stay_paired():
    groups = np.repeat(np.arange(2000), 100)
    error = generator(0, "groups").normal(0, 1, 2000)
    truth, prediction = np.zeros((200_000, 1)), error[groups][:, None]
    metric = METRICS.load("mae")
    mine = resampled(metric, truth, prediction, groups=groups)
    low, high = interval(mine)
    assert high - low == pytest.approx(2 * 1.96 * np.abs(error).std() / np.sqrt(2000), rel=0.25)
    below, above = difference(mine, resampled(metric, truth, 1.01 * prediction, groups=groups))
    assert above - below < (high - low) / 20


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "f1_macro", "ece"])
def test_sixteen_thousand_samples_take_a_moment(name):
    truth, prediction = answers(16_000)
    metric = METRICS.load(name)
    resampled(metric, truth[:100], prediction[:100])
    start = time.process_time()
    resampled(metric, truth, prediction)
    assert time.process_time() - start < 3

"""Known answers of the regression scores."""

import numpy as np
import pytest
from sklearn import metrics as reference

from dl_core.metrics import METRICS, metrics_of
from dl_core.seeds import generator


def quantities(samples=300, targets=2, seed=0):
    draw = generator(seed, "quantities")
    truth = draw.lognormal(3, 1, (samples, targets)) + 1e6
    return truth, truth + draw.normal(0, 20, truth.shape)


@pytest.mark.parametrize("targets", [1, 2])
def test_scores_agree_with_scikit_learn(targets):
    truth, prediction = quantities(targets=targets)
    scores = {metric.name: metric.compute(truth, prediction) for metric in metrics_of("regression")}
    assert scores["mae"] == pytest.approx(reference.mean_absolute_error(truth, prediction))
    assert scores["rmse"] == pytest.approx(np.sqrt(reference.mean_squared_error(truth, prediction)))
    assert scores["r2"] == pytest.approx(reference.r2_score(truth, prediction))
    assert scores["medae"] == pytest.approx(reference.median_absolute_error(truth, prediction))
    assert scores["mape"] == pytest.approx(reference.mean_absolute_percentage_error(truth, prediction))


def test_the_mean_explains_nothing():
    truth, _ = quantities(targets=1)
    assert METRICS.load("r2").compute(truth, np.full_like(truth, truth.mean())) == pytest.approx(0)


def test_relative_error_is_for_positive_targets_only():
    mape = METRICS.load("mape")
    assert mape.fits(np.array([[1.0], [2.0]]))
    assert not mape.fits(np.array([[1.0], [0.0]]))


def test_an_unknown_truth_leaves_its_sample_out():
    truth, prediction = quantities()
    torn = truth.copy()
    torn[0, 1] = np.nan
    for metric in metrics_of("regression"):
        assert metric.compute(torn, prediction) == pytest.approx(metric.compute(truth[1:], prediction[1:])), metric.name

"""Known answers of the forecasting metrics."""

import numpy as np
import pytest

from dl_core.metrics import METRICS, metrics_of
from dl_core.metrics.forecasting import coverage, forecast_rmse, mase, naive_scale, smape, wape, wql
from dl_core.tasks.forecasting import Forecasting

TRUTH = np.array([[10.0, 20.0], [4.0, np.nan]])
MEDIANS = np.array([[12.0, 16.0], [5.0, 7.0]])
QUANTILES = MEDIANS[:, :, None] + np.linspace(-2, 2, 9)


@pytest.mark.parametrize(
    "metric, context, answer",
    [
        (mase, {"scale": np.array([2.0, 4.0])}, np.mean([3 / 2, 1 / 4])),
        (smape, {}, 100 * np.mean([(2 * 2 / 22 + 2 * 4 / 36) / 2, 2 * 1 / 9])),
        (wape, {}, 7 / 34),
        (forecast_rmse, {}, np.sqrt((4 + 16 + 1) / 3)),
        (coverage, {}, 2 / 3),
    ],
)
def test_a_metric_gives_the_answer_worked_out_by_hand(metric, context, answer):
    assert metric.compute(TRUTH, QUANTILES, **context) == pytest.approx(answer)


def test_wql_of_one_value_is_the_pinball_loss_of_its_nine_quantiles():
    truth, quantiles = np.array([[10.0]]), np.array([[[8.0] * 4 + [10.0] + [13.0] * 4]])
    below = sum(level * 2 for level in (0.1, 0.2, 0.3, 0.4))
    above = sum((1 - level) * 3 for level in (0.6, 0.7, 0.8, 0.9))
    assert wql.compute(truth, quantiles) == pytest.approx(2 * (below + above) / 9 / 10)


def test_a_perfect_forecast_of_nothing_has_no_relative_error():
    assert smape.compute(np.zeros((1, 3)), np.zeros((1, 3, 9))) == 0.0


@pytest.mark.parametrize("metric", metrics_of("forecasting"), ids=lambda metric: metric.name)
def test_weighting_each_sample_once_is_the_score_itself(metric):
    context = {"scale": np.array([2.0, 4.0])}
    weights = np.array([[1.0, 1.0], [2.0, 0.0]])
    both, first = metric.weighted(weights, TRUTH, QUANTILES, **context)
    assert both == pytest.approx(metric.compute(TRUTH, QUANTILES, **context))
    assert first == pytest.approx(metric.compute(TRUTH[:1], QUANTILES[:1], scale=context["scale"][:1]))


def test_the_scale_is_the_seasonal_naive_error_and_never_zero():
    history = np.array([[1.0, 2, 3, 5], [7, np.nan, 7, 8], [3, 3, 3, 3], [0, 0, 0, 0], [np.nan] * 4])
    np.testing.assert_allclose(naive_scale(history, 2), [2.5, 1.0, 3.0, 1.0, 1.0])


def test_every_metric_of_the_task_is_registered():
    assert {metric.name for metric in metrics_of("forecasting")} == set(Forecasting.metrics)
    assert all(METRICS.load(name).kinds == ("forecasting",) for name in Forecasting.metrics)

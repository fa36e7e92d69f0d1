"""Known answers of the classification scores."""

import numpy as np
import pytest
from sklearn import metrics as reference

from dl_core.metrics import METRICS, metrics_of
from dl_core.seeds import generator


def scores_of(truth, prediction):
    return {metric.name: metric.compute(truth, prediction) for metric in metrics_of("classification")}


def two_classes(samples=400, seed=0, ties=False):
    draw = generator(seed, "two classes")
    truth = draw.integers(0, 2, samples)
    score = np.clip(0.5 + 0.25 * (truth - 0.5) + draw.normal(0, 0.2, samples), 0.01, 0.99)
    score = np.round(score, 1) if ties else score
    return truth, np.stack([1 - score, score], 1)


def many_classes(samples=500, classes=4, seed=0):
    draw = generator(seed, "many classes")
    truth = draw.integers(0, classes, samples)
    raw = draw.normal(0, 1, (samples, classes)) + 1.2 * np.eye(classes)[truth]
    return truth, np.exp(raw) / np.exp(raw).sum(1, keepdims=True)


@pytest.mark.parametrize("ties", [False, True])
def test_two_class_scores_agree_with_scikit_learn(ties):
    truth, prediction = two_classes(ties=ties)
    scores, choice = scores_of(truth, prediction), prediction.argmax(1)
    assert scores["roc_auc"] == pytest.approx(reference.roc_auc_score(truth, prediction[:, 1]), abs=1e-6)
    assert scores["pr_auc"] == pytest.approx(reference.average_precision_score(truth, prediction[:, 1]), abs=1e-6)
    assert scores["brier"] == pytest.approx(reference.brier_score_loss(truth, prediction[:, 1]))
    assert scores["log_loss"] == pytest.approx(reference.log_loss(truth, prediction))
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(truth, choice))
    assert scores["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, choice))
    assert scores["f1_macro"] == pytest.approx(reference.f1_score(truth, choice, average="macro"))
    assert scores["mcc"] == pytest.approx(reference.matthews_corrcoef(truth, choice))


def test_many_class_scores_agree_with_scikit_learn():
    truth, prediction = many_classes()
    scores, choice = scores_of(truth, prediction), prediction.argmax(1)
    auc = reference.roc_auc_score(truth, prediction, multi_class="ovr", average="macro")
    assert scores["roc_auc"] == pytest.approx(auc, abs=1e-6)
    precision = reference.average_precision_score(np.eye(4)[truth], prediction, average="macro")
    assert scores["pr_auc"] == pytest.approx(precision, abs=1e-6)
    assert scores["log_loss"] == pytest.approx(reference.log_loss(truth, prediction))
    assert scores["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, choice))
    assert scores["f1_macro"] == pytest.approx(reference.f1_score(truth, choice, average="macro"))
    assert scores["mcc"] == pytest.approx(reference.matthews_corrcoef(truth, choice))


def test_calibration_error_is_the_gap_between_stated_and_true_share():
    truth = np.array([1, 1, 1, 0])
    prediction = np.tile([0.1, 0.9], (4, 1))  # says 0.9, is right three times of four
    assert METRICS.load("ece").compute(truth, prediction) == pytest.approx(0.15)


def test_a_constant_answer_scores_as_guessing():
    truth, prediction = np.array([0, 1, 1, 0, 1, 1]), np.tile([0.4, 0.6], (6, 1))
    scores = scores_of(truth, prediction)
    assert scores["roc_auc"] == 0.5
    many = np.arange(16_281) % 4 == 0
    assert METRICS.load("roc_auc").compute(many.astype(int), np.tile([0.4, 0.6], (len(many), 1))) == 0.5
    assert scores["mcc"] == 0.0
    assert scores["balanced_accuracy"] == 0.5
    assert scores["pr_auc"] == pytest.approx(4 / 6)


def test_a_class_never_trained_on_is_a_miss():
    truth, prediction = np.array([0, 1, -1, -1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.3, 0.7]])
    scores = scores_of(truth, prediction)
    assert scores["accuracy"] == 0.5
    assert scores["roc_auc"] == 1.0
    assert scores["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)


def test_a_class_that_does_not_occur_is_left_out_of_the_macro_scores():
    truth, prediction = many_classes()
    kept = truth != 3
    assert np.isfinite(METRICS.load("roc_auc").compute(truth[kept], prediction[kept]))
    only = np.zeros(5, int)
    assert np.isnan(METRICS.load("roc_auc").compute(only, prediction[:5]))

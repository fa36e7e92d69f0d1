"""Reports say what the predictions show: every panel draws, and the sentences carry the right numbers."""

import json

import numpy as np
import pytest

from dl_core.charts import figure
from dl_core.evaluation.reports import Case
from dl_core.evaluation.reports.classification import report as classification
from dl_core.evaluation.reports.forecasting import bands
from dl_core.evaluation.reports.forecasting import report as forecasting
from dl_core.evaluation.reports.regression import report as regression
from dl_core.evaluation.reports.training import learning_curves, losses, over_time, parameters, trial_table
from dl_core.metrics import METRICS
from dl_core.report import Panel
from dl_core.runspec import TaskSpec
from dl_core.seeds import generator
from dl_core.signature import ModelSignature, TensorSpec


class Known:
    """Prepared arrays as reports read them, without a folder."""

    def __init__(self, state=None, series=(), horizon=6, lookback=48):
        self.state = {"task": state or {}}
        self.signature = ModelSignature(inputs={"history": TensorSpec(shape=(lookback,))}, output=(horizon, 9))
        self._series, self._names, self._steps = np.array(series), sorted({f"S{n}" for n in series}), lookback + horizon

    def context(self, part):
        return {"scale": np.full(len(self._series), 2.0)}

    def series(self, part):
        return self._series

    def names(self):
        return self._names

    def times(self, part):
        return np.tile(np.arange(self._steps) * 3600.0, (len(self._series), 1))

    def inputs(self, part):
        return {"history": np.zeros((len(self._series), self.signature.inputs["history"].shape[0]), np.float32)}


def drawn(panels):
    """The panels after a trip through storage, each of them drawn."""
    panels = [Panel.from_json(json.loads(json.dumps(panel.to_json(), allow_nan=False))) for panel in panels]
    for panel in panels:
        json.loads(figure(panel).to_json())
    return {panel.title: panel for panel in panels}


def classified(classes, samples=600, seed=0):
    draw = generator(seed, "classified")
    truth = draw.integers(0, classes, samples)
    raw = draw.normal(0, 1, (samples, classes)) + 2 * np.eye(classes)[truth]
    prediction = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    task = TaskSpec(kind="classification", targets=("kind",), metric="accuracy")
    prepared = Known({"classes": [f"c{number}" for number in range(classes)]})
    return Case(task=task, prepared=prepared, part="test", truth=truth, prediction=prediction)


@pytest.mark.parametrize("classes", [2, 4, 30])
def test_classification_panels_draw_for_few_and_many_classes(classes):
    panels = drawn(classification(classified(classes)))
    assert len(panels) == 5
    assert len(panels["Class by class"].data["rows"]) == classes


def test_the_confusion_matrix_counts_every_sample_once():
    case = classified(3)
    counts = drawn(classification(case))["Who is taken for whom"].data["counts"]
    assert np.sum(counts) == 600
    assert np.trace(counts) == (case.prediction.argmax(1) == case.truth).sum()


def test_the_sentence_names_the_most_frequent_confusion():
    truth = np.array([0] * 10 + [1] * 10)
    chosen = np.array([0] * 7 + [1] * 3 + [1] * 10)
    case = classified(2)
    case = Case(task=case.task, prepared=case.prepared, part="test", truth=truth, prediction=np.eye(2)[chosen])
    note = drawn(classification(case))["Who is taken for whom"].note
    assert note == "17 of 20 are right. Most often, “c0” is taken for “c1”: 3 times."


def test_the_curve_encloses_the_area_it_states():
    case = classified(2, samples=5000)
    roc = drawn(classification(case))["Ranking: ROC"]
    curve = roc.data["series"][0]
    area = METRICS.load("roc_auc").compute(case.truth, case.prediction)
    assert np.trapezoid(curve["y"], curve["x"]) == pytest.approx(area, abs=0.005)
    assert f"Area {area:.3f}" in roc.note


def test_calibration_tells_true_probabilities_from_boasting_ones():
    draw = generator(0, "calibration")
    stated = draw.random(20_000)
    truth = (draw.random(20_000) < stated).astype(int)
    case = classified(2)
    honest = np.stack([1 - stated, stated], 1)
    boasting = np.stack([1 - (stated > 0.5) * 0.98, (stated > 0.5) * 0.98], 1)
    notes = []
    for prediction in (honest, boasting):
        case = Case(task=case.task, prepared=case.prepared, part="test", truth=truth, prediction=prediction)
        notes.append(drawn(classification(case))["Are the probabilities true? Calibration"].note)
    assert "can be taken at their word" in notes[0]
    assert "are off" in notes[1]


def test_a_test_part_of_one_class_leaves_out_what_needs_two():
    case = classified(2)
    case = Case(
        task=case.task, prepared=case.prepared, part="test", truth=np.zeros(50, int), prediction=case.prediction[:50]
    )
    assert "Ranking: ROC" not in drawn(classification(case))


def test_regression_panels_say_how_far_off_and_in_which_direction():
    draw = generator(0, "regression")
    truth = draw.normal(100, 20, (4000, 1))
    task = TaskSpec(kind="regression", targets=("price",), metric="rmse")
    case = Case(task=task, prepared=Known(), part="test", truth=truth, prediction=truth - 5)
    panels = drawn(regression(case))
    assert panels["price: how large the errors are"].note == "Predictions are 5.00 too low on average."
    assert "within 5.00 of the truth" in panels["price: actual against predicted"].note
    assert len(panels["price: actual against predicted"].data["x"]) == 1500
    assert sum(panels["price: how large the errors are"].data["counts"]) == 4000


def test_every_target_of_several_gets_its_panels():
    truth = generator(0, "two").normal(0, 1, (50, 2))
    task = TaskSpec(kind="regression", targets=("heating", "cooling"), metric="rmse")
    panels = drawn(regression(Case(task=task, prepared=Known(), part="test", truth=truth, prediction=truth * 0.9)))
    assert {title.split(":")[0] for title in panels} == {"heating", "cooling"}


def forecast(series, gaps=False):
    draw = generator(0, "forecast")
    samples = len(series)
    middle = draw.normal(50, 10, (samples, 6))
    spread = np.array([-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816])
    truth = middle + draw.normal(0, 3, middle.shape)
    if gaps:
        truth[0, :3] = np.nan
    task = TaskSpec(kind="forecasting", targets=("load",), metric="mase", time="when", frequency="h")
    quantiles = middle[:, :, None] + 3 * spread
    return Case(task=task, prepared=Known(series=series), part="test", truth=truth, prediction=quantiles)


@pytest.mark.parametrize(("series", "panels"), [((0,), 3), (tuple(range(8)), 4), (tuple(range(60)), 4)])
def test_forecast_panels_draw_for_one_and_many_series(series, panels):
    assert len(drawn(forecasting(forecast(series, gaps=True)))) == panels


def test_bands_that_hold_what_they_say_are_called_true():
    panels = drawn(forecasting(forecast(tuple(range(200)))))
    curve = panels["Are the bands true? Calibration"].data["series"][0]
    assert np.allclose(curve["x"], curve["y"], atol=0.05)


def test_the_inner_band_lies_within_the_outer():
    inner, outer = bands(np.sort(generator(0, "bands").normal(0, 1, (12, 9)), axis=1))
    assert inner["level"] == 50 and outer["level"] == 80
    assert all(low <= high for low, high in zip(outer["low"], inner["low"], strict=True))
    assert all(low <= high for low, high in zip(inner["high"], outer["high"], strict=True))


def trial(number, score, family="mlp", **params):
    curve = [
        {"epoch": epoch, "step": epoch, "t": epoch, "train_loss": 1 / epoch, "valid_loss": 1.1 / epoch, "score": score}
        for epoch in (1, 2, 3)
    ]
    return {
        "trial": f"t{number:03}",
        "family": family,
        "params": {"width": 32 * number, "rate": 10.0**-number, "act": "relu", **params},
        "source": "oracle",
        "status": "done",
        "score": score,
        "seconds": 5.0,
        "epochs": 3,
        "parameters": 1000,
        "started": 100.0 + 5 * number,
        "curve": curve,
    }


FAILED = {"trial": "t009", "family": "mlp", "params": {}, "source": "oracle", "status": "failed", "score": None}
FAILED |= {"seconds": 1.0, "error": "diverged", "curve": [], "started": 90.0}


def test_trials_become_curves_a_search_and_a_table():
    metric = METRICS.load("roc_auc")
    trials = [trial(1, 0.8), trial(2, 0.9), trial(3, 0.85), FAILED]
    panels = drawn(
        [
            losses(trials[0]),
            learning_curves(trials, metric, best="t002"),
            over_time(trials, metric),
            parameters(trials, metric, "mlp"),
            trial_table(trials, metric),
        ]
    )
    assert [series["role"] for series in panels["Learning curves"].data["series"]] == ["quiet", "accent", "quiet"]
    assert panels["How the search went"].data["series"][1]["y"] == [0.8, 0.9, 0.9]
    assert [axis["name"] for axis in panels["Which settings pay"].data["axes"]] == ["width", "rate"]
    assert panels["Which settings pay"].note.startswith("The best of 3 is t002")
    assert panels["Trials"].data["rows"][-1][-1] == "diverged"


def test_a_score_to_keep_low_improves_downwards():
    panel = over_time([trial(1, 3.0), trial(2, 1.0), trial(3, 2.0)], METRICS.load("rmse"))
    assert panel.data["series"][1]["y"] == [3.0, 1.0, 1.0]


def test_trials_without_a_curve_draw_nothing():
    metric = METRICS.load("roc_auc")
    assert losses(FAILED) is None
    assert learning_curves([FAILED], metric) is None
    assert over_time([FAILED], metric) is None
    assert parameters([FAILED], metric, "mlp") is None


def test_a_trial_that_was_given_up_sets_no_best_and_has_no_score_out_of_fold():
    metric = METRICS.load("roc_auc")
    trials = [trial(1, 0.8), {**trial(2, 0.95), "status": "pruned"}, trial(3, 0.85), trial(4, 0.84)]
    assert over_time(trials, metric).data["series"][1]["y"] == [0.8, 0.85, 0.85]
    assert parameters(trials, metric, "mlp").note.startswith("The best of 3 is t003")
    column = trial_table(trials, metric).data["columns"].index("ROC AUC")
    assert [row[column] for row in trial_table(trials, metric).data["rows"]] == [0.8, 0.95, 0.85, 0.84]
    assert [row[column] for row in trial_table(trials, metric, folds=5).data["rows"]] == [0.8, None, 0.85, 0.84]


def test_curves_over_folds_say_which_fold_they_are_of():
    metric = METRICS.load("roc_auc")
    assert learning_curves([trial(1, 0.8)], metric).data["y_title"] == "validation ROC AUC"
    assert learning_curves([trial(1, 0.8)], metric, folds=5).data["y_title"] == "ROC AUC on the first fold"
    assert over_time([trial(1, 0.8)], metric, folds=5).data["y_title"] == "ROC AUC out of fold"

"""The samples a person should look at, and how far off an answer usually is."""

import numpy as np
import pytest

from dl_core.evaluation.reports import Case
from dl_core.evaluation.samples import errors, margin, usual, worst
from dl_core.runspec import TaskSpec
from dl_core.seeds import generator


class Known:
    state = {"task": {"classes": ["cat", "dog"]}}

    def context(self, part):
        return {"scale": np.array([1.0, 2.0])}


def case(kind, truth, prediction):
    task = TaskSpec(kind=kind, targets=("y",), metric="m")
    return Case(task=task, prepared=Known(), part="test", truth=np.array(truth), prediction=np.array(prediction))


def test_the_most_confident_mistake_comes_first():
    looks = worst(case("classification", [0, 1, 1], [[0.9, 0.1], [0.99, 0.01], [0.6, 0.4]]))
    assert [look.sample for look in looks] == [1, 2, 0]
    assert (looks[0].truth, looks[0].said, looks[0].right) == ("dog", "cat (99%)", False)
    assert looks[2].right is True


def test_a_class_never_trained_on_is_named_so():
    look = usual(case("classification", [-1], [[0.9, 0.1]]))[0]
    assert look.truth == "another class" and look.right is False
    assert worst(case("classification", [-1], [[0.9, 0.1]])) == []


def test_errors_of_several_targets_are_comparable():
    truth = np.array([[0.0, 0.0], [1.0, 1000.0], [2.0, 2000.0]])
    each = errors(case("regression", truth, truth + [1.0, 1000.0]))
    assert np.allclose(each, each[0])


def test_a_forecast_is_judged_in_units_of_its_series_and_gaps_do_not_count():
    truth, quantiles = np.array([[1.0, np.nan], [4.0, 4.0]]), np.zeros((2, 2, 9))
    assert errors(case("forecasting", truth, quantiles)).tolist() == [1.0, 2.0]


def test_the_margin_holds_as_many_truths_as_it_says():
    draw = generator(0, "margin")
    residual = draw.gamma(2, 10, (4000, 1))
    low, high = margin(residual[:2000], np.zeros((2000, 1)))
    inside = (residual[2000:] >= low) & (residual[2000:] <= high)
    assert inside.mean() == pytest.approx(0.8, abs=0.03)
    assert low[0] > 0, "residuals that lean to one side shift the interval"


def test_a_margin_from_few_samples_is_their_range():
    low, high = margin(np.array([[1.0], [2.0], [4.0]]), np.zeros((3, 1)))
    assert (low[0], high[0]) == (1.0, 4.0)

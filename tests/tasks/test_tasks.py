"""Task kinds over rows: what they refuse, what they learn, and the way from raw values to answers and back."""

import numpy as np
import pandas as pd
import pytest

from dl_core.bundle.serving import answer_columns
from dl_core.errors import TargetError
from dl_core.runspec import TaskSpec
from dl_core.tasks import TASKS

CLASSES = TASKS.load("classification")()
QUANTITY = TASKS.load("regression")()


def _spec(kind: str, *targets: str) -> TaskSpec:
    return TaskSpec(kind=kind, targets=targets, metric="accuracy")


@pytest.mark.parametrize(
    "values, words",
    [
        (["a"] * 9, "one class only"),
        ([None] * 9, "missing"),
        ([f"id {i}" for i in range(40)], "values that repeat"),
    ],
)
def test_classification_refuses_a_target_that_cannot_be_told_apart_and_names_it(values, words):
    problems = CLASSES.check(pd.DataFrame({"species": values}, dtype=object), _spec("classification", "species"))
    assert [problem.severity for problem in problems] == ["error"]
    assert "species" in problems[0].message and words in problems[0].message


@pytest.mark.parametrize(
    "values, words", [([np.nan] * 4, "missing"), ([3.0] * 4, "the same"), (["tall", "short"], "words")]
)
def test_regression_refuses_a_target_that_is_no_quantity_and_names_it(values, words):
    problems = QUANTITY.check(pd.DataFrame({"height": values}), _spec("regression", "height"))
    assert problems[0].severity == "error"
    assert "height" in problems[0].message and words in problems[0].message


def test_a_sound_target_has_no_problems():
    assert CLASSES.check(pd.DataFrame({"y": ["a", "b"] * 9}), _spec("classification", "y")) == []
    assert QUANTITY.check(pd.DataFrame({"y": [1.0, 2.5, np.nan]}), _spec("regression", "y")) == []


def test_classes_are_ordered_as_numbers_where_they_are_numbers():
    state = CLASSES.fit(pd.DataFrame({"rings": [10, 9, 2, 10]}))
    assert state["classes"] == ["2", "9", "10"]
    assert CLASSES.truth(state, pd.DataFrame({"rings": [9, 2, 11]})).tolist() == [1, 0, -1]


def test_a_train_part_with_one_class_is_refused():
    with pytest.raises(TargetError, match="species"):
        CLASSES.fit(pd.DataFrame({"species": ["a", "a"]}))


def test_logits_become_probabilities_and_an_answer_table():
    state = {"classes": ["no", "yes"]}
    probabilities = CLASSES.decode(state, np.array([[0.0, 0.0], [0.0, 1000.0]]))
    np.testing.assert_allclose(probabilities, [[0.5, 0.5], [0.0, 1.0]])
    answers = answer_columns(state, ["y"], probabilities)
    assert answers["prediction"].tolist() == ["no", "yes"]
    assert list(answers) == ["prediction", "probability_no", "probability_yes"]


def test_quantities_are_standardised_for_the_loss_and_come_back_within_the_range_seen():
    train = pd.DataFrame({"a": [1.0, 3.0], "b": [10.0, 10.0]})
    state = QUANTITY.fit(train)
    encoded = QUANTITY.encode(state, train)
    np.testing.assert_allclose(encoded, [[-1, 0], [1, 0]])
    np.testing.assert_allclose(QUANTITY.decode(state, encoded), train.to_numpy())
    assert QUANTITY.decode(state, np.array([[99.0, -99.0]])).tolist() == [[3.0, 10.0]]
    answers = answer_columns(state, ["a", "b"], train.to_numpy())
    assert list(answers) == ["prediction_a", "prediction_b"]

"""The baselines of tables: they beat guessing where there is something to learn, and their state is plain JSON."""

import json

import numpy as np
import pytest

from dl_core import baselines
from dl_core.baselines import linear
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.tasks import TASKS

ROWS = {"train": 400, "valid": 200, "test": 200}


class Example:
    """Two numbers and a category decide; `task` says whether they decide a class or a quantity. `weights` (rows,) are
    those of the train part."""

    weights: np.ndarray | None = None

    def __init__(self, kind: str, classes: int = 2):
        self.task = TASKS.load(kind)()
        random = np.random.default_rng(0)
        self._inputs, self._truth = {}, {}
        for part, rows in ROWS.items():
            numeric = random.normal(size=(rows, 2)).astype(np.float32)
            category = random.integers(0, 5, (rows, 1)).astype(np.int32)
            value = numeric[:, 0] - 0.5 * numeric[:, 1] + (category[:, 0] == 3)
            self._inputs[part] = {"numeric": numeric, "category": category}
            edges = np.array([0.2]) if classes == 2 else np.array([-0.5, 0.6])
            self._truth[part] = np.digitize(value, edges) if kind == "classification" else value[:, None]
        names = {"classes": [str(i) for i in range(classes)]}
        span = {"mean": [0.0], "scale": [1.0], "low": [-9.0], "high": [9.0]}
        self.state = {"task": names if kind == "classification" else span}
        self.signature = ModelSignature(
            inputs={
                "numeric": TensorSpec(shape=(2,)),
                "category": TensorSpec(shape=(1,), dtype="int32", cardinalities=(5,)),
            },
            output=(classes,) if kind == "classification" else (1,),
        )

    def inputs(self, part):
        return self._inputs[part]

    def truth(self, part):
        return self._truth[part]

    def target(self, part):
        return self._truth[part]

    def weight(self, part):
        return self.weights if part == "train" else None

    def size(self, part):
        return ROWS[part]


def _predicted(name: str, example: Example) -> np.ndarray:
    baseline = baselines.load(name)
    state = json.loads(json.dumps(baseline.fit(example, example.task, 10.0)))
    return baseline.predict(state, example.inputs("test"))


@pytest.mark.parametrize("name", ["linear", "trees"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_baseline_tells_classes_apart(name, classes):
    example = Example("classification", classes)
    probabilities = _predicted(name, example)
    assert probabilities.shape == (ROWS["test"], classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (probabilities.argmax(axis=1) == example.truth("test")).mean() > 0.85


@pytest.mark.parametrize("name", ["linear", "trees"])
def test_a_baseline_predicts_a_quantity(name):
    example = Example("regression")
    error = _predicted(name, example) - example.truth("test")
    assert np.sqrt((error**2).mean()) < 0.4 * example.truth("test").std()


@pytest.mark.parametrize("name", ["dummy", "linear", "trees"])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_rows_without_weight_teach_a_baseline_nothing(name, kind):
    example = Example(kind)
    honest = _predicted(name, example)
    random = np.random.default_rng(1)
    lying = random.random(ROWS["train"]) < 0.6
    truth = example.truth("train")
    truth[lying] = 0 if kind == "classification" else -truth[lying] - 5.0
    misled = np.abs(_predicted(name, example) - honest).mean()
    example.weights = np.where(lying, 0.0, 1 / (~lying).mean()).astype(np.float32)
    assert np.abs(_predicted(name, example) - honest).mean() < misled / 4


def test_the_dummy_answers_the_class_shares_or_the_mean():
    example = Example("classification", 3)
    shares = np.bincount(example.truth("train"), minlength=3) / ROWS["train"]
    assert np.allclose(_predicted("dummy", example), shares)
    quantity = Example("regression")
    assert np.allclose(_predicted("dummy", quantity), quantity.truth("train").mean())


def test_every_task_has_a_baseline_for_every_modality():
    assert baselines.fitting("classification", {"numeric", "category"}) == ["dummy", "linear", "trees"]
    assert baselines.fitting("regression", {"numeric"}) == ["dummy", "linear", "trees"]
    assert baselines.fitting("classification", {"image"}) == ["dummy", "thumbnail"]
    assert baselines.fitting("forecasting", {"history", "calendar"}) == ["seasonal_naive", "theta"]


@pytest.mark.parametrize(("kind", "fit"), [("classification", "logistic"), ("regression", "_ridge")])
def test_a_linear_baseline_reads_no_more_rows_than_teach_it_something(monkeypatch, kind, fit):
    seen, plain = [], getattr(linear, fit)
    monkeypatch.setattr(linear, "MOST_ROWS", 300)
    monkeypatch.setattr(linear, fit, lambda x, y, *rest: seen.append((x.shape[0], len(y))) or plain(x, y, *rest))
    example = Example(kind)
    predicted = _predicted("linear", example)
    assert set(seen) == {(300, 300)} and len(predicted) == ROWS["test"]

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


class Memory:
    """A baseline that knows every row it was shown, and answers the class 0 to any other."""

    def fit(self, prepared, task, seconds):
        rows = [row.tolist() for row in prepared.inputs("train")["numeric"]]
        return {"rows": rows, "truth": np.asarray(prepared.truth("train")).tolist()}

    def predict(self, state, inputs):
        known = {tuple(row): truth for row, truth in zip(state["rows"], state["truth"], strict=True)}
        return np.eye(2)[[known.get(tuple(row.tolist()), 0) for row in inputs["numeric"]]]


class Folded(Example):
    """The train part of an Example in four folds, as PreparedRows cuts it."""

    folds = 4
    number = None

    def __init__(self, kind: str, classes: int = 2):
        super().__init__(kind, classes)
        self.fold_codes = np.arange(ROWS["train"]) % self.folds

    def fold(self, number):
        other = Folded.__new__(Folded)
        other.__dict__.update(vars(self), number=number)
        return other

    def _rows(self, part):
        if part == "test":
            return slice(None)
        inside = self.fold_codes == self.number
        return slice(None) if self.number is None else inside if part == "valid" else ~inside

    def inputs(self, part):
        held = self._inputs["train" if part == "valid" else part]
        return {name: array[self._rows(part)] for name, array in held.items()}

    def truth(self, part):
        return self._truth["train" if part == "valid" else part][self._rows(part)]

    target = truth

    def weight(self, part):
        return self.weights[self._rows(part)] if part == "train" and self.weights is not None else None

    def size(self, part):
        return len(self.truth(part))


def test_a_baseline_is_never_judged_by_a_row_it_learned_from(monkeypatch):
    example = Folded("classification")
    monkeypatch.setattr(baselines, "load", lambda name: Memory())
    state, predictions = baselines.fit("memory", example, example.task, 10)
    assert predictions.shape == (ROWS["train"], 2)
    assert (predictions[:, 0] == 1).all()  # it knew none of them
    known = [member["rows"] for member in state["members"]]
    assert [len(rows) for rows in known] == [300] * 4
    for number, answer in enumerate(example.fold_codes):
        assert example.inputs("train")["numeric"][number].tolist() not in known[answer]
    in_sample = baselines.predict("memory", state, example.inputs("train"))
    np.testing.assert_allclose(in_sample[np.arange(400), example.truth("train")].min(), 0.75)  # three of four know it


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("name", ["dummy", "linear", "trees"])
def test_the_members_of_a_baseline_answer_together_and_survive_json(name, kind):
    example = Folded(kind)
    example.weights = np.where(np.arange(400) % 7, 1.0, 0.5).astype(np.float32)
    state, predictions = baselines.fit(name, example, example.task, 10)
    again = json.loads(json.dumps(state))
    answers = baselines.predict(name, again, example.inputs("test"))
    each = [baselines.load(name).predict(member, example.inputs("test")) for member in again["members"]]
    np.testing.assert_allclose(answers, np.mean(each, axis=0))
    for number in range(4):
        fold = example.fold(number)
        own = baselines.load(name).predict(again["members"][number], fold.inputs("valid"))
        np.testing.assert_allclose(predictions[example.fold_codes == number], own)


def test_a_class_that_a_fold_never_shows_gets_no_chance_there():
    example = Folded("classification")
    example._truth["train"] = np.zeros(400, np.int64)
    example._truth["train"][2] = 1  # in fold 2
    state, predictions = baselines.fit("linear", example, example.task, 10)
    assert predictions[2, 1] < 1e-9
    assert np.isfinite(baselines.predict("linear", state, example.inputs("test"))).all()

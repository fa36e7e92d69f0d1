"""Samples that are rows: a part that cannot do its work is refused before anything trains."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.encoders import image
from dl_core.errors import DataError
from dl_core.prepared import PARTS
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec
from dl_core.samples.rows import PreparedRows, prepare
from tests import examples


def prepared(tmp_path, valid_classes, metric):
    """Prepare a table whose valid part shows `valid_classes` only."""
    parts = np.repeat(["train", "valid", "test"], 40)
    answers = np.tile(["yes", "no"], 60).astype(object)
    answers[40:80] = np.resize(valid_classes, 40)
    frame = pd.DataFrame({"size": np.arange(120.0), "part": parts, "answer": answers})
    frame.to_csv(tmp_path / "data.csv", index=False)
    dataset = Dataset(import_file(tmp_path / "data.csv", tmp_path / "dataset", layout="table"))
    spec = RunSpec(
        dataset=dataset.id,
        schema_version=1,
        task=TaskSpec(kind="classification", targets=("answer",), metric=metric),
        split=SplitSpec(kind="column", column="part"),
    )
    prepare(dataset, spec, None, tmp_path / "prepared", lambda *_: None)


def test_a_valid_part_of_one_class_cannot_rank_by_area(tmp_path):
    with pytest.raises(DataError, match="ROC AUC says nothing about the 40 rows of the valid part"):
        prepared(tmp_path, ["yes"], "roc_auc")


def test_a_valid_part_of_one_class_can_rank_by_accuracy(tmp_path):
    prepared(tmp_path, ["yes"], "accuracy")
    assert (tmp_path / "prepared" / "state.json").exists()


def test_a_valid_part_of_classes_that_train_never_showed_is_refused(tmp_path):
    with pytest.raises(DataError, match="valid part shows no class of the train part"):
        prepared(tmp_path, ["perhaps", "maybe"], "accuracy")


def weighted(tmp_path, weights):
    """Prepare a table of 120 rows, 40 for each part, whose last column is their weight; gives what was logged too."""
    frame = pd.DataFrame(
        {
            "size": np.arange(120.0),
            "part": np.repeat(["train", "valid", "test"], 40),
            "answer": np.tile(["yes", "no"], 60),
            "survey weight": weights,
        }
    )
    frame.to_csv(tmp_path / "data.csv", index=False)
    dataset = Dataset(import_file(tmp_path / "data.csv", tmp_path / "dataset", layout="table"))
    schema = dataset.add_schema(dataset.schema.edited({"survey weight": {"role": "weight"}}))
    spec = RunSpec(
        dataset=dataset.id,
        schema_version=schema.version,
        task=TaskSpec(kind="classification", targets=("answer",), metric="accuracy"),
        split=SplitSpec(kind="column", column="part"),
    )
    said = {}
    prepare(dataset, spec, None, tmp_path / "prepared", lambda key, *line: said.update({key: line}))
    return PreparedRows(tmp_path / "prepared"), said


def test_weights_are_one_on_average_in_the_train_part_and_never_a_feature(tmp_path):
    weights = np.tile([0.0, 1.0, 2.0, 5.0], 30)
    weights[40:] = np.nan  # where no row teaches, none needs a weight
    prepared, said = weighted(tmp_path, weights)
    np.testing.assert_allclose(prepared.weight("train"), np.tile([0.0, 0.5, 1.0, 2.5], 10))
    assert prepared.weight("valid") is None and prepared.weight("test") is None
    assert [column.name for column in prepared.preprocessor.columns] == ["size"]
    assert said["columns.weight"][0] == "Rows are weighted by 'survey weight'"


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (np.nan, "is no number in 2 of 40 rows of the train part"),
        (-1.0, "is a negative number in 2 of 40 rows of the train part"),
    ],
)
def test_weights_that_are_missing_or_negative_are_refused(tmp_path, weight, sentence):
    weights = np.linspace(1, 2, 120)
    weights[3:5] = weight
    with pytest.raises(DataError, match=sentence):
        weighted(tmp_path, weights)


def test_weights_that_are_all_zero_are_refused(tmp_path):
    with pytest.raises(DataError, match="is 0 in every row of the train part"):
        weighted(tmp_path, np.repeat([0.0, 1.0, 2.0], 40))


def test_pictures_are_written_as_they_are_read_and_never_held_whole(tmp_path, monkeypatch):
    examples.write_pictures(tmp_path / "shapes.zip", per_class=20)
    dataset = Dataset(import_file(tmp_path / "shapes.zip", tmp_path / "dataset"))
    spec = RunSpec(
        dataset=dataset.id,
        schema_version=1,
        task=TaskSpec(kind="classification", targets=("label",), metric="accuracy"),
        split=SplitSpec(kind="stratified"),
    )
    transform, made = image.transform, []
    monkeypatch.setattr(
        image, "transform", lambda *args, **options: made.append(transform(*args, **options)) or made[-1]
    )
    prepare(dataset, spec, None, tmp_path / "prepared", lambda *_: None)
    assert [type(arrays["image"]) for arrays in made] == [np.memmap] * len(PARTS)
    prepared = PreparedRows(tmp_path / "prepared")
    frame = dataset.table(rows=prepared.rows("train").tolist())
    held = prepared.preprocessor.transform(frame, files=dataset.file)["image"]
    np.testing.assert_array_equal(prepared.inputs("train")["image"], held)


def foldable(tmp_path, rows=60, test_rows=0, **columns):
    """Prepare a table without any column that says where a row belongs; `test_rows` further ones are the test file."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.arange(rows + test_rows) + 0.5,
            "weight": np.arange(rows + test_rows) % 3 + 1.0,
            "answer": random.permutation(np.resize(["yes", "no", "no"], rows + test_rows)),
            "price": random.normal(size=rows + test_rows),
            **columns,
        }
    )
    datasets = []
    for name, part in (("data", frame[:rows]), ("test", frame[rows:]))[: 1 + bool(test_rows)]:
        part.to_csv(tmp_path / f"{name}.csv", index=False)
        datasets.append(Dataset(import_file(tmp_path / f"{name}.csv", tmp_path / name, layout="table")))
    schema = datasets[0].add_schema(datasets[0].schema.edited({"weight": {"role": "weight"}}))
    spec = RunSpec(
        dataset=datasets[0].id,
        schema_version=schema.version,
        task=TaskSpec(kind="classification", targets=("answer",), metric="roc_auc"),
        split=SplitSpec(kind="file", test_dataset="test") if test_rows else SplitSpec(kind="stratified"),
    )
    said = {}
    prepare(
        datasets[0], spec, *datasets[1:] or [None], tmp_path / "prepared", lambda key, *line: said.update({key: line})
    )
    return PreparedRows(tmp_path / "prepared"), said


def test_a_fold_learns_from_all_other_folds_and_is_judged_by_its_own(tmp_path):
    prepared, said = foldable(tmp_path)
    assert prepared.folds == 5 and "trained 5 times" in said["folds"][0]
    everything = prepared.rows("train")
    np.testing.assert_array_equal(prepared.rows("valid"), everything)
    assert prepared.weight("valid") is None
    judged = []
    for number in range(prepared.folds):
        fold = prepared.fold(number)
        learned, own = fold.rows("train"), fold.rows("valid")
        assert sorted([*learned, *own]) == everything.tolist()
        np.testing.assert_array_equal(own, everything[prepared.fold_codes == number])
        np.testing.assert_array_equal(fold.weight("train"), prepared.weight("train")[np.isin(everything, learned)])
        for read in (fold.target, fold.truth, lambda part, fold=fold: fold.inputs(part)["numeric"]):
            assert len(read("train")) == fold.size("train") == len(learned)
            assert len(read("valid")) == fold.size("valid") == len(own)
        np.testing.assert_array_equal(fold.rows("test"), prepared.rows("test"))
        judged.extend(own.tolist())
    assert sorted(judged) == everything.tolist()


@pytest.mark.parametrize("test_rows", [0, 12])
def test_all_is_every_labelled_row_once(tmp_path, test_rows):
    prepared, _ = foldable(tmp_path, test_rows=test_rows)
    assert prepared.size("all") == 60 + test_rows == prepared.size("train") + prepared.size("test")
    numbers = prepared.inputs("all")["numeric"][:, 0]
    assert len(np.unique(numbers)) == 60 + test_rows
    np.testing.assert_array_equal(prepared.target("all")[: prepared.size("train")], prepared.target("train"))
    if test_rows:
        assert len(prepared.fold_codes) == 60


def test_all_holds_three_parts_where_there_are_no_folds(tmp_path):
    prepared, _ = weighted(tmp_path, np.ones(120))
    assert prepared.folds == 1
    assert sorted(prepared.rows("all")) == list(range(120))
    assert prepared.weight("all") is None


def test_a_class_with_one_row_stays_among_what_is_learned_from(tmp_path):
    answers = np.resize(["yes", "no"], 60).astype(object)
    answers[7] = "once"
    prepared, _ = foldable(tmp_path, answer=answers)
    once = np.flatnonzero(prepared.rows("train") == 7)
    assert once.size == 1 and prepared.truth("train")[once] == prepared.state["task"]["classes"].index("once")

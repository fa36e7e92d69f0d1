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

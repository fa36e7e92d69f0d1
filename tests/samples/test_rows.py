"""Samples that are rows: a part that cannot do its work is refused before anything trains."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.errors import DataError
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec
from dl_core.samples.rows import prepare


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


def test_the_log_says_that_sample_weights_are_not_used_yet():
    from dl_core.data.schema import Column, Schema
    from dl_core.encoders.preprocessor import Preprocessor
    from dl_core.samples.rows import _tell

    weight = Column(name="survey weight", kind="numeric", storage="number", role="weight")
    said = []
    _tell(Schema(version=1, columns=(weight,)), Preprocessor((), {}), lambda *line: said.append(line))
    assert [(key, what) for key, what, _ in said] == [("columns.weight", "Not used: survey weight")]

"""Samples that are rows or pictures: split, encode on what the train part shows, write arrays."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.dataset import Dataset
from dl_core.data.guess import other_splits
from dl_core.data.schema import Schema
from dl_core.data.split import FOLD_ROWS, FOLDS, fold_codes, split_rows
from dl_core.encoders.preprocessor import FEATURE_ROLES, Preprocessor
from dl_core.errors import DataError, TargetError
from dl_core.metrics import METRICS
from dl_core.prepared import PARTS
from dl_core.records import read_array, read_json, write_json
from dl_core.runspec import RunSpec
from dl_core.signature import ModelSignature
from dl_core.tasks import TASKS

Decide = Callable[..., None]


def prepare(dataset: Dataset, spec: RunSpec, test_dataset: Dataset | None, folder: Path, decide: Decide) -> None:
    """Write the arrays of all parts into `folder`. `decide(key, what, why, alternatives)` logs each choice made.

    Raises TargetError or DataError where nothing can be trained.
    """
    task = TASKS.load(spec.task.kind)()
    schema = dataset.schema_version(spec.schema_version)
    aside = {*spec.task.targets}
    if spec.split.kind in ("group", "column") and spec.split.column:  # who or which part a row is teaches nothing
        aside.add(spec.split.column)
    features = [column.name for column in schema.columns if column.role in FEATURE_ROLES and column.name not in aside]
    pictures = [name for name in features if schema[name].kind == "image"]
    if pictures and len(features) > 1:
        others = ", ".join(name for name in features if name != pictures[0])
        decide(
            "columns.pictures",
            f"Networks see the pictures of {pictures[0]!r} alone",
            f"pictures and other columns are not combined: {others} is left out",
            ["predict from the other columns: give the pictures the role 'ignored'"],
        )
        features = pictures[:1]
    targets = list(spec.task.targets)
    weight = next((column.name for column in schema.having("weight") if column.name not in targets), None)
    columns = [*features, *filter(None, [weight])]
    frames, folds = _parts(dataset, schema, spec, test_dataset, columns, targets, decide)

    errors = [p for p in task.check(frames["train"][targets], spec.task) if p.severity == "error"]
    if errors:
        raise TargetError(f"{errors[0].message} {errors[0].fix}")
    task_state = task.fit(frames["train"][targets])
    for part in ("valid", "test"):
        frames[part] = _known_only(frames[part], task.truth(task_state, frames[part][targets]), part, decide)
    _refuse_unrankable(spec, task.truth(task_state, frames["valid"][targets]))
    weights = None if weight is None else loss_weights(frames["train"][weight], decide)

    files = {"train": dataset.file, "valid": dataset.file, "test": (test_dataset or dataset).file}
    preprocessor = Preprocessor.fit(schema, frames["train"], columns=features, files=files["train"])
    _tell(schema, preprocessor, decide)
    for part in PARTS if folds is None else ("train", "test"):
        where = folder / part
        where.mkdir(parents=True, exist_ok=True)
        pixels = where / "input_image.npy"
        for name, array in preprocessor.transform(frames[part], files=files[part], pixels=pixels).items():
            if name != "image":  # which lies there already, and is too large to be held in memory as well
                np.save(where / f"input_{name}.npy", array)
        np.save(where / "target.npy", task.encode(task_state, frames[part][targets]))
        np.save(where / "truth.npy", task.truth(task_state, frames[part][targets]))
        np.save(where / "rows.npy", frames[part].index.to_numpy(np.int64))
    if weights is not None:
        np.save(folder / "train" / "weight.npy", weights)
    train_size = len(frames["train"])
    if folds is not None:
        np.save(folder / "folds.npy", folds)
        train_size -= len(folds) // FOLDS
    signature = ModelSignature(
        inputs=preprocessor.signature_inputs(),
        output=task.output(task_state),
        options={"task": task.kind, "train_size": train_size},
    )
    write_json(
        folder / "state.json",
        {
            "sampler": "rows",
            "task": task_state,
            "preprocessor": preprocessor.to_json(),
            "signature": signature.to_json(),
            "folds": 1 if folds is None else FOLDS,
        },
    )


def _tell(schema: Schema, preprocessor: Preprocessor, decide: Decide) -> None:
    """Log which columns are used, how, and which are not."""
    ignored = [column for column in schema.columns if column.role == "ignored"]
    if ignored:
        names = ", ".join(column.name for column in ignored)
        why = "; ".join(f"{column.name}: {column.reason}" for column in ignored)
        decide("columns.ignored", f"Not used: {names}", why, ["give a column the role 'feature' on the Data page"])
    if preprocessor.left_out:
        names = ", ".join(preprocessor.left_out)
        why = "; ".join(f"{name}: {reason}" for name, reason in preprocessor.left_out.items())
        decide("columns.left_out", f"Left out: {names}", why, ["another kind, chosen on the Data page"])
    numbers = [one.column.name for one in preprocessor.encoded if one.column.kind in ("numeric", "datetime")]
    words = [one.column.name for one in preprocessor.encoded if one.column.kind in ("category", "boolean")]
    if numbers:
        decide(
            "encode.numbers",
            f"{len(numbers)} columns become numbers around zero",
            "median and interquartile range of the train part, with outliers clipped smoothly; a missing value becomes "
            "the median and is marked",
            ["another kind of a column, chosen on the Data page"],
        )
    if words:
        decide(
            "encode.categories",
            f"{len(words)} columns become categories",
            "each value seen in the train part gets a number; missing and unseen values have one of their own",
            ["another kind of a column, chosen on the Data page"],
        )
    for one in preprocessor.encoded:
        for choice, reason in one.state.get("why", {}).items():
            decide(f"encode.{one.column.name}.{choice}", one.state["what"][choice], reason)


def _parts(
    dataset: Dataset,
    schema: Schema,
    spec: RunSpec,
    test_dataset: Dataset | None,
    features: list[str],
    targets: list[str],
    decide: Decide,
) -> tuple[dict[str, pd.DataFrame], np.ndarray | None]:
    """The rows of each part that have a target, and the fold of each train row where there are folds; the valid part is
    the train part then."""
    frame = dataset.table(list(dict.fromkeys([*features, *targets])))
    labelled = frame[targets].notna().all(axis=1)
    if not labelled.any():
        raise TargetError(f"No row has a value for {' and '.join(map(repr, targets))}. Choose another target.")
    if missing := int((~labelled).sum()):
        decide(
            "rows.unlabelled",
            f"{missing:,} rows without a target are left out",
            "a row without an answer can neither teach nor test",
            ["fill the target in and upload again"],
        )
    numbers = split_rows(dataset, spec, labelled=labelled.to_numpy())
    folds = fold_codes(dataset, spec, numbers)
    if folds is not None:
        numbers["train"] = numbers["valid"] = np.sort(np.concatenate([numbers["train"], numbers["valid"]]))
    parts = {part: frame.loc[rows] for part, rows in numbers.items()}
    if test_dataset is not None:
        absent = [name for name in targets if name not in test_dataset.schema]
        if absent:
            raise TargetError(f"The test file has no column {absent[0]!r}. A test file must hold the target.")
        test = test_dataset.table([name for name in frame.columns if name in test_dataset.schema])
        parts["test"] = test[test[targets].notna().all(axis=1)]
    for part in PARTS:
        if parts[part].empty:
            raise DataError(f"The {part} part has no rows. Choose another split, or bring more rows.")
    shown = PARTS if folds is None else ("train", "test")
    sizes = ", ".join(f"{part} {len(parts[part]):,}" for part in shown)
    decide(
        "split",
        f"Split: {sizes} rows",
        f"{spec.split.kind} split, seed {spec.seed}; the test part is scored at the end and chooses nothing",
        other_splits(schema, spec.task.kind, spec.split.kind),
    )
    if folds is not None:
        decide(
            "folds",
            f"Every model is trained {FOLDS} times, each time without another fifth of the train part",
            f"with fewer than {FOLD_ROWS:,} rows one validation part would be small; here every row is judged by the "
            "network that did not learn from it, and the networks answer together",
            ["one validation part: give a column with train, valid and test as the split"],
        )
    return parts, folds


def _known_only(frame: pd.DataFrame, truth: np.ndarray, part: str, decide: Decide) -> pd.DataFrame:
    """Leave out rows whose class the train part never showed: no model could name it."""
    unknown = (truth < 0).reshape(len(truth), -1).any(axis=1) if truth.dtype.kind == "i" else np.zeros(len(truth), bool)
    if unknown.any():
        decide(
            f"rows.unseen_class.{part}",
            f"{int(unknown.sum()):,} rows of the {part} part are left out",
            "their class does not occur in the train part",
            ["bring more rows of that class"],
        )
    if unknown.all():
        raise DataError(f"The {part} part shows no class of the train part. Choose another split, or bring more rows.")
    return frame[~unknown]


def _refuse_unrankable(spec: RunSpec, valid: np.ndarray) -> None:
    """Models are chosen by their score on the validation part, so there must be one."""
    metric = METRICS.load(spec.task.metric)
    if not metric.fits(valid):
        raise DataError(
            f"{metric.title} says nothing about the {len(valid):,} rows of the valid part, whose targets are too much "
            "alike. Choose another metric or another split, or bring more rows."
        )


def loss_weights(values: pd.Series, decide: Decide) -> np.ndarray:
    """What each row of the train part counts in training: float32 (rows,), 1 on average. Raises DataError for weights
    that are missing, negative or all zero."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    finite = np.isfinite(numbers)
    for wrong, what in ((~finite, "no number"), (finite & (numbers < 0), "a negative number")):
        if wrong.any():
            raise DataError(
                f"The weight {values.name!r} is {what} in {int(wrong.sum()):,} of {len(numbers):,} rows of the train "
                "part. A weight must be 0 or more in each of them: mend the file, or give the column another role."
            )
    if not numbers.any():
        raise DataError(
            f"The weight {values.name!r} is 0 in every row of the train part, so no row would teach anything. Give the "
            "column another role, or choose another split."
        )
    decide(
        "columns.weight",
        f"Rows are weighted by {values.name!r}",
        "networks and baselines learn from each row in proportion to its weight; scores on the validation and the test "
        "part count every row once",
        ["every row alike: give the column the role 'ignored'"],
    )
    return (numbers / numbers.mean()).astype(np.float32)


class PreparedRows:
    """See dl_core.prepared.Prepared. `rows(part)` gives the dataset's row numbers of the samples."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.state: dict[str, Any] = read_json(folder / "state.json")
        self.signature = ModelSignature.from_json(self.state["signature"])
        self.folds: int = self.state.get("folds", 1)

    def size(self, part: str) -> int:
        return len(self._array(part, "rows"))

    def inputs(self, part: str) -> dict[str, np.ndarray]:
        return {name: self._array(part, f"input_{name}") for name in self.signature.inputs}

    def target(self, part: str) -> np.ndarray:
        return self._array(part, "target")

    def truth(self, part: str) -> np.ndarray:
        return self._array(part, "truth")

    def rows(self, part: str) -> np.ndarray:
        return self._array(part, "rows")

    def weight(self, part: str) -> np.ndarray | None:
        """Of the train part, where a column has the role; scores count every row once."""
        known = part == "train" and (self.folder / "train" / "weight.npy").exists()
        return self._array(part, "weight") if known else None

    def context(self, part: str) -> dict[str, np.ndarray]:
        return {}

    def groups(self, part: str) -> np.ndarray | None:
        return None

    @cached_property
    def fold_codes(self) -> np.ndarray:
        return read_array(self.folder / "folds.npy")

    def fold(self, number: int) -> "PreparedRows":
        return _Fold(self.folder, number)

    @cached_property
    def preprocessor(self) -> Preprocessor:
        return Preprocessor.from_json(self.state["preprocessor"])

    def _array(self, part: str, name: str) -> np.ndarray:
        if part == "all":
            whole = PARTS if self.folds == 1 else ("train", "test")
            return np.concatenate([self._array(each, name) for each in whole])
        if part == "valid" and self.folds > 1:
            part = "train"
        return read_array(self.folder / part / f"{name}.npy", mmap=True)


class _Fold(PreparedRows):
    """One fold of the train part as the valid part, the others as the train part."""

    def __init__(self, folder: Path, number: int):
        super().__init__(folder)
        self._number = number

    def _array(self, part: str, name: str) -> np.ndarray:
        array = super()._array(part, name)
        if part not in ("train", "valid"):
            return array
        inside = self.fold_codes == self._number
        return array[inside if part == "valid" else ~inside]

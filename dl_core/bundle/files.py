"""A file in, predictions out: any upload format that can be imported, as the schema of the model says."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dl_core.bundle.folder import Bundle
from dl_core.bundle.predictor import Predictor
from dl_core.bundle.serving import write_csv
from dl_core.bundle.untrusted import unpacked
from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.schema import Column, Schema
from dl_core.metrics import METRICS

Report = dict[str, Any]


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """The bundle in a folder or in a downloaded ZIP, checked but not loaded. Raises BundleError."""
    if path.is_dir():
        yield Bundle.open(path)
    else:
        with unpacked(path) as bundle:
            yield bundle


def predict_with(predictor: Predictor, source: Path, out: Path) -> Report:
    """Predict every row, picture or series of the upload `source` and write the answers to the CSV file `out`, in the
    order of the input. Returns {"out", "rows", "scores": {metric: value} or None, "problems"}; there are scores where
    the file holds the target. Raises ReadError or DataError where the file does not fit."""
    with tempfile.TemporaryDirectory(prefix="deepboard-") as scratch:
        folder = import_file(source, Path(scratch) / "data", schema=_needed(predictor))
        dataset = Dataset(folder)
        frame = dataset.table().reset_index(drop=True)
        predictions = predictor.predict(frame, files=dataset.file)
        table = predictor.table(frame, predictions)
        write_csv(out, {name: table[name].to_numpy() for name in table})
        return {
            "out": str(out),
            "rows": len(table),
            "scores": score(predictor, frame, predictions),
            "problems": dataset.meta["problems"],
        }


def score(predictor: Predictor, frame: pd.DataFrame, predictions: np.ndarray) -> dict[str, float] | None:
    """The metrics of the task on those rows of `frame` whose target is known; None where there are none, and for
    forecasts, whose truth lies in the future."""
    bundle = predictor.bundle
    targets = list(bundle.task.targets)
    if bundle.sampler == "windows" or not set(targets) <= set(frame):
        return None
    labelled = frame[targets].notna().all(axis=1).to_numpy()
    if not labelled.any():
        return None
    truth = predictor.task.truth(bundle.state["task"], frame.loc[labelled, targets])
    predictions = predictions[labelled]
    if truth.dtype.kind == "i":  # classes that the model does not know cannot be right or wrong by degrees
        predictions, truth = predictions[truth >= 0], truth[truth >= 0]
    metrics = [METRICS.load(name) for name in predictor.task.metrics]
    return {
        metric.name: metric.compute(truth, predictions) for metric in metrics if len(truth) and metric.fits(truth)
    } or None


def _needed(predictor: Predictor) -> Schema:
    """The model's schema with roles by what the predictor reads: other columns may be missing."""
    bundle: Bundle = predictor.bundle
    roles = {name: "feature" for name in predictor.columns}
    if bundle.sampler == "windows":
        roles |= {name: "series" for name in bundle.task.series}
        roles |= {bundle.task.time: "time"} if bundle.task.time else {}
    roles |= {name: "target" for name in bundle.task.targets}

    def with_role(column: Column) -> Column:
        return replace(column, role=roles.get(column.name, "ignored"))  # type: ignore[arg-type]

    return Schema(version=bundle.schema.version, columns=tuple(map(with_role, bundle.schema.columns)))

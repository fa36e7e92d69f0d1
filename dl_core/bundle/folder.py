"""The deployable folder of a model: the network or the baseline, the preprocessing state, the task and the schema.

bundle/
    bundle.json       the record, see Bundle
    model.keras       the serving model: raw columns in, answers out      (of a network)
    baseline.json     the fitted state                                    (of a baseline)
"""

import hashlib
import platform
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from dl_core.data.schema import Schema
from dl_core.encoders import Preprocessor
from dl_core.errors import BundleError
from dl_core.records import read_json, write_json
from dl_core.runspec import TaskSpec

State = dict[str, Any]

FORMAT = 1
RECORD, MODEL, BASELINE = "bundle.json", "model.keras", "baseline.json"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The record of a bundle.

    `kind` is network or baseline; `sampler` rows or windows; `state` what was learned from the train part ("task",
    "preprocessor"); `inputs` leads from the serving model's inputs to table columns (rows only: "input", "column",
    "type"); `meta` is what the run tells about the model (name, family, params, scores, …); `files` has the SHA-256 of
    every other file.
    """

    folder: Path
    kind: str
    sampler: str
    task: TaskSpec
    schema: Schema
    state: State
    inputs: list[State]
    meta: State
    versions: dict[str, str]
    files: dict[str, str]

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """Of a bundle over rows."""
        return Preprocessor.from_json(self.state["preprocessor"])

    @cached_property
    def picture_column(self) -> str | None:
        """The column of pictures that the model looks at."""
        if self.sampler != "rows":
            return None
        return next((column.name for column in self.preprocessor.columns if column.kind == "image"), None)

    def baseline(self) -> State:
        """{"name", "state"} of a baseline."""
        return read_json(self.folder / BASELINE)

    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())

    @classmethod
    def open(cls, folder: Path) -> "Bundle":
        """Read a bundle folder and check that its files are the ones that were written. Raises BundleError."""
        folder = Path(folder)
        try:
            record = read_json(folder / RECORD)
            if record is None:
                raise BundleError(
                    f"There is no {RECORD} in {folder}. Expected the folder or the ZIP that Deepboard wrote."
                )
            if record["format"] != FORMAT:
                raise BundleError(
                    f"This bundle has format {record['format']!r}, this version of Deepboard reads {FORMAT}. "
                    "Use the version that wrote it, or export the model again."
                )
            fields = ("kind", "sampler", "state", "inputs", "meta", "versions", "files")
            bundle = cls(
                folder=folder,
                task=TaskSpec.from_json(record["task"]),
                schema=Schema.from_json(record["schema"]),
                **{field: record[field] for field in fields},
            )
            expected = {MODEL if bundle.kind == "network" else BASELINE}
            changed = [
                name
                for name in sorted(expected | set(bundle.files))
                if not (folder / Path(name).name).exists() or sha256(folder / Path(name).name) != bundle.files.get(name)
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"{RECORD} is damaged ({error}). Export the model again.") from error
        if changed:
            raise BundleError(f"{changed[0]} is missing or was changed since it was written. Export the model again.")
        return bundle


def save_bundle(
    folder: Path,
    *,
    prepared_state: State,
    task_spec: TaskSpec,
    schema: Schema,
    meta: State,
    network: Any = None,
    baseline: State | None = None,
) -> Bundle:
    """Write the bundle of a trained `network` (keras.Model, inputs named as its signature) or of a fitted `baseline`
    ({"name", "state"}), whole or not at all; what stood in `folder` is replaced.

    `prepared_state` is Prepared.state ("sampler", "task", "preprocessor"); `meta` is plain JSON about the model and is
    shown on the model card: name, family, params, scores, why, dataset, run, split.
    """
    if (network is None) == (baseline is None):
        raise ValueError("A bundle holds either a network or a baseline.")
    fresh = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}")
    fresh.mkdir(parents=True)
    inputs: list[State] = []
    try:
        if network is not None:
            inputs = _write_model(fresh / MODEL, network, prepared_state, task_spec)
        else:
            write_json(fresh / BASELINE, baseline)
        record = {
            "format": FORMAT,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "kind": "baseline" if network is None else "network",
            "sampler": prepared_state["sampler"],
            "task": asdict(task_spec),
            "schema": schema.to_json(),
            "state": {"task": prepared_state["task"], "preprocessor": prepared_state["preprocessor"]},
            "inputs": inputs,
            "meta": meta,
            "versions": _versions(),
            "files": {path.name: sha256(path) for path in sorted(fresh.iterdir())},
        }
        write_json(fresh / RECORD, record)
        old = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}")
        with suppress(FileNotFoundError):  # nothing stood there, or another process has just moved it away
            folder.rename(old)
        _place(fresh, folder)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return Bundle.open(folder)


def _place(fresh: Path, folder: Path) -> None:
    """Put a new folder in its place; where another process was quicker with the same bundle, that one stays."""
    try:
        fresh.rename(folder)
    except OSError:
        if not (folder / RECORD).exists():
            raise
        shutil.rmtree(fresh)


def _write_model(path: Path, network: Any, prepared_state: State, task_spec: TaskSpec) -> list[State]:
    from dl_core.bundle.graph import rows_graph, windows_graph  # Keras, which reading a bundle does not need

    if prepared_state["sampler"] == "windows":
        model, inputs = windows_graph(network), list[State]()
    else:
        preprocessor = Preprocessor.from_json(prepared_state["preprocessor"])
        model, inputs = rows_graph(network, preprocessor, task_spec.kind, prepared_state["task"])
    model.save(path)
    return inputs


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "keras", "numpy", "pandas", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

"""What pages read again and again. Caches are global to the server, so the owner is part of every key, and so is the
modification time of the file that was read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dl_core.errors import DeepboardError
from dl_core.problems import Problem
from dl_core.records import read_json, to_json
from dl_core.report import Panel
from dl_core.runspec import RunSpec
from dl_core.settings import workspace
from dl_core.store import Run, Store

if TYPE_CHECKING:
    from dl_core.data.dataset import Dataset
    from dl_core.data.relations import Relation

ACTOR = "local"


def store() -> Store:
    """The workspace's store, opened once per server."""
    return _store(str(workspace()))


@st.cache_resource(show_spinner=False)
def _store(place: str) -> Store:
    return Store(Path(place))


def stamp(path: Path) -> float:
    """When a file was last written; 0 where there is none. The part of a cache key that goes stale."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def runs_by_id(ids: Iterable[str]) -> list[Run]:
    """The runs of `ids` that still exist, read afresh."""
    known = {row["id"]: row for row in store().runs(actor=ACTOR)}
    return [Run(store().workspace, known[id]) for id in ids if id in known]


def board(row: dict[str, Any]) -> dict[str, Any] | None:
    """The leaderboard of a run by its catalogue row; None where it has none, or none with a model."""
    path = store().workspace / "runs" / row["id"] / "leaderboard.json"
    found = _record(ACTOR, str(path), stamp(path))
    return found if found and found["rows"] else None


@st.cache_data(show_spinner=False, max_entries=200)
def _record(actor: str, path: str, stamp: float) -> Any:
    return read_json(Path(path))


@st.cache_data(show_spinner=False, ttl=20, max_entries=4)
def _disk(actor: str, place: str) -> dict[str, Any]:
    return store().disk(actor=actor)


def disk() -> dict[str, Any]:
    """Bytes in use, at most twenty seconds old."""
    return _disk(ACTOR, str(workspace()))


def forget_disk() -> None:
    _disk.clear()


# plans


@dataclass(frozen=True)
class Planned:
    """What a plan came to: a spec and the choices behind it, or the sentence that says why there is none."""

    spec: RunSpec | None
    decisions: list[dict[str, Any]]
    error: str = ""


def planned(dataset: "Dataset", draft: dict[str, Any]) -> Planned:
    """What would be run on `dataset` with the wishes in a draft (a test file by its id)."""
    wishes = tuple(sorted((key, value) for key, value in draft.items() if value is not None))
    return _planned(ACTOR, str(dataset.folder), dataset.schema.version, dataset.meta["name"], wishes)


@st.cache_data(show_spinner=False, max_entries=100)
def _planned(actor: str, folder: str, version: int, name: str, draft: tuple) -> Planned:
    from dl_core.data.dataset import Dataset
    from dl_core.workflow.plan import Wishes, plan

    known = {field.name for field in fields(Wishes)}  # a draft also remembers how a form was left
    asked = {key: value for key, value in draft if key in known}
    try:
        if "test" in asked:
            asked["test"] = store().dataset(asked["test"], actor=actor)
        spec, decisions = plan(Dataset(Path(folder)), Wishes(**asked))
    except DeepboardError as error:
        return Planned(None, [], str(error))
    return Planned(spec, decisions)


@dataclass(frozen=True)
class Drawn:
    """A drawing, or the sentence that says why there is none; neither where it is decided later."""

    panel: Panel | None
    error: str = ""


def split_panel(dataset: "Dataset", spec: RunSpec) -> Drawn:
    """How the data would be cut."""
    return _split_panel(ACTOR, str(dataset.folder), to_json(spec.to_json()))


@st.cache_data(show_spinner=False, max_entries=50)
def _split_panel(actor: str, folder: str, spec_text: str) -> Drawn:
    from dl_core.data.dataset import Dataset

    dataset, spec = Dataset(Path(folder)), RunSpec.from_json(json.loads(spec_text))
    try:
        if spec.task.kind == "forecasting":
            return Drawn(_series_split(dataset, spec))
        return Drawn(_rows_split(dataset, spec, actor))
    except DeepboardError as error:
        return Drawn(None, str(error))


def _rows_split(dataset: "Dataset", spec: RunSpec, actor: str) -> Panel:
    from dl_core.data.split import PARTS, describe_split, fold_codes, split_rows

    test_rows = None
    if spec.split.test_dataset:
        test_rows = np.arange(store().dataset(spec.split.test_dataset, actor=actor).n_rows)
    answers = dataset.table(list(spec.task.targets))
    labelled = answers.notna().all(axis=1).to_numpy()
    cut = split_rows(dataset, spec, labelled=labelled, test_rows=test_rows)
    described = describe_split(dataset, spec, cut, fold_codes(dataset, spec, cut))
    parts = [
        {
            "name": name,
            "start": part.get("from"),
            "end": part.get("to"),
            "rows": part["rows"],
            "folds": part.get("folds"),
        }
        for name, part in ((name, described[name]) for name in PARTS if name in described)
    ]
    unit = "pictures" if dataset.modality == "image" else "rows"
    data = {"parts": parts, "unit": unit}
    if parts[0]["start"] is not None:
        data["x_kind"] = "time"
    return Panel(kind="split", title="", data=data, note=described["sentence"])


def _series_split(dataset: "Dataset", spec: RunSpec) -> Panel | None:
    """The cut of the longest series, in its own steps."""
    task, horizon = spec.task, spec.task.horizon
    if horizon is None:
        return None
    from dl_core.samples.cuts import cut_series
    from dl_core.samples.windows import on_grid, series_columns

    schema = dataset.schema
    lengths = on_grid(dataset.table(series_columns(task, schema)), task, schema)[1].lengths
    cuts = cut_series(lengths, horizon, task.season or 1, test_follows=spec.split.kind == "file")
    longest = int(np.argmax(lengths))
    ends = [0, int(cuts.until_valid[longest]), int(cuts.until_test[longest]), int(lengths[longest])]
    parts = [
        {"name": name, "rows": high - low, "start": low, "end": high}
        for name, low, high in zip(("train", "valid", "test"), ends[:-1], ends[1:], strict=True)
    ]
    return Panel(kind="split", title="", data={"parts": parts, "unit": "steps"})


# data


def relations(dataset: "Dataset", target: str) -> list["Relation"]:
    return _relations(ACTOR, str(dataset.folder), dataset.schema.version, target)


@st.cache_data(show_spinner=False, max_entries=30)
def _relations(actor: str, folder: str, version: int, target: str) -> list["Relation"]:
    from dl_core.data.dataset import Dataset
    from dl_core.data.relations import relations

    return relations(Dataset(Path(folder)), target)


def quality(dataset: "Dataset", spec: RunSpec | None) -> list[Problem]:
    """The findings about a dataset for what `spec` wants to predict, else for what the import guessed."""
    task = {"task": spec.task.kind, "targets": list(spec.task.targets), "horizon": spec.task.horizon} if spec else {}
    return _quality(ACTOR, str(dataset.folder), dataset.schema.version, to_json(task))


@st.cache_data(show_spinner=False, max_entries=30)
def _quality(actor: str, folder: str, version: int, task: str) -> list[Problem]:
    from dl_core.data.dataset import Dataset
    from dl_core.data.quality import quality

    dataset = Dataset(Path(folder))
    wanted = {name: value for name, value in json.loads(task).items() if value is not None}
    return quality(dataset, dataset.schema_version(version), {**(dataset.meta.get("guess") or {}), **wanted})

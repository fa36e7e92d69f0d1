"""Datasets of generated series, as the import would leave them on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import ROW, Dataset
from dl_core.data.schema import Column, Schema
from dl_core.records import write_json
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec
from dl_core.samples.windows import PreparedWindows, prepare

MakeDataset = Callable[..., Dataset]
Prepare = Callable[..., PreparedWindows]


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """make_dataset(frame, time=…, format=…): a dataset folder. Without a format the time counts whole-number steps."""
    made = []

    def make(frame: pd.DataFrame, time: str = "t", format: str | None = None) -> Dataset:
        folder = tmp_path / f"dataset-{len(made)}"
        made.append(folder)
        folder.mkdir()
        columns = []
        for name in frame:
            storage = "number" if pd.api.types.is_numeric_dtype(frame[name]) else "text"
            if name == time and format:
                columns.append(Column(name=name, kind="datetime", storage="time", parse={"format": format}))
            else:
                columns.append(
                    Column(name=name, kind="numeric" if storage == "number" else "category", storage=storage)
                )
        frame.rename_axis(ROW).reset_index().to_parquet(folder / "data.parquet")
        write_json(folder / "schema-1.json", Schema(version=1, columns=tuple(columns)).to_json())
        write_json(folder / "meta.json", {"id": folder.name, "modality": "series", "rows": len(frame)})
        return Dataset(folder)

    return make


@pytest.fixture
def prepared(make_dataset: MakeDataset, tmp_path: Path) -> Prepare:
    """prepared(frame, test=frame, horizon=…, …): PreparedWindows, with the decisions in `.decisions`."""

    def run(
        frame: pd.DataFrame, test: pd.DataFrame | None = None, format: str | None = None, **task
    ) -> PreparedWindows:
        dataset = make_dataset(frame, format=format)
        test_dataset = None if test is None else make_dataset(test, format=format)
        task = {"kind": "forecasting", "targets": ("y",), "metric": "mase", "time": "t", **task}
        spec = RunSpec(
            dataset=dataset.id, schema_version=1, task=TaskSpec(**task), split=SplitSpec(kind="time", column="t")
        )
        decisions: dict[str, tuple] = {}
        folder = tmp_path / "prepared"
        prepare(dataset, spec, test_dataset, folder, lambda key, *rest: decisions.setdefault(key, rest))
        result = PreparedWindows(folder)
        result.decisions = decisions
        return result

    return run


@pytest.fixture
def waves() -> pd.DataFrame:
    """Six series with a season of 12 steps, a trend and noise; different lengths and levels."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(6):
        t = np.arange(150 + 10 * number)
        y = 10 * (number + 1) * (3 + np.sin(2 * np.pi * t / 12) + 0.01 * t + 0.1 * rng.standard_normal(len(t)))
        frames.append(pd.DataFrame({"id": f"s{number}", "t": t, "y": y}))
    return pd.concat(frames, ignore_index=True)

"""Generated data to measure the engine on: nothing is downloaded, and every machine makes the same."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.runspec import RunSpec
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan

ROWS, NUMBERS, WORDS = 10_000, 15, 5
SERIES, STEPS, HORIZON = 100, 400, 24
MONTHLY, MONTHS, YEAR = 150, 120, 12
PICTURES, CLASSES, PIXELS = 2_000, 4, 32


def features(random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Twenty columns, and a quantity (rows,) that follows from them, bends and products included, with some noise."""
    numbers = random.normal(size=(ROWS, NUMBERS))
    words = random.integers(0, [[3, 4, 6, 8, 20]], (ROWS, WORDS))
    frame = pd.DataFrame(numbers.round(4), columns=[f"measure_{index}" for index in range(NUMBERS)])
    for index in range(WORDS):
        frame[f"group_{index}"] = [f"value {number}" for number in words[:, index]]
    signal = numbers[:, 0] * numbers[:, 1] + np.sin(2 * numbers[:, 2]) + numbers[:, 3] + 0.5 * (words[:, 0] - 1)
    return frame, signal + random.normal(0, 0.5, ROWS)


def write_classes(folder: Path) -> Path:
    frame, signal = features(np.random.default_rng(0))
    return _csv(frame.assign(answer=np.where(signal > 0, "yes", "no")), folder / "classes.csv")


def write_quantity(folder: Path) -> Path:
    frame, signal = features(np.random.default_rng(0))
    return _csv(frame.assign(answer=signal.round(4)), folder / "quantity.csv")


def write_series(folder: Path) -> Path:
    """Hourly series with a day's rhythm of their own, a trend and noise."""
    random = np.random.default_rng(0)
    steps, hours = np.arange(STEPS), pd.date_range("2024-01-01", periods=STEPS, freq="h")
    frames = []
    for number in range(SERIES):
        level, phase, slope = random.uniform(20, 200), random.uniform(0, 24), random.normal(0, 0.0005)
        rhythm = 1 + 0.4 * np.sin(2 * np.pi * (steps + phase) / 24) + slope * steps
        values = level * (rhythm + random.normal(0, 0.08, STEPS))
        frames.append(pd.DataFrame({"place": f"place {number}", "hour": hours, "answer": values.round(3)}))
    return _csv(pd.concat(frames, ignore_index=True), folder / "series.csv")


def write_months(folder: Path) -> Path:
    """Monthly series with a year's rhythm of their own, a trend and noise."""
    random = np.random.default_rng(0)
    steps, months = np.arange(MONTHS), pd.date_range("2014-01-01", periods=MONTHS, freq="MS")
    frames = []
    for number in range(MONTHLY):
        level, phase, slope = random.uniform(20, 200), random.uniform(0, 12), random.normal(0, 0.003)
        rhythm = 1 + 0.3 * np.sin(2 * np.pi * (steps + phase) / 12) + slope * steps
        values = level * (rhythm + random.normal(0, 0.08, MONTHS))
        frames.append(pd.DataFrame({"place": f"place {number}", "month": months, "answer": values.round(3)}))
    return _csv(pd.concat(frames, ignore_index=True), folder / "months.csv")


def write_pictures(folder: Path) -> Path:
    """Stripes in one of four directions, of any colour, width and place, under noise: a folder per class."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:PIXELS, :PIXELS]
    path = folder / "pictures.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(PICTURES):
            angle = np.pi * (number % CLASSES) / CLASSES
            across = rows * np.cos(angle) + columns * np.sin(angle)
            wave = np.sin(across * random.uniform(0.5, 1.5) + random.uniform(0, 6))[..., None]
            pixels = 128 + wave * random.uniform(-60, 60, 3) + random.normal(0, 60, (PIXELS, PIXELS, 3))
            content = io.BytesIO()
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(content, "PNG", compress_level=1)
            archive.writestr(f"direction_{number % CLASSES}/{number:04}.png", content.getvalue())
    return path


def _csv(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    return path


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file that is written when it is needed, and what is asked of it."""

    what: str
    write: Callable[[Path], Path]
    wishes: Wishes


TABLE = f"{ROWS:,} rows, {NUMBERS + WORDS} columns"
DATA = {
    "classes": Made(what=f"table, {TABLE}, two classes", write=write_classes, wishes=Wishes(targets=["answer"])),
    "quantity": Made(what=f"table, {TABLE}, a quantity", write=write_quantity, wishes=Wishes(targets=["answer"])),
    "series": Made(
        what=f"{SERIES} series of {STEPS} hours",
        write=write_series,
        wishes=Wishes(targets=["answer"], task="forecasting", time="hour", series=["place"], horizon=HORIZON),
    ),
    "months": Made(
        what=f"{MONTHLY} series of {MONTHS} months",
        write=write_months,
        wishes=Wishes(targets=["answer"], task="forecasting", time="month", series=["place"], horizon=YEAR),
    ),
    "pictures": Made(what=f"{PICTURES:,} pictures of {PIXELS} pixels", write=write_pictures, wishes=Wishes()),
}


def imported(name: str, store: Store) -> Dataset:
    """The data set called `name`, written beside the workspace and imported as an upload is."""
    path = DATA[name].write(store.workspace.parent)
    return store.add_dataset(import_file(path, store.incoming(), name=name))


def spec_of(name: str, dataset: Dataset, *, seconds: float = 60.0, epochs: int | None = None) -> RunSpec:
    """What a run on it is asked for."""
    return plan(dataset, replace(DATA[name].wishes, seconds=seconds, epochs=epochs))[0]

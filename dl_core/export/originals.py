"""Original values of a dataset as a file that a kit can read, and the same values as the app holds them."""

import csv
import random
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet

from dl_core.bundle.folder import Bundle
from dl_core.data.dataset import ROW, Dataset
from dl_core.data.readers import READERS, Upload
from dl_core.data.readers.detect import detect
from dl_core.data.schema import Column
from dl_core.encoders.typed import Files

ROWS, CHANGED = 300, 60
FIRST_ROWS = 20_000
"""Rows are drawn from the first ones of a file, so that a receipt costs the same for a file of any size."""
PICTURES = 48
WHOLE_BYTES = 30 << 20
UNSEEN = "never seen in training"
HUGE = 123456789012.0


@dataclass(frozen=True)
class Sample:
    """`path` is what predict.py reads; `frame` (and `files`) what the app's Predictor eats; `about` says what it is."""

    path: Path
    frame: pd.DataFrame
    about: str
    files: Files | None = None


class UnprovableError(Exception):
    """No original values can be written for a kit. The message says why."""


def write_sample(bundle: Bundle, dataset: Dataset, folder: Path, seed: int = 0) -> Sample:
    """Original values for the kit of `bundle`, written into the new `folder`."""
    folder.mkdir(parents=True)
    if bundle.picture_column:
        return _pictures(bundle.picture_column, dataset, folder, seed)
    return _history(bundle, dataset, folder) if bundle.sampler == "windows" else _rows(bundle, dataset, folder, seed)


def _rows(bundle: Bundle, dataset: Dataset, folder: Path, seed: int) -> Sample:
    """Some hundred original rows, and some of them once more with values that are missing, unseen or huge."""
    texts = _texts(dataset, folder)
    chooser = random.Random(seed)
    known = list(texts.index)
    chosen = sorted(chooser.sample(known, min(ROWS, len(known))))
    changed = chooser.choices(chosen, k=CHANGED)
    columns = bundle.preprocessor.columns
    names = [column.name for column in columns]
    if lacking := [name for name in names if name not in texts]:
        raise UnprovableError(f"The upload has no column {lacking[0]!r} as the model reads it.")
    frame = dataset.table(names, rows=[*chosen, *changed]).reset_index(drop=True)
    cells = texts.loc[[*chosen, *changed]].reset_index(drop=True)
    for row in range(len(chosen), len(cells)):
        column = chooser.choice(columns)
        text, value = chooser.choice(_troubles(column))
        cells.loc[row, column.name] = text
        if value is not None and pd.api.types.is_integer_dtype(frame[column.name]):
            frame[column.name] = frame[column.name].astype("float64")
        frame.loc[row, column.name] = value
    path = _write(cells, dataset, folder)
    about = f"{len(chosen)} original rows, {CHANGED} of them once more with missing, unseen or huge values"
    return Sample(path, frame, about)


def _troubles(column: Column) -> list[tuple[str, float | str | None]]:
    """Values that hurt: as the file writes them, and as the dataset would hold them."""
    troubles: list[tuple[str, float | str | None]] = [("", None)]
    if column.storage == "text":
        troubles.append((UNSEEN, UNSEEN))
    if column.storage == "number":
        troubles.append((f"{HUGE:.1f}".replace(".", column.parse.get("decimal", ".")), HUGE))
    return troubles


def _history(bundle: Bundle, dataset: Dataset, folder: Path) -> Sample:
    """The whole history as it was uploaded; from a large or binary file its first rows, as text."""
    state = bundle.state["preprocessor"]
    columns = [name for name in (*state["series"], state["time"], state["target"]) if name]
    original = next((dataset.folder / "original").iterdir())
    is_text = dataset.meta["dialect"].get("format") == "text"
    if is_text and original.stat().st_size <= WHOLE_BYTES:
        path = folder / original.name
        shutil.copyfile(original, path)
        return Sample(path, dataset.table(columns), "the history as it was uploaded")
    texts = _texts(dataset, folder)
    is_long = not str(dataset.meta["dialect"].get("layout", "")).startswith("wide")
    rows = list(texts.index) if is_long else None
    if rows is None and len(texts) == FIRST_ROWS:
        raise UnprovableError("The history is too large a wide table to be tried out.")
    about = f"the first {len(texts):,} rows of the history" if is_long else "the whole history, as text"
    return Sample(_write(texts, dataset, folder), dataset.table(columns, rows=rows), about)


def _pictures(column: str, dataset: Dataset, folder: Path, seed: int) -> Sample:
    """Some pictures as they were uploaded, under their own names, in a ZIP."""
    frame = dataset.table([column])
    frame = frame[frame[column].notna()].drop_duplicates(column)
    frame = frame.sample(min(PICTURES, len(frame)), random_state=seed).sort_values(column).reset_index(drop=True)
    path = folder / "pictures.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in frame[column]:
            archive.write(dataset.file(name), name)
    return Sample(path, frame, f"{len(frame)} pictures as they were uploaded", dataset.file)


def _texts(dataset: Dataset, folder: Path) -> pd.DataFrame:
    """The first rows of the upload as texts, read again from the original file: columns by name, indexed by row."""
    scratch = folder.with_name("reading")
    scratch.mkdir()
    try:
        original = next((dataset.folder / "original").iterdir())
        dialect = dataset.meta["dialect"]
        upload = Upload(path=original, folder=scratch, header_row=dialect.get("header_row"), sheet=dialect.get("sheet"))
        raw = READERS.load(detect(original))(upload)
        batch = next(pyarrow.parquet.ParquetFile(raw.table).iter_batches(FIRST_ROWS))
        frame = batch.to_pandas().set_index(ROW)
        frame.columns = pd.Index(raw.names)
        return frame.fillna("")
    finally:
        shutil.rmtree(scratch)


def _write(cells: pd.DataFrame, dataset: Dataset, folder: Path) -> Path:
    """As UTF-8 text in the dialect of the upload, or as CSV where it was no text."""
    dialect = dataset.meta["dialect"]
    path = folder / "sample.csv"
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(
            stream,
            delimiter=dialect.get("delimiter") or ",",
            quotechar=dialect.get("quote") or '"',
            doublequote=not dialect.get("escape"),
            escapechar=dialect.get("escape"),
            lineterminator="\n",
            quoting=csv.QUOTE_ALL,
        )
        if dialect.get("header_row") != 0:
            writer.writerow(cells.columns)
        writer.writerows(cells.itertuples(index=False))
    return path

"""What a dataset looks like at a glance: its first rows, a contact sheet, its series with their gaps."""

import base64
import io
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from dl_core.data.dataset import Dataset
from dl_core.data.panel import Grid
from dl_core.errors import DeepboardError
from dl_core.report import Panel
from dl_core.runspec import TaskSpec
from dl_core.samples.windows import on_grid, series_columns
from ui import cached, words

FIRST_ROWS = 500
SHEET = 24
THUMB_PIXELS = 220
MOST_POINTS = 4_000
MOST_SERIES = 300


def table(dataset: Dataset) -> pd.DataFrame:
    """The first rows as a person reads them: times as times."""
    return _table(cached.ACTOR, str(dataset.folder), dataset.schema.version)


@st.cache_data(show_spinner=False, max_entries=20)
def _table(actor: str, folder: str, version: int) -> pd.DataFrame:
    dataset = Dataset(Path(folder))
    frame = dataset.table(limit=FIRST_ROWS)
    for column in dataset.schema.columns:
        if column.storage == "time":
            frame[column.name] = pd.to_datetime(frame[column.name], unit="s", errors="coerce")
    return frame


# pictures


@dataclass(frozen=True)
class Picture:
    row: int
    source: str  # data URI
    label: str
    size: str


def picture_column(dataset: Dataset) -> str:
    return next(column.name for column in dataset.schema.columns if column.kind == "image")


def contact_sheet(dataset: Dataset, label: str | None, only: str | None, seed: int) -> list[Picture]:
    """Some pictures drawn at random; with `only`, of that value of the column `label`."""
    return _contact_sheet(cached.ACTOR, str(dataset.folder), picture_column(dataset), label, only, seed)


@st.cache_data(show_spinner=False, max_entries=40)
def _contact_sheet(
    actor: str, folder: str, column: str, label: str | None, only: str | None, seed: int
) -> list[Picture]:
    from PIL import Image

    dataset = Dataset(Path(folder))
    frame = dataset.table([column, *([label] if label else [])])
    frame = frame[frame[column].notna()]
    if label and only is not None:
        frame = frame[frame[label].astype(str) == only]
    chosen = np.random.default_rng(seed).permutation(len(frame))[:SHEET]
    pictures = []
    for row, record in frame.iloc[chosen].iterrows():
        with Image.open(dataset.file(record[column])) as image:
            size = f"{image.width} × {image.height}"
            small = image.convert("RGB")
            small.thumbnail((THUMB_PIXELS, THUMB_PIXELS))
            if max(small.size) < 64:  # a few pixels: enlarged without smoothing, as they are
                factor = 128 // max(small.size)
                small = small.resize((small.width * factor, small.height * factor), Image.Resampling.NEAREST)
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=82)
        source = "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
        pictures.append(Picture(int(row), source, str(record[label]) if label else "", size))
    return pictures


def sheet_html(pictures: list[Picture]) -> str:
    cells = "".join(
        f'<figure><img src="{picture.source}" alt="{escape(picture.label or f"row {picture.row}")}" loading="lazy">'
        f"<figcaption>{escape(picture.label)}</figcaption></figure>"
        for picture in pictures
    )
    return f'<div class="db-sheet">{cells}</div>'


# series


@dataclass(frozen=True)
class Series:
    """The series of a dataset on their grid: names, frequency, and for each how long it is and how many steps lack."""

    names: list[str]
    frequency: str
    lengths: list[int]
    gaps: list[int]
    note: str = ""


def series_roles(dataset: Dataset) -> dict:
    """Which columns make the series: the roles as set, else what the import found."""
    guess, schema = dataset.meta.get("guess") or {}, dataset.schema
    time = next((column.name for column in schema.having("time")), guess.get("time"))
    series = [column.name for column in schema.having("series")] or list(guess.get("series") or ())
    targets = [column.name for column in schema.having("target")] or list(guess.get("targets") or ())
    numbers = [c.name for c in schema.columns if c.storage == "number" and c.name not in (*series, time)]
    return {"time": time, "series": tuple(series), "values": tuple(dict.fromkeys([*targets, *numbers]))}


@st.cache_data(show_spinner=False, max_entries=20)
def _panel(actor: str, folder: str, version: int, time: str | None, series: tuple[str, ...], value: str):
    dataset = Dataset(Path(folder))
    guess = dataset.meta.get("guess") or {}
    known = guess.get("frequency") if guess.get("time") == time else None
    task = TaskSpec(kind="forecasting", targets=(value,), metric="mase", time=time, series=series, frequency=known)
    schema = dataset.schema
    state, panel = on_grid(dataset.table(series_columns(task, schema)), task, schema)
    return panel, Grid.of(state["frequency"], state["step"]), state["frequency"]


def series(dataset: Dataset, value: str) -> Series | str:
    """The series of a column, or the sentence that says why there are none."""
    roles = series_roles(dataset)
    try:
        panel, _, frequency = _panel(
            cached.ACTOR, str(dataset.folder), dataset.schema.version, roles["time"], roles["series"], value
        )
    except DeepboardError as error:
        return str(error)
    gaps = [int(np.isnan(panel.series(number)).sum()) for number in range(min(len(panel), MOST_SERIES))]
    return Series(panel.names()[:MOST_SERIES], frequency, [int(n) for n in panel.lengths], gaps)


def series_panel(dataset: Dataset, value: str, numbers: tuple[int, ...]) -> Panel:
    """Some series over time; steps that lack are left open."""
    roles = series_roles(dataset)
    panel, grid, frequency = _panel(
        cached.ACTOR, str(dataset.folder), dataset.schema.version, roles["time"], roles["series"], value
    )
    names = panel.names()
    lines = []
    for number in numbers:
        values = panel.series(number)
        every = max(1, len(values) // MOST_POINTS)
        steps = np.arange(len(values))[::every]
        times = grid.ahead(panel.last[number], steps - (len(values) - 1))
        shown = [None if np.isnan(one) else float(one) for one in values[::every]]
        role = "accent" if len(numbers) == 1 else None
        lines.append({"name": names[number] or value, "x": times.tolist(), "y": shown, "role": role})
    kind = "time" if grid.unit != "step" else None
    return Panel(
        kind="lines",
        title="",
        data={"series": lines, "x_title": roles["time"] or "step", "y_title": value, "x_kind": kind},
    )


def gap_words(found: Series, numbers: tuple[int, ...]) -> str:
    total = sum(found.gaps[number] for number in numbers)
    steps = sum(found.lengths[number] for number in numbers)
    if not total:
        return f"{words.plural(steps, 'step')}, none is missing."
    verb = "is" if total == 1 else "are"
    return f"{words.plural(total, 'step')} of {words.count(steps)} {verb} missing: the line is open there."

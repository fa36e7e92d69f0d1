"""Example uploads, one click each: data that scikit-learn and statsmodels ship, or that is generated here."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from PIL import Image

from dl_core.errors import NotFoundError
from dl_core.records import write_bytes
from dl_core.seeds import generator


@dataclass(frozen=True, kw_only=True)
class Example:
    """`sentence` says what it is and where it comes from; `file` is what the upload is called; `make` its content."""

    key: str
    title: str
    sentence: str
    modality: Literal["table", "image", "series"]
    file: str
    make: Callable[[], bytes]


def write_example(key: str, folder: Path) -> Path:
    """Write the upload of an example into `folder` and return its path. Raises NotFoundError for an unknown key."""
    example = next((example for example in EXAMPLES if example.key == key), None)
    if example is None:
        known = ", ".join(example.key for example in EXAMPLES)
        raise NotFoundError(f"There is no example {key!r}. Choose one of: {known}.")
    path = Path(folder) / example.file
    write_bytes(path, example.make())
    return path


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _tumours() -> bytes:
    from sklearn.datasets import load_breast_cancer  # costs half a second

    data = load_breast_cancer()
    frame = pd.DataFrame(data.data, columns=[str(name) for name in data.feature_names])
    return _csv(frame.assign(diagnosis=np.where(data.target == 1, "benign", "malignant")))


TREES = {  # height (m), girth (cm), leaf (cm), the altitude it likes best (m), soil
    "beech": (28, 190, 8.5, 600, "chalk"),
    "birch": (20, 95, 5.0, 450, "sand"),
    "larch": (32, 150, 3.0, 1500, "rock"),
    "maple": (24, 140, 13.0, 500, "loam"),
    "oak": (26, 240, 11.0, 350, "loam"),
    "pine": (27, 140, 5.5, 800, "sand"),
    "spruce": (34, 165, 2.0, 1100, "rock"),
}


def _trees(rows: int = 3_000) -> bytes:
    random = generator(0, "trees")
    species = random.choice(list(TREES), rows, p=[0.2, 0.16, 0.08, 0.14, 0.16, 0.12, 0.14])
    height, girth, leaf, altitude = np.array([TREES[name][:4] for name in species], dtype=float).T
    age = random.gamma(4, 16, rows) + 5
    grown = 1 - np.exp(-age / 45)
    liked = np.array([TREES[name][4] for name in species])
    frame = pd.DataFrame(
        {
            "altitude_m": np.clip(random.normal(altitude, 260), 20, 2200).round(),
            "soil": np.where(random.random(rows) < 0.6, liked, random.choice(["chalk", "loam", "rock", "sand"], rows)),
            "slope": random.choice(["flat", "gentle", "steep"], rows, p=[0.4, 0.4, 0.2]),
            "height_m": (height * grown * random.lognormal(0, 0.12, rows)).round(1),
            "girth_cm": (girth * grown * random.lognormal(0, 0.18, rows)).round(),
            "leaf_cm": (leaf * random.lognormal(0, 0.22, rows)).round(1),
            "crown_m": (2 + 0.035 * girth * grown * random.lognormal(0, 0.25, rows)).round(1),
        }
    )
    frame.loc[random.random(rows) < 0.04, "leaf_cm"] = np.nan
    frame.loc[random.random(rows) < 0.03, "soil"] = None
    return _csv(frame.assign(species=species).astype({"altitude_m": int, "girth_cm": int}))


DISTRICTS = {"Altstadt": 1.25, "Bahnhof": 0.95, "Hafen": 1.15, "Nordstadt": 0.85, "Seeblick": 1.4, "Westend": 1.05}


def _rents(rows: int = 4_000) -> bytes:
    random = generator(0, "rents")
    district = random.choice(list(DISTRICTS), rows, p=[0.15, 0.2, 0.12, 0.28, 0.08, 0.17])
    size = np.clip(random.lognormal(4.15, 0.38, rows), 18, 240).round()
    year = random.integers(1890, 2025, rows)
    floor = random.integers(0, 7, rows)
    lift = random.random(rows) < np.where(year > 1965, 0.7, 0.2)
    balcony = random.random(rows) < 0.45
    condition = random.choice(["simple", "normal", "renovated", "luxury"], rows, p=[0.15, 0.5, 0.27, 0.08])
    factor = pd.Series(condition).map({"simple": 0.85, "normal": 1.0, "renovated": 1.12, "luxury": 1.4}).to_numpy()
    charm = 1 + 0.18 * ((1970 - year) / 80).clip(0) ** 2 + 0.12 * ((year - 1995) / 30).clip(0)
    effort = np.where(lift, 1 + 0.012 * floor, 1 - 0.018 * floor)
    price = 13.5 * np.array([DISTRICTS[name] for name in district]) * factor * charm * effort * (size / 65) ** -0.22
    rent = (price * size + 45 * balcony) * random.lognormal(0, 0.07, rows)
    frame = pd.DataFrame(
        {
            "district": district,
            "size_m2": size,
            "rooms": np.clip((size / 26 + random.normal(0, 0.5, rows)).round(), 1, 8),
            "floor": floor,
            "lift": np.where(lift, "yes", "no"),
            "balcony": np.where(balcony, "yes", "no"),
            "built": year.astype(float),
            "condition": condition,
        }
    )
    frame.loc[random.random(rows) < 0.06, "built"] = np.nan
    whole = {"size_m2": int, "rooms": int, "built": "Int64", "rent_eur": int}
    return _csv(frame.assign(rent_eur=rent.round()).astype(whole))


def _digits(side: int = 32, per_class: int = 150) -> bytes:
    from sklearn.datasets import load_digits  # costs half a second

    data = load_digits()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for digit in range(10):
            for number, pixels in enumerate(data.images[data.target == digit][:per_class]):
                image = Image.fromarray((pixels * 255 / 16).astype(np.uint8)).resize(
                    (side, side), Image.Resampling.BICUBIC
                )
                packed = io.BytesIO()
                image.save(packed, "PNG")
                name = zipfile.ZipInfo(f"digits/{digit}/{number:03}.png", (2020, 1, 1, 0, 0, 0))
                archive.writestr(name, packed.getvalue())
    return content.getvalue()


def _co2() -> bytes:
    from statsmodels.datasets import co2  # costs a second

    frame = co2.load_pandas().data
    return _csv(pd.DataFrame({"week": frame.index.strftime("%Y-%m-%d"), "co2_ppm": frame["co2"].to_numpy()}))


TOWNS = ("Aarau", "Basel", "Bern", "Chur", "Davos", "Genf", "Glarus", "Luzern", "Olten", "Sion", "Thun", "Zug")


def _shops(days: int = 900) -> bytes:
    random = generator(0, "shops")
    day = pd.date_range("2022-01-01", periods=days, freq="D")
    in_week, in_year = day.day_of_week.to_numpy(), day.day_of_year.to_numpy()
    frames = []
    for town in TOWNS:
        level = random.lognormal(5.2, 0.5)
        week = np.array([0.85, 0.85, 0.9, 1.0, 1.25, 1.4, 0.75]) * random.lognormal(0, 0.06, 7)
        summer = random.normal(0.08, 0.12) * np.cos(2 * np.pi * (in_year - 200) / 365.25)
        advent = 0.55 * np.exp(-(((in_year - 352) / 11.0) ** 2))
        trend = random.normal(0.05, 0.08) * np.arange(days) / 365.25
        swing = np.zeros(days)
        for step in range(1, days):
            swing[step] = 0.75 * swing[step - 1] + random.normal(0, 0.05)
        mean = level * week[in_week] * np.exp(summer + advent + trend + swing)
        frames.append(pd.DataFrame({"day": day.strftime("%Y-%m-%d"), "shop": town, "sales": random.poisson(mean)}))
    return _csv(pd.concat(frames))


EXAMPLES = (
    Example(
        key="tumours",
        title="Is the tumour malignant?",
        sentence="569 tumours described by 30 measurements of their cells, two classes (from scikit-learn).",
        modality="table",
        file="tumours.csv",
        make=_tumours,
    ),
    Example(
        key="trees",
        title="Which tree is it?",
        sentence="3,000 trees with their size, leaf, soil and altitude, seven species (generated).",
        modality="table",
        file="trees.csv",
        make=_trees,
    ),
    Example(
        key="rents",
        title="What does the flat cost?",
        sentence="4,000 flats of an invented town with size, district, age and condition; rent in euros (generated).",
        modality="table",
        file="rents.csv",
        make=_rents,
    ),
    Example(
        key="digits",
        title="Read handwritten digits",
        sentence="1,500 small pictures of the digits 0 to 9, a folder for each (from scikit-learn).",
        modality="image",
        file="digits.zip",
        make=_digits,
    ),
    Example(
        key="co2",
        title="How much CO₂ will there be?",
        sentence="Weekly carbon dioxide on Mauna Loa, 1958 to 2001, with gaps: one series (from statsmodels).",
        modality="series",
        file="co2.csv",
        make=_co2,
    ),
    Example(
        key="shops",
        title="How much will the shops sell?",
        sentence="Daily sales of twelve shops over two and a half years: many series (generated).",
        modality="series",
        file="shops.csv",
        make=_shops,
    ),
)

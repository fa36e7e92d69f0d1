"""Small files as people bring them, one per modality, made from a seed."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

SHAPES = ("disc", "cross", "stripes")


def table(rows: int = 600) -> pd.DataFrame:
    """Numbers and words with gaps, and two classes in `income` that follow from them, with some noise."""
    random = np.random.default_rng(0)
    age = random.integers(17, 90, rows)
    hours = random.normal(40, 12, rows).round(1)
    schooling = random.choice(["Bachelors", "HS-grad", "Masters", "Some-college"], rows)
    rich = age / 60 + hours / 80 + (schooling == "Masters") + random.normal(0, 0.3, rows) > 1.6
    return pd.DataFrame(
        {
            "age": age,
            "workclass": np.where(random.random(rows) < 0.06, None, random.choice(["Private", "State", "Self"], rows)),
            "education": schooling,
            "hours per week": np.where(random.random(rows) < 0.1, np.nan, hours),
            "income": np.where(rich, ">50K", "<=50K"),
        }
    )


def picture(shape: str, random: np.random.Generator, size: int = 32) -> Image.Image:
    """A bright shape somewhere on a dark, noisy ground."""
    ground = random.integers(0, 90, (size, size, 3), dtype=np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    colour = tuple(int(value) for value in random.integers(150, 256, 3))
    x, y = (int(value) for value in random.integers(6, size - 18, 2))
    if shape == "disc":
        draw.ellipse((x, y, x + 12, y + 12), fill=colour)
    elif shape == "cross":
        draw.line((x, y, x + 12, y + 12), fill=colour, width=3)
        draw.line((x, y + 12, x + 12, y), fill=colour, width=3)
    else:
        for step in range(0, 15, 5):
            draw.line((x, y + step, x + 12, y + step), fill=colour, width=2)
    return image


def write_pictures(path: Path, per_class: int = 40) -> Path:
    """A ZIP with a folder per class."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(per_class):
            for shape in SHAPES:
                content = io.BytesIO()
                picture(shape, random).save(content, "PNG")
                archive.writestr(f"{shape}/{number:03}.png", content.getvalue())
    return path


def series(days: int = 210, shops: int = 4) -> pd.DataFrame:
    """Daily sales of some shops: a week's rhythm, a trend, noise."""
    random = np.random.default_rng(0)
    time = pd.date_range("2023-01-01", periods=days, freq="D")
    frames = []
    for shop in range(shops):
        level = 50 * (shop + 1)
        rhythm = np.tile([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 0.6], days // 7 + 1)[:days]
        sales = level * (rhythm + np.arange(days) / 1000 + random.normal(0, 0.05, days))
        frames.append(pd.DataFrame({"shop": f"shop {shop + 1}", "day": time.date, "sales": sales.round(2)}))
    return pd.concat(frames, ignore_index=True)


def write(modality: str, folder: Path) -> Path:
    """The example file of a modality (table, image, series), in `folder`."""
    if modality == "image":
        return write_pictures(folder / "shapes.zip")
    path = folder / {"table": "people.csv", "series": "shops.csv"}[modality]
    {"table": table, "series": series}[modality]().to_csv(path, index=False)
    return path

"""Small pictures that stand for a dataset: drawn beforehand for the examples, by kind for everything else."""

from functools import cache
from html import escape
from pathlib import Path

_FOLDER = Path(__file__).parent / "static" / "thumbs"


@cache
def example(key: str, modality: str) -> str:
    """The thumbnail of an example as an <img>; of its kind where the example has none of its own."""
    name = key if (_FOLDER / f"{key}.svg").exists() else modality
    return f'<img src="app/static/thumbs/{escape(name)}.svg" alt="" loading="lazy">'

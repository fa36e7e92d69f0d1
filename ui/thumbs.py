"""Small pictures that stand for something: an example's data, a family's way of computing."""

from functools import cache
from html import escape
from pathlib import Path

_STATIC = Path(__file__).parent / "static"


@cache
def example(key: str, modality: str) -> str:
    """The thumbnail of an example as an <img>; of its kind where the example has none of its own."""
    name = key if (_STATIC / "thumbs" / f"{key}.svg").exists() else modality
    return f'<img src="app/static/thumbs/{escape(name)}.svg" alt="" loading="lazy">'


@cache
def family(name: str) -> str:
    """The drawing of a family as an <img>; nothing where there is none."""
    if not (_STATIC / "families" / f"{name}.svg").exists():
        return ""
    return f'<img src="app/static/families/{escape(name)}.svg" alt="" loading="lazy">'

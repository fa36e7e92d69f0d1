"""Pictures to pick from, each with a caption."""

import base64
import io
from html import escape
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
SIDE = 144  # pixels


def pick(pictures: dict[int, tuple[str, str]], chosen: int | None, key: str) -> int | None:
    """Draw `pictures` (number -> data URI, caption); returns the number that has just been clicked, in that run."""
    component = st.components.v2.component(
        "deepboard_gallery",
        html='<div class="gallery"></div>\n',
        css=(_HERE / "gallery.css").read_text(encoding="utf-8"),
        js=(_HERE / "gallery.js").read_text(encoding="utf-8"),
    )
    cells = "".join(
        f'<button type="button" data-number="{number}" aria-pressed="{"true" if number == chosen else "false"}">'
        f'<img src="{source}" alt=""><span>{escape(caption)}</span></button>'
        for number, (source, caption) in pictures.items()
    )
    result = component(key=key, data={"html": cells}, on_picked_change=lambda: None)
    return result.picked


@st.cache_data(show_spinner=False, max_entries=2000)
def thumbnail(actor: str, path: str, stamp: float) -> str:
    """A picture made small, as a data URI; an empty one where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return "data:,"
    if max(picture.size) < SIDE:
        times = max(1, SIDE // max(picture.size))
        picture = picture.resize([side * times for side in picture.size], Image.Resampling.NEAREST)
    picture.thumbnail((SIDE, SIDE))
    content = io.BytesIO()
    picture.save(content, "PNG" if max(picture.size) <= 64 else "JPEG", quality=85)
    kind = "png" if max(picture.size) <= 64 else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"

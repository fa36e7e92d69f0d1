"""Picture files to RGB pixels, the same way wherever a picture is read.

Standalone: Pillow and numpy only, so that a kit can carry this file.
"""

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

MAX_PIXELS = 50_000_000
PAPER = (255, 255, 255)  # what shows through transparent pixels

Source = str | Path | BinaryIO


class UnreadablePicture(ValueError):
    """What is not a picture, or cannot be read as one. The message completes 'Picture x cannot be read: …'."""


def read_picture(source: Source, at_least: int | None = None) -> Image.Image:
    """The picture in a file as an upright RGB image: first frame, EXIF turn applied, transparency on white paper,
    16-bit grey scaled to 8 bits, CMYK and palettes converted.

    With `at_least`, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, never with a side below that many pixels;
    a photograph is then read more than twice as fast. Raises UnreadablePicture for what is damaged, is no picture or
    has more than MAX_PIXELS pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata and sizes; the size is checked here
        try:
            with Image.open(source) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise UnreadablePicture(
                        f"it has {width:,} x {height:,} pixels, and at most {MAX_PIXELS:,} can be read; scale it down"
                    )
                if at_least is not None:
                    image.draft(None, (min(at_least, width), min(at_least, height)))
                image.load()
                return _as_rgb(ImageOps.exif_transpose(image))
        except UnreadablePicture:
            raise
        except (OSError, ValueError, TypeError, AttributeError, SyntaxError, EOFError, MemoryError) as error:
            raise UnreadablePicture(f"it is damaged or not a picture ({error})") from error
        except Image.DecompressionBombError as error:
            raise UnreadablePicture(str(error)) from error


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (*PAPER, 255)), layer).convert("RGB")
    return image.convert("RGB")


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey values (height, width) of 16 or 32 bits or floats as uint8, by the range that their type and values
    suggest: shares up to 1, bytes up to 255, words up to 65,535; any other range is spread over 0…255."""
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if grey.dtype.kind == "f" and low >= 0 and high <= 1:
        values = values * 255.0
    elif low >= 0 and high <= 65535 and (high > 255 or grey.dtype == np.uint16):
        values = values / 257.0
    elif low < 0 or high > 65535:
        values = (values - low) * (255.0 / (high - low))
    return np.round(values).astype(np.uint8)

"""Pictures: files -> square uint8 pixels of one size, as many channels as they need.

The size, the number of channels and the way pictures fill the square are learned from the train part. The Keras face
over the same state is layers.image.PictureEncoder.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dl_core.data.schema import Column
from dl_core.encoders.pixels import read_picture
from dl_core.errors import DataError

State = dict[str, Any]

TENSOR = "image"
SAMPLE = 128  # pictures that are looked at to choose size, channels and fit
SMALLEST, LARGEST = 16, 96  # pixels; photographs are trained at LARGEST, icons as they are
NATIVE = 64  # pictures up to this many pixels keep their size
EPOCH_PIXELS = 100_000_000  # about 20 processor-seconds of a small ResNet
SAME_SHAPE = 1.25  # squash where the widest and the narrowest picture differ by less than this factor
COLOURFUL = 12  # grey levels between two channels that count as a colour
THREADS = 2
BLOCK = 32  # pictures a thread takes at once
MID_GREY = 128


def fit(values: Sequence[Any], column: Column | None = None) -> State:
    """Choose how to see pictures like these: {"kind", "size", "channels", "fit", "what", "why"}.

    `values` are files (rows,); an evenly spread sample of them is opened. `why` gives the reason of each choice in a
    sentence. Raises DataError, naming the file, for a picture that cannot be read.
    """
    if not len(values):
        raise DataError("There are no pictures to learn from. Expected at least one picture in the train part.")
    rows = np.linspace(0, len(values) - 1, min(SAMPLE, len(values))).astype(int)
    with ThreadPoolExecutor(THREADS) as threads:
        looks = list(threads.map(lambda row: _look(values[row], row), rows))
    longest = np.array([long for long, _, _ in looks])
    shapes = np.array([shape for _, shape, _ in looks])
    size, why_size = _choose_size(float(np.median(longest)), len(values))
    grey = not any(colourful for _, _, colourful in looks)
    spread = float(np.quantile(shapes, 0.95) / np.quantile(shapes, 0.05))
    same = spread < SAME_SHAPE
    return {
        "kind": "image",
        "size": size,
        "channels": 1 if grey else 3,
        "fit": "squash" if same else "letterbox",
        "what": {
            "size": f"Pictures are seen at {size} by {size} pixels",
            "channels": "Pictures are seen in grey" if grey else "Pictures are seen in colour",
            "fit": "Pictures are stretched to a square" if same else "Pictures keep their shape on a grey ground",
        },
        "why": {
            "size": why_size,
            "channels": f"none of {len(looks)} pictures looked at has colours"
            if grey
            else f"{sum(colourful for _, _, colourful in looks)} of {len(looks)} pictures looked at have colours",
            "fit": "all pictures have about the same shape, so stretching them treats all alike and wastes no pixel"
            if same
            else f"shapes differ by a factor of {spread:.1f}; stretching would distort things differently each time",
        },
    }


def transform(state: State, values: Sequence[Any], out: Path | None = None) -> dict[str, np.ndarray]:
    """Files (rows,) -> {"image": uint8 (rows, size, size, channels)}.

    With `out` the pixels are streamed into that .npy file and come back as a memory map, so that memory does not
    grow with the rows. Raises DataError, naming the file, for a picture that cannot be read.
    """
    shape = (len(values), state["size"], state["size"], state["channels"])
    pixels = (
        np.empty(shape, np.uint8) if out is None else np.lib.format.open_memmap(out, "w+", dtype=np.uint8, shape=shape)
    )

    def fill(start: int) -> None:
        for row in range(start, min(start + BLOCK, len(values))):
            pixels[row] = to_square(state, _read(values[row], row, state["size"]))

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(fill, range(0, len(values), BLOCK)))
    if isinstance(pixels, np.memmap):
        pixels.flush()
    return {TENSOR: pixels}


def labels(state: State) -> list[str]:
    return ["pixels"]


def tensor_shape(state: State) -> tuple[int, int, int]:
    """Of one picture: (size, size, channels), uint8."""
    return (state["size"], state["size"], state["channels"])


def to_square(state: State, picture: Image.Image) -> np.ndarray:
    """An upright RGB picture as uint8 (size, size, channels). Shrinking averages over the pixels that fall together;
    a letterboxed picture is centred on mid-grey."""
    size, channels = state["size"], state["channels"]
    top, left, height, width = square_place(state, *picture.size)
    if channels == 1:
        picture = picture.convert("L")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    square = np.full((size, size, channels), MID_GREY, np.uint8)
    square[top : top + height, left : left + width] = np.asarray(picture).reshape(height, width, channels)
    return square


def square_place(state: State, width: int, height: int) -> tuple[int, int, int, int]:
    """Where a picture of this shape lies in its square: (top, left, height, width) in pixels."""
    size = state["size"]
    if state["fit"] == "squash":
        return 0, 0, size, size
    longest = max(width, height)
    width, height = (max(1, (2 * side * size + longest) // (2 * longest)) for side in (width, height))
    return (size - height) // 2, (size - width) // 2, height, width


def _read(source: Any, row: int, size: int | None) -> Image.Image:
    """`size`: side of the square that the picture is for; large JPEGs are decoded at no more than they need."""
    try:
        return read_picture(source, at_least=None if size is None else 2 * size)
    except (ValueError, OSError, TypeError, AttributeError) as error:
        name = source if isinstance(source, str) else getattr(source, "name", "no file")
        raise DataError(
            f"Picture {row + 1} ({name}) cannot be read: {error}. Replace it or leave the row out."
        ) from error


def _look(source: Any, row: int) -> tuple[int, float, bool]:
    """Longest side in pixels, width divided by height, and whether there are colours."""
    picture = _read(source, row, LARGEST)
    with Image.open(source) as header:
        longest = max(header.size)
    width, height = picture.size
    picture.thumbnail((2 * LARGEST, 2 * LARGEST))
    channels = np.asarray(picture, np.int16)
    distance = channels.max(axis=2) - channels.min(axis=2)
    return longest, width / height, bool((distance > COLOURFUL).mean() > 0.001)


def _choose_size(longest: float, count: int) -> tuple[int, str]:
    native = max(SMALLEST, 4 * math.ceil(longest / 4))
    if native <= NATIVE:
        return native, f"the pictures have {longest:.0f} pixels on their longer side and keep them"
    size = min(native, LARGEST)
    while size > NATIVE // 2 and count * size**2 > EPOCH_PIXELS:
        size -= NATIVE // 4
    return size, (
        f"the pictures have {longest:.0f} pixels on their longer side; {count:,} pictures of {size} x {size} keep an "
        "epoch short on a processor"
    )

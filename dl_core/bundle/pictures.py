"""Picture files as a serving model sees them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dl_core.encoders.pixels import read_picture
from dl_core.errors import DataError

AT_ONCE = 64
THREADS = 2


def open_pictures(paths: Sequence[Path | str], at_least: int) -> Iterator[np.ndarray]:
    """Pixels uint8 (height, width, 3) of each file, a few files ahead of whoever asks. Raises DataError, naming the
    file, for what is no readable picture."""

    def pixels(path: Path | str) -> np.ndarray:
        try:
            return np.asarray(read_picture(path, at_least=at_least))
        except (ValueError, OSError) as error:
            raise DataError(f"{Path(path).name} cannot be read: {error}. Replace it or leave it out.") from error

    with ThreadPoolExecutor(THREADS) as threads:
        for start in range(0, len(paths), AT_ONCE):
            yield from threads.map(pixels, paths[start : start + AT_ONCE])

"""Files that should not be, each written by a function of its name."""

import io
import struct
import zipfile
import zlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tests.examples import SHAPES, picture, write_pictures

ROWS = 60


def empty_file(folder: Path) -> Path:
    return _write(folder / "empty.csv", b"")


def header_only(folder: Path) -> Path:
    return _write(folder / "header.csv", b"size,colour,income\n")


def one_class(folder: Path) -> Path:
    return _table(folder / "one.csv", lambda number: "yes")


def target_all_missing(folder: Path) -> Path:
    return _table(folder / "missing.csv", lambda number: "")


def target_is_an_id(folder: Path) -> Path:
    return _table(folder / "id.csv", lambda number: f"C-{number:06d}")


def ragged_rows(folder: Path) -> Path:
    """Row 7 has two cells too many, row 30 one too few."""
    lines = _table(folder / "ragged.csv", _yes_or_no).read_text().splitlines()
    lines[7] += ",extra,more"
    lines[30] = lines[30].rpartition(",")[0]
    return _write(folder / "ragged.csv", "\n".join(lines).encode())


def not_text(folder: Path) -> Path:
    return _write(folder / "noise.csv", np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes())


def old_encoding(folder: Path) -> Path:
    lines = ["größe;ort;klasse", *(f"{number};Köln {number % 3};schön" for number in range(ROWS))]
    return _write(folder / "latin.csv", "\n".join(lines).encode("cp1252"))


def csv_named_xlsx(folder: Path) -> Path:
    return _table(folder / "table.xlsx", _yes_or_no)


def zip_bomb(folder: Path) -> Path:
    """300 MB of nothing in 300 kB, in six files that begin like pictures."""
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(6):
            archive.writestr(f"a/{number}.png", b"\x89PNG\r\n\x1a\n" + bytes(50 << 20))
    return path


def climbing_zip(folder: Path) -> Path:
    """Good pictures, and one whose path leads out of the folder."""
    path = write_pictures(folder / "climbing.zip", per_class=10)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../climbed.png", _png(picture(SHAPES[0], np.random.default_rng(1))))
        archive.writestr("/tmp/deepboard-climbed.png", b"no")
    return path


def corrupt_picture(folder: Path) -> Path:
    """Good pictures, and one that breaks off in the middle."""
    path = write_pictures(folder / "corrupt.zip", per_class=10)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("disc/broken.png", _png(picture(SHAPES[0], np.random.default_rng(1)))[:200])
    return path


def vast_picture(folder: Path) -> Path:
    """Good pictures, and one of a kilobyte whose header declares 400 megapixels."""
    path = write_pictures(folder / "vast.zip", per_class=10)
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("disc/vast.png", b"\x89PNG\r\n\x1a\n" + body)
    return path


def duplicate_times(folder: Path) -> Path:
    """Sixty days, and the last one three times more with other values."""
    lines = [f"{day},{value}" for day, value in zip(_days(ROWS), range(ROWS), strict=True)]
    return _write(folder / "twice.csv", "\n".join(["day,sales", *lines, *[f"{_days(ROWS)[-1]},7"] * 3]).encode())


def short_series(folder: Path) -> Path:
    lines = [f"{day},{number}" for number, day in enumerate(_days(10))]
    return _write(folder / "short.csv", "\n".join(["day,sales", *lines]).encode())


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _table(path: Path, income) -> Path:
    sizes = np.random.default_rng(0).random(ROWS).round(3)
    lines = [f"{size},{'red' if number % 2 else 'blue'},{income(number)}" for number, size in enumerate(sizes)]
    return _write(path, "\n".join(["size,colour,income", *lines]).encode())


def _yes_or_no(number: int) -> str:
    return "yes" if number % 3 else "no"


def _days(count: int) -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=number) for number in range(count)]


def _png(image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()

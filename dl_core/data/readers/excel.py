"""Spreadsheets: .xlsx, .xlsm, .xlsb, .xls and .ods. Cells as a person sees them, dates as ISO."""

import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import Any

from dl_core.data.readers.raw import Raw, Upload
from dl_core.data.readers.rows import SAMPLE_ROWS, raw_of_rows, trimmed
from dl_core.data.values import number_text
from dl_core.errors import ReadError
from dl_core.problems import Problem

SCRIPT = Path(__file__).with_name("spreadsheet.py")
UNPACKED_LIMIT_BYTES = 1 << 30
CELL_LIMIT = 30_000_000
CHUNK = 1 << 20


def read(upload: Upload) -> Raw:
    """See dl_core.data.readers. Without `upload.sheet` the first sheet that holds a table is read."""
    lines = _ask(upload.path, upload.sheet or "")
    about = next(lines)
    name, height, width = about["sheet"], about["height"], about["width"]
    if height * width > CELL_LIMIT:
        lines.close()
        raise ReadError(
            f"The sheet {name!r} has {height:,} × {width:,} cells, more than {CELL_LIMIT:,}. Save it as CSV."
        )
    rows = ([_text(cell) for cell in row] for row in lines)
    raw = raw_of_rows(upload, rows, {"format": "excel", "sheet": name}, height)
    others = [other for other in about["sheets"] if other != name]
    if others and upload.sheet is None:
        listed = ", ".join(repr(other) for other in others[:4]) + (", …" if len(others) > 4 else "")
        raw.problems.append(
            Problem("note", f"The sheet {name!r} was read; there are {listed} as well.", fix="Choose another sheet.")
        )
    return raw


def sheet_names(path: Path) -> list[str]:
    """The sheets of a spreadsheet, in order. Raises ReadError for what is none."""
    (about,) = _ask(path)
    return about["sheets"]


def first_rows(path: Path, sheet: str | None = None) -> tuple[list[str], str, list[list[str | None]]]:
    """The sheets, the one that `read` would take, and its first rows as they stand. Raises ReadError."""
    lines = _ask(path, sheet or "")
    about = next(lines)
    rows = [[_text(cell) for cell in row] for row in islice(lines, SAMPLE_ROWS)]
    lines.close()
    return about["sheets"], about["sheet"], trimmed(rows)


def _ask(path: Path, *sheet: str) -> Generator[Any, None, None]:
    """What the reading process says, line by line. Raises ReadError for what it cannot read."""
    _refuse_bomb(path)
    command = [sys.executable, "-I", str(SCRIPT), str(path.absolute()), *sheet]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                record = json.loads(line)
                if isinstance(record, dict) and "error" in record:
                    raise ReadError(record["error"])
                yield record
            ended = process.wait()
        finally:
            process.kill()  # where nobody listens any more; one that has ended does not mind
    if ended != 0:
        raise ReadError(
            f"{path.name} is too large or damaged: reading it took too much memory. Values far away from the table, in "
            "distant rows or columns, do that. Save the table alone, as .xlsx or CSV."
        )


def _refuse_bomb(path: Path) -> None:
    """Unpack everything once and count, whatever the archive declares."""
    if not zipfile.is_zipfile(path):
        return
    counted = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.flag_bits & 1:
                    raise ReadError(f"{path.name} is protected by a password. Save it without one.")
                with archive.open(info) as stream:
                    while chunk := stream.read(CHUNK):
                        counted += len(chunk)
                        if counted > UNPACKED_LIMIT_BYTES:
                            raise ReadError(
                                f"{path.name} unpacks to more than {UNPACKED_LIMIT_BYTES >> 20:,} MB, like a ZIP bomb, "
                                "and was refused. Save it as CSV and upload that."
                            )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise ReadError(f"{path.name} is damaged ({error}). Save it again and upload it again.") from error


def _text(cell: Any) -> str | None:
    return number_text(cell) if isinstance(cell, (int, float)) else cell

"""Spreadsheets: .xlsx, .xlsm, .xlsb, .xls and .ods through calamine. Cells as a person sees them, dates as ISO."""

import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from pathlib import Path

import python_calamine
from python_calamine import CalamineWorkbook

from dl_core.data.readers.raw import Raw, Upload
from dl_core.data.readers.rows import raw_of_rows
from dl_core.data.values import number_text
from dl_core.errors import ReadError
from dl_core.problems import Problem

UNPACKED_LIMIT_BYTES = 1 << 30
CELL_LIMIT = 30_000_000
CHUNK = 1 << 20


def read(upload: Upload) -> Raw:
    """See dl_core.data.readers. Without `upload.sheet` the first sheet that holds a table is read."""
    workbook = _open(upload.path)
    try:
        names = list(workbook.sheet_names)
        if upload.sheet is not None and upload.sheet not in names:
            raise ReadError(f"There is no sheet {upload.sheet!r}. Choose one of: {', '.join(names)}.")
        name = upload.sheet or _fullest(workbook, names)
        sheet = workbook.get_sheet_by_name(name)
        height, width = sheet.total_height, sheet.total_width
        if height * width > CELL_LIMIT:
            raise ReadError(
                f"The sheet {name!r} has {height:,} × {width:,} cells, more than {CELL_LIMIT:,}. Save it as CSV."
            )
        rows = ([_text(cell) for cell in row] for row in sheet.iter_rows())
        raw = raw_of_rows(upload, rows, {"format": "excel", "sheet": name}, height)
    except (python_calamine.CalamineError, python_calamine.PasswordError, OSError) as error:
        raise ReadError(f"{upload.path.name} cannot be read as a spreadsheet ({error}). Save it as CSV.") from error
    finally:
        workbook.close()
    others = [other for other in names if other != name]
    if others and upload.sheet is None:
        listed = ", ".join(repr(other) for other in others[:4]) + (", …" if len(others) > 4 else "")
        raw.problems.append(
            Problem("note", f"The sheet {name!r} was read; there are {listed} as well.", fix="Choose another sheet.")
        )
    return raw


def sheet_names(path: Path) -> list[str]:
    """The sheets of a spreadsheet, in order. Raises ReadError for what is none."""
    workbook = _open(path)
    try:
        return list(workbook.sheet_names)
    finally:
        workbook.close()


def _open(path: Path) -> CalamineWorkbook:
    _refuse_bomb(path)
    try:
        return CalamineWorkbook.from_path(str(path))
    except python_calamine.PasswordError as error:
        raise ReadError(f"{path.name} is protected by a password. Save it without one and upload it again.") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise ReadError(
            f"{path.name} cannot be opened as a spreadsheet ({error}). Save it as .xlsx or CSV and upload that."
        ) from error


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


def _fullest(workbook: CalamineWorkbook, names: list[str]) -> str:
    """The first sheet with two rows or more; a cover sheet often stands before it."""
    if not names:
        raise ReadError("The spreadsheet has no sheet. Save it again with a table on the first sheet.")
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.height > 1 and sheet.width > 0:
            return name
    return names[0]


def _text(cell: object) -> str | None:
    """A cell as text: whole numbers without a decimal mark, truth as TRUE and FALSE, times as ISO."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float)):
        return number_text(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d") if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return number_text(cell.total_seconds())
    return str(cell)

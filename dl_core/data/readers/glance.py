"""A glance at a table before it is read: its first rows as they stand, to choose the sheet and the header row by."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dl_core.data.readers import excel, text
from dl_core.data.readers.detect import detect

COLUMNS = 200


@dataclass(frozen=True)
class Glance:
    """The first rows of a table, as many as its reader looks for the header in, and their first COLUMNS cells; no rows
    where the format itself names the columns. Of a spreadsheet the sheets, and the one that the rows are of."""

    rows: list[list[str | None]]
    sheets: list[str]
    sheet: str | None = None


def glance(path: Path, sheet: str | None = None) -> Glance | None:
    """The beginning of a table; None for pictures, which are read in one way only. Raises ReadError for what cannot be
    read at all, whatever is chosen."""
    kind = detect(path)
    if kind == "images":
        return None
    if kind == "excel":
        sheets, shown, rows = excel.first_rows(path, sheet)
        return Glance([row[:COLUMNS] for row in rows], sheets, shown)
    if kind == "text":
        with TemporaryDirectory() as folder:
            return Glance([row[:COLUMNS] for row in text.first_rows(path, Path(folder))], [])
    return Glance([], [])

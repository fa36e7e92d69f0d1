"""Reads a spreadsheet as a script in a process of its own, and imports nothing of this package.

The parser keeps a sheet as a full rectangle: a file of 5 kB with values in its first and last cell makes it ask for
half a terabyte and abort. Here that ends a child with a memory limit, never the dashboard.

    python -I spreadsheet.py FILE              -> one line of JSON: {"sheets": [names]}
    python -I spreadsheet.py FILE SHEET        -> {"sheets", "sheet", "height", "width"}, then a line for each row
    python -I spreadsheet.py FILE ""           -> the same for the first sheet that looks like a table

What is wrong is said in one line {"error": sentence}.
"""

import json
import sys
from datetime import date, datetime, time, timedelta

import python_calamine

MEMORY_LIMIT_BYTES = 4 << 30
SECONDS = 600


def main() -> None:
    _limit()
    path, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        names = list(workbook.sheet_names)
        if wanted is None:
            _say({"sheets": names})
            return
        if wanted and wanted not in names:
            _say({"error": f"There is no sheet {wanted!r}. Choose one of: {', '.join(names)}."})
            return
        if not names:
            _say({"error": "The spreadsheet has no sheet. Save it again with a table on the first sheet."})
            return
        sheet = workbook.get_sheet_by_name(wanted) if wanted else _fullest(workbook, names)
        _say({"sheets": names, "sheet": sheet.name, "height": sheet.total_height, "width": sheet.total_width})
        for row in sheet.iter_rows():
            _say([_plain(cell) for cell in row])
    except python_calamine.PasswordError:
        _say({"error": "The spreadsheet is protected by a password. Save it without one and upload it again."})
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        _say({"error": f"The file cannot be read as a spreadsheet ({error}). Save it as .xlsx or CSV and upload that."})


def _limit() -> None:
    try:
        import resource  # POSIX only

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    except (ImportError, ValueError, OSError):
        pass


def _fullest(workbook, names):
    """The first sheet with two rows and columns or more; a cover sheet often stands before it. Else the first with two
    rows, else the first."""
    narrow = None
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.height > 1 and sheet.width > 1:
            return sheet
        if narrow is None and sheet.height > 1 and sheet.width > 0:
            narrow = sheet
    return narrow or workbook.get_sheet_by_name(names[0])


def _plain(cell):
    """Numbers stay numbers, truth becomes TRUE and FALSE, times become ISO texts, empty cells null."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float)):
        return cell
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d") if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    return str(cell)


def _say(record) -> None:
    sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()

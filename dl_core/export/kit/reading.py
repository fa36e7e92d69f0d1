"""Text tables for a kit: CSV, TSV and their relatives, plain or as .gz, read by the columns of the bundle."""

import csv
import gzip
import io

from dl_core.data.values import BLANKS, column_names
from dl_core.encoders.cells import stored

FIRST_LINES = 30
csv.field_size_limit(1 << 27)


class Unusable(Exception):
    """The file does not fit. The message says what to do."""


def read_table(path, record, needed):
    """{name: values as the app stores them} of the `needed` columns of a text table. `record` is bundle.json."""
    columns = {column["name"]: column for column in record["schema"]["columns"]}
    dialect = record["dialect"]
    text = _text(path, dialect.get("encoding"))
    places, rows = _find_columns(text, dialect, needed, path)
    cells = list(zip(*rows, strict=True)) if rows else []
    found = {}
    for name in needed:
        column = columns[name]
        texts = cells[places[name]] if cells else ()
        found[name] = stored(texts, column["storage"], column["kind"], column["parse"])
    return found


def _text(path, encoding):
    with open(path, "rb") as stream:
        content = stream.read()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if content[:4] in (b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"):
        raise Unusable(f"{path} is no text table. Save it as CSV first.")
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for candidate in ["utf-16"] if wide else ["utf-8-sig", *([encoding] if encoding else []), "cp1252"]:
        try:
            return content.decode(candidate)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")


def _find_columns(text, dialect, needed, path):
    """Where each needed column stands, and the rows below the header: as the training file was written if that fits,
    else under the first delimiter and line that name all columns."""
    delimiters = list(dict.fromkeys([dialect.get("delimiter") or ",", ",", ";", "\t", "|"]))
    best = None
    for delimiter in delimiters:
        rows, lines = _rows(text, delimiter, dialect)
        for header in _headers(dialect.get("header_row"), rows):
            below, numbers = rows[header + 1 :], lines[header + 1 :]
            if not below:
                continue
            names = _names(rows[header] if header >= 0 else [None] * len(below[0]), below[0])
            places = _places(names, needed)
            lacking = [name for name in needed if name not in places]
            if not lacking:
                _check_widths(below, numbers, len(names), path)
                return places, below
            if best is None or len(lacking) < len(best):
                best = lacking
    if best is None:
        raise Unusable(f"{path} holds no rows. It needs a header and at least one row of values.")
    raise Unusable(f"{path} lacks the column(s) {', '.join(map(repr, best[:5]))}, which the model was trained on.")


def _rows(text, delimiter, dialect):
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=dialect.get("quote") or '"',
        escapechar=dialect.get("escape") or None,
        doublequote=not dialect.get("escape"),
    )
    rows, lines = [], []
    for row in reader:
        if row:
            rows.append(row)
            lines.append(reader.line_num)
    return rows, lines


def _headers(usual, rows):
    """Indexes of rows to try as the header; -1 stands for a file without one."""
    if usual == 0:
        return [-1]
    first = [usual - 1] if usual and usual <= len(rows) else []
    return list(dict.fromkeys([*first, *range(min(FIRST_LINES, len(rows)))]))


def _names(header, below):
    if len(header) == len(below) - 1:  # rows end with a separator, or begin with names that the header leaves out
        header = [*header, None] if not below[-1] else [None, *header]
    return column_names(header)


def _places(names, needed):
    exact = {name: place for place, name in enumerate(names)}
    loose = {}
    for place, name in enumerate(names):
        loose.setdefault(name.strip(BLANKS).casefold(), []).append(place)
    places = {}
    for name in needed:
        alike = loose.get(name.strip(BLANKS).casefold(), [])
        if name in exact:
            places[name] = exact[name]
        elif len(alike) == 1:
            places[name] = alike[0]
    return places


def _check_widths(rows, lines, width, path):
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            raise Unusable(
                f"Line {line:,} of {path} has {len(row)} values, the header has {width}. A value that holds the "
                "delimiter needs quotes around it."
            )

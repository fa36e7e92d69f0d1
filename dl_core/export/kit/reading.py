"""Text tables for a kit: CSV, TSV and their relatives, plain or as .gz, read by the columns of the bundle."""

import csv
import gzip
import io
import re

import numpy as np

from dl_core.data.values import BLANKS, column_names, parse_times
from dl_core.encoders.cells import stored

FIRST_LINES = 30
csv.field_size_limit(1 << 27)


class Unusable(Exception):
    """The file does not fit. The message says what to do."""


def read_table(path, record, needed):
    """{name: values as the app stores them} of the `needed` columns of a text table. `record` is bundle.json."""
    columns = {column["name"]: column for column in record["schema"]["columns"]}
    parts = {name: columns[name]["parse"]["parts"] for name in needed if "parts" in columns[name]["parse"]}
    wanted = [name for name in needed if name not in parts] + [part for each in parts.values() for part in each]
    names, rows = _find_rows(path, record["dialect"], list(dict.fromkeys(wanted)))
    cells: dict = dict(zip(names, zip(*rows, strict=True), strict=True))
    cells |= {name: _one_time([cells[part] for part in each]) for name, each in parts.items()}
    return {name: _stored(cells[name], columns[name]) for name in needed}


def read_history(path, record, state):
    """The id, time and target columns of the latest history, {name: values as the app stores them}. Like the training
    file it may be long (a row for each step) or wide (a column, or a row, for each series)."""
    columns = {column["name"]: column for column in record["schema"]["columns"]}
    needed = [*state["series"], *([state["time"]] if state["time"] else []), state["target"]]
    layout = columns[state["time"]]["parse"].get("layout", "long") if state["time"] else "long"
    if not layout.startswith("wide"):
        return read_table(path, record, needed)
    try:
        return read_table(path, record, needed)  # the long form will do as well
    except Unusable:
        keep = [state["time"]] if layout == "wide columns" else state["series"]
        cells = _turned(path, record["dialect"], layout, keep, columns[state["time"]])
    return {name: _stored(texts, columns[name]) for name, texts in zip(needed, cells, strict=True)}


def _stored(texts, column):
    return stored(texts, column["storage"], column["kind"], column["parse"])


def _one_time(parts):
    """'year-month-day hour:minute' from columns for year, month and perhaps day, hour and minute."""
    times = []
    for row in zip(*parts, strict=True):
        cells = [cell.strip(BLANKS) for cell in row]
        clock = f" {cells[3]}:{cells[4] if len(cells) > 4 else '00':0>2}" if len(cells) > 3 else ""
        times.append("-".join([*cells, "1"][:3]) + clock)
    return times


def _turned(path, dialect, layout, keep, time):
    """The cells of a wide table as columns of a long one: ids, time, value."""
    try:
        names, rows = _find_rows(path, dialect, keep)
    except Unusable:
        if layout != "wide rows" or len(keep) != 1:
            raise
        names, rows = _find_rows(path, dialect, [])
        rows = [(f"row {number}", *row) for number, row in enumerate(rows, 1)]  # the series have no names of their own
        names = [keep[0], *names]
    kept = [names.index(name) for name in keep]
    melted = [place for place in range(len(names)) if place not in kept]
    if layout == "wide columns":
        cells = [(names[place], row[kept[0]], row[place]) for place in melted for row in rows]
        return zip(*cells, strict=True)
    labels = [str(step) for step in range(1, len(melted) + 1)]
    if time["storage"] == "time":
        labels = [_time_in(names[place], time["parse"]["format"]) for place in melted]
    cells = [
        (*(row[place] for place in kept), label, row[place])
        for row in rows
        for place, label in zip(melted, labels, strict=True)
        if label is not None
    ]
    return zip(*cells, strict=True)


def _time_in(name, format):
    """The time that a column is named by, such as 1990, X1990, 1990 [YR1990] or 2019.03; None where there is none."""
    year = re.fullmatch(r"[Xx]?([0-9]{4})(?: \[YR[0-9]{4}\])?", name.strip())
    texts = [name.strip(), year[1] if year else name.strip().removeprefix("X").replace(".", "-")]
    return next((text for text in texts if not np.isnan(parse_times([text], format)[0])), None)


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


def _find_rows(path, dialect, needed):
    """The names of all columns and the rows below them: as the training file was written if that fits, else under the
    first delimiter and line that name every `needed` column."""
    text = _text(path, dialect.get("encoding"))
    best = None
    for delimiter in dict.fromkeys([dialect.get("delimiter") or ",", ",", ";", "\t", "|"]):
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
                called = {place: name for name, place in places.items()}
                return [called.get(place, name) for place, name in enumerate(names)], below
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
    loose: dict = {}
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

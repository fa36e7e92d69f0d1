"""Text tables: CSV, TSV and their relatives, in any encoding, with any delimiter, packed by gzip or not."""

import csv
import io
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from dl_core.data.readers.encoding import as_utf8, head
from dl_core.data.readers.header import NO_ROWS, find_header
from dl_core.data.readers.raw import Raw, RawTable, Upload
from dl_core.errors import ReadError
from dl_core.problems import Problem

SAMPLE_CHARACTERS, SAMPLE_CHARACTERS_AT_MOST = 1 << 20, 1 << 26
FEWEST_ROWS = 5
GLANCE_BYTES = 1 << 18
SAMPLE_ROWS = 2_000
BLOCK_BYTES, BLOCK_BYTES_AT_MOST = 8 << 20, 512 << 20
RAGGED_SHARE = 0.05
"""Up to this share of rows may have the wrong number of values; they are left out and named."""

USUAL_DELIMITERS = (",", ";", "\t", "|")
RARE_DELIMITERS = ("^", "~", "\x1f", "\x01", " ", ":")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quote: str
    escape: str | None = None

    def reader(self, stream) -> "csv._reader":  # type: ignore[name-defined]
        return csv.reader(
            stream,
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            doublequote=self.escape is None,
        )


def read(upload: Upload) -> Raw:
    """See dl_core.data.readers. Raises ReadError for what is no text table, naming the line where there is one."""
    upload.progress("Reading the text", 0.0)
    text = as_utf8(upload.path, upload.folder)
    size = SAMPLE_CHARACTERS
    while True:
        sample, complete = _sample(text.path, size)
        dialect = sniff(sample, complete)
        rows, lines = _rows(sample, dialect, complete)
        if complete or len(rows) >= FEWEST_ROWS or size >= SAMPLE_CHARACTERS_AT_MOST:
            break
        size *= 8
    header = find_header(rows, upload.header_row)
    table = upload.folder / "raw.parquet"
    width = len(header.names)
    skipped_lines = lines[header.first - 1] if header.first else 0
    count, ragged = _stream(text.path, dialect, width, skipped_lines, table, upload)
    problems = [*text.problems, *header.problems]
    if ragged:
        problems.append(_ragged(text.path, dialect, width, skipped_lines, ragged, count, upload.strict))
    _check_quotes(table, width, text.path, dialect)
    if not count:
        raise ReadError(NO_ROWS)
    return Raw(
        table=table,
        names=header.names,
        unnamed=header.unnamed,
        rows=count,
        dialect={"format": "text", "encoding": text.encoding, **asdict(dialect), "header_row": header.position + 1},
        problems=problems,
    )


def first_rows(path: Path, folder: Path) -> list[list[str | None]]:
    """The first rows as they stand, from the beginning of the file alone; `folder` takes a copy of that. Raises
    ReadError for what is no text."""
    copy = folder / "beginning"
    copy.write_bytes(head(path, GLANCE_BYTES))
    complete = copy.stat().st_size < GLANCE_BYTES
    sample, _ = _sample(as_utf8(copy, folder).path, SAMPLE_CHARACTERS)
    rows, _ = _rows(sample, sniff(sample, complete), complete)
    return [list(row) for row in rows]


def sniff(sample: str, complete: bool = True) -> Dialect:
    """The dialect under which the sample's rows are most alike."""
    best, best_score = Dialect(",", '"', _escape(sample, '"')), (0.0, 0.0)
    for delimiters in (USUAL_DELIMITERS, RARE_DELIMITERS):
        for delimiter in delimiters:
            for quote in _quotes(sample, delimiter):
                dialect = Dialect(delimiter, quote, _escape(sample, quote))
                score = _likeness(sample, dialect, complete)
                if score > best_score:
                    best, best_score = dialect, score
        if best_score[0] >= 0.9:
            break
    return best


def _quotes(sample: str, delimiter: str) -> tuple[str, ...]:
    """Double quotes; single ones as well where many cells begin with one."""
    return ('"', "'") if sample.count(f"{delimiter}'") > 5 else ('"',)


def _escape(sample: str, quote: str) -> str | None:
    """A backslash, where it stands before quotes and no quote is doubled."""
    escaped = f"\\{quote}"
    return "\\" if escaped in sample and quote * 2 not in sample.replace(escaped, "") else None


def _likeness(sample: str, dialect: Dialect, complete: bool) -> tuple[float, float]:
    """The share of rows that have the commonest number of cells, the header counting as much as all others; then that
    number. (0, 0) where the delimiter separates nothing."""
    if dialect.delimiter not in sample:
        return (0.0, 0.0)
    rows, _ = _rows(sample, dialect, complete)
    widths = [len(row) for row in rows if row]
    if not widths:
        return (0.0, 0.0)
    width, count = Counter(widths).most_common(1)[0]
    if width < 2:
        return (0.0, 0.0)
    begins = next((position for position, found in enumerate(widths[:20]) if found == width), 20)
    share = count / len(widths)
    header = 1.0 if begins == 0 or abs(widths[0] - width) <= 1 < min(widths[0], width) else 0.5
    return (round(share * (0.5 + 0.5 * header), 2), float(width))


def _sample(path: Path, size: int) -> tuple[str, bool]:
    """The beginning of the file, and whether that is all of it."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as stream:
        sample = stream.read(size)
        return sample, not stream.read(1)


def _rows(sample: str, dialect: Dialect, complete: bool) -> tuple[list[list[str]], list[int]]:
    """The first rows, and behind how many lines each of them ends. A row that the sample cuts off is left out."""
    csv.field_size_limit(1 << 27)
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = dialect.reader(io.StringIO(sample, newline=""))
    try:
        for row in reader:
            rows.append(row)
            lines.append(reader.line_num)
            if len(rows) >= SAMPLE_ROWS:
                return rows, lines
    except csv.Error as error:
        raise ReadError(f"Line {reader.line_num:,} cannot be read as a table row: {error}.") from error
    return (rows, lines) if complete or len(rows) < 2 else (rows[:-1], lines[:-1])


def _stream(
    path: Path, dialect: Dialect, width: int, skipped_lines: int, table: Path, upload: Upload
) -> tuple[int, int]:
    """Write all rows to `table`; returns how many, and how many had another number of cells and were left out."""
    ragged = 0

    def skip(row: "pyarrow.csv.InvalidRow") -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    names = [f"c{position}" for position in range(width)]
    size = path.stat().st_size
    block = BLOCK_BYTES
    while True:
        ragged = 0
        try:
            with open(path, "rb") as stream, RawTable(table, width) as writer:
                batches = pyarrow.csv.open_csv(
                    stream,
                    read_options=pyarrow.csv.ReadOptions(
                        column_names=names, skip_rows=skipped_lines, use_threads=False, block_size=block
                    ),
                    parse_options=pyarrow.csv.ParseOptions(
                        delimiter=dialect.delimiter,
                        quote_char=dialect.quote,
                        double_quote=dialect.escape is None,
                        escape_char=dialect.escape or False,
                        newlines_in_values=True,
                        invalid_row_handler=skip,
                    ),
                    convert_options=pyarrow.csv.ConvertOptions(
                        column_types={name: pa.string() for name in names}, strings_can_be_null=False
                    ),
                )
                for batch in batches:
                    writer.write(batch.columns)
                    upload.progress("Reading the text", min(1.0, stream.tell() / size))
                return writer.rows, ragged
        except pa.ArrowInvalid as error:
            if "straddling" in str(error):
                block *= 8  # one row is longer than a block
                if block <= BLOCK_BYTES_AT_MOST:
                    continue
                raise ReadError(
                    f"One row is longer than {BLOCK_BYTES_AT_MOST >> 20} MB. Probably a quote ({dialect.quote}) is "
                    "never closed: close or remove it."
                ) from error
            if "Empty CSV" in str(error):
                raise ReadError(NO_ROWS) from error
            raise ReadError(f"The text cannot be read as a table: {error}.") from error


def _ragged(
    path: Path, dialect: Dialect, width: int, skipped_lines: int, ragged: int, count: int, strict: bool
) -> Problem:
    """The finding about rows with too few or too many cells. Raises ReadError where they are too many to leave out."""
    found = []
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = dialect.reader(stream)
        for row in reader:
            if reader.line_num > skipped_lines and row and len(row) != width:
                found.append(f"line {reader.line_num:,} has {len(row)}")
                if len(found) == 3:
                    break
    lines = ", ".join(found) + (", …" if ragged > len(found) else "")
    rows = "1 row has" if ragged == 1 else f"{ragged:,} rows have"
    message = f"{rows} another number of values than the {width} of the header: {lines}"
    if strict or ragged > RAGGED_SHARE * (count + ragged):
        separator = NAMES.get(dialect.delimiter, repr(dialect.delimiter))
        raise ReadError(
            f"{message}. The values were taken as separated by {separator}. Mend these lines (a value that holds the "
            "separator needs quotes around it) and upload the file again."
        )
    return Problem(
        "warning",
        f"{message}. {'It was' if ragged == 1 else 'They were'} left out.",
        fix="Mend these lines and upload the file again; a value that holds the separator needs quotes around it.",
    )


def _check_quotes(table: Path, width: int, path: Path, dialect: Dialect) -> None:
    """A quote that is never closed swallows the rest of the file into one value."""
    last = pyarrow.parquet.ParquetFile(table)
    if not last.metadata.num_rows:
        return
    group = last.read_row_group(last.metadata.num_row_groups - 1, columns=[f"c{width - 1}"])
    value = group.column(0)[-1].as_py() or ""
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - 64))
        ending = stream.read().rstrip(b"\r\n \t")
    if value.count("\n") + value.count("\r") > 1 and not ending.endswith(dialect.quote.encode()):
        row = last.metadata.num_rows
        raise ReadError(
            f"A quote ({dialect.quote}) that opens in row {row:,} is never closed, so the rest of the file became one "
            "value. Close or remove the quote and upload the file again."
        )

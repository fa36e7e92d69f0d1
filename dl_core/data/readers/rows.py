"""Tables that come row by row out of a Python reader: header found, texts written."""

from collections.abc import Iterable, Sequence
from itertools import chain, islice

from dl_core.data.readers.header import NO_ROWS, find_header
from dl_core.data.readers.raw import Raw, RawTable, Upload
from dl_core.errors import ReadError

SAMPLE_ROWS = 500
BATCH = 8_192


def raw_of_rows(upload: Upload, rows: Iterable[Sequence[str | None]], dialect: dict, total: int) -> Raw:
    """The Raw of `rows`, all of one width, without those that are empty. Raises ReadError where none is left."""
    stream = iter(rows)
    sample = [list(row) for row in islice(stream, SAMPLE_ROWS)]
    if not any(any(row) for row in sample):
        raise ReadError("The table is empty. It needs a header row and at least one row of values.")
    header = find_header(trimmed(sample), upload.header_row)
    width = len(header.names)
    table = upload.folder / "raw.parquet"
    batch: list[list[str | None]] = []
    with RawTable(table, width) as writer:
        for row in chain(sample[header.first :], stream):
            cells = [*row[:width], *[None] * (width - len(row))]
            if any(cells):
                batch.append(cells)
            if len(batch) == BATCH:
                writer.write_rows(batch)
                batch = []
                upload.progress("Reading the rows", min(1.0, writer.rows / max(1, total)))
        writer.write_rows(batch)
        count = writer.rows
    if not count:
        raise ReadError(NO_ROWS)
    return Raw(
        table=table,
        names=header.names,
        unnamed=header.unnamed,
        rows=count,
        dialect={**dialect, "header_row": header.position + 1},
        problems=list(header.problems),
    )


def trimmed(rows: Sequence[Sequence[str | None]]) -> list[list[str | None]]:
    """The rows without the columns at their right that are empty in all of them."""
    last = max((place for row in rows for place, cell in enumerate(row, 1) if cell), default=0)
    return [list(row[:last]) for row in rows]

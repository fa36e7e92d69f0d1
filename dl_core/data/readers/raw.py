"""What goes into a reader and what comes out: an upload, and the same content as one table of texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dl_core.data.dataset import ROW
from dl_core.data.schema import Column
from dl_core.errors import ReadError
from dl_core.problems import Problem

COLUMN_LIMIT, ROW_LIMIT = 20_000, 200_000_000
Progress = Callable[[str, float], None]
"""What is being done, and the share of it that is done (0 to 1)."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What was dropped. `path` is a file or folder; `folder` an empty place for what the reader writes; `header_row`
    counts lines from 1, 0 means there is none, None leaves it to the reader; `strict` forbids to leave rows out."""

    path: Path
    folder: Path
    sheet: str | None = None
    header_row: int | None = None
    images: Path | None = None
    strict: bool = False
    progress: Progress = lambda text, share: None


@dataclass(kw_only=True)
class Raw:
    """An upload as texts. `table` is a Parquet file with `_row` and c0, c1, … (VARCHAR) for `names`; `known` are
    columns that need no guess, `unnamed` have made-up names; `dialect` says how the file was written."""

    table: Path
    names: list[str]
    rows: int
    dialect: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)
    known: dict[str, Column] = field(default_factory=dict)
    unnamed: list[str] = field(default_factory=list)


class RawTable:
    """Writes the table of a Raw, batch by batch."""

    def __init__(self, path: Path, width: int):
        if width > COLUMN_LIMIT:
            raise ReadError(
                f"The table has {width:,} columns; up to {COLUMN_LIMIT:,} can be read. "
                "Leave columns out, or turn the table on its side."
            )
        self.path = path
        self.rows = 0
        fields = [(ROW, pa.int64()), *((f"c{position}", pa.string()) for position in range(width))]
        self._schema = pa.schema(fields)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1)

    def __enter__(self) -> "RawTable":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, columns: Sequence[pa.Array | Sequence[str | None]]) -> None:
        """Append rows, given as columns of equal length."""
        arrays = [column if isinstance(column, pa.Array) else pa.array(column, pa.string()) for column in columns]
        count = len(arrays[0])
        numbers = pa.array(range(self.rows, self.rows + count), pa.int64())
        self._writer.write_batch(pa.record_batch([numbers, *arrays], schema=self._schema))
        self.rows += count
        if self.rows > ROW_LIMIT:
            raise ReadError(f"The table has more than {ROW_LIMIT:,} rows. Upload a part of it.")

    def write_rows(self, rows: Sequence[Sequence[str | None]]) -> None:
        """Append rows, given as rows of equal width."""
        if rows:
            self.write(list(zip(*rows, strict=True)))

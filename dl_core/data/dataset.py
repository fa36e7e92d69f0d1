"""A dataset on disk: immutable rows in Parquet, versions of a schema, and the files that image columns point to.

datasets/<id>/
    original/            the upload as it came
    data.parquet         `_row` (BIGINT, 0…n-1, file order) and every column by its name
    files/               decoded-by-header pictures, named by content; files.parquet: path, stored, width, height
    schema-<n>.json      the versions of the schema; the highest is the current one
    profile.json         counts and distributions of every column (data/profile.py)
    meta.json            {"id", "name", "source", "modality": table|image|series, "rows", "bytes", "fingerprint",
                         "created", "dialect": {…}, "problems": [Problem…], "guess": {"task": …, "targets": […], …}}
"""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pandas as pd

from dl_core.data.schema import Schema
from dl_core.errors import NotFoundError, SpecError
from dl_core.records import read_json, write_json

ROW = "_row"


class Dataset:
    """Read access to one dataset folder. Raises NotFoundError where there is none."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        if not (self.folder / "meta.json").exists():
            raise NotFoundError(f"There is no dataset {self.folder.name!r}. It may have been deleted.")

    @cached_property
    def meta(self) -> dict[str, Any]:
        return read_json(self.folder / "meta.json")

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def modality(self) -> str:
        return self.meta["modality"]

    @property
    def n_rows(self) -> int:
        return self.meta["rows"]

    @property
    def profile(self) -> dict[str, Any]:
        return read_json(self.folder / "profile.json", {})

    @property
    def schema(self) -> Schema:
        return self.schema_version(max(self._versions()))

    def schema_version(self, version: int) -> Schema:
        record = read_json(self.folder / f"schema-{version}.json")
        if record is None:
            raise NotFoundError(f"Dataset {self.id!r} has no schema version {version}.")
        return Schema.from_json(record)

    def _versions(self) -> list[int]:
        return [int(path.stem.removeprefix("schema-")) for path in self.folder.glob("schema-*.json")]

    def add_schema(self, schema: Schema) -> Schema:
        """Store an edited schema as the next version. Raises SpecError where another edit has taken its number."""
        path = self.folder / f"schema-{schema.version}.json"
        fresh = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
        write_json(fresh, schema.to_json())
        try:
            os.link(fresh, path)  # unlike a rename, never over a file that stands there
        except FileExistsError as error:
            raise SpecError("The columns were changed elsewhere meanwhile; reload the page.") from error
        finally:
            fresh.unlink()
        return schema

    def table(
        self, columns: Sequence[str] | None = None, rows: Sequence[int] | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """The values of `columns` (all by default) in row order, indexed by row number; of `rows` only, in the order
        given, where they are named."""
        names = ", ".join(_quoted(name) for name in (ROW, *(columns if columns is not None else self.schema.names)))
        source = str(self.folder / "data.parquet")
        ending = f" limit {int(limit)}" if limit is not None else ""
        with duckdb.connect() as connection:
            connection.execute("set threads=2")
            if rows is None:
                frame = connection.execute(f"select {names} from read_parquet(?) order by {ROW}{ending}", [source]).df()
                return frame.set_index(ROW)
            wanted = pd.DataFrame({ROW: list(rows)})
            connection.register("wanted", wanted)
            frame = connection.execute(
                f"select {names} from read_parquet(?) semi join wanted using ({ROW})", [source]
            ).df()
        return frame.set_index(ROW).loc[wanted[ROW]]

    def file(self, path: str) -> Path:
        """Where the picture that the upload called `path` is stored."""
        return self.folder / "files" / self._files[path]

    @cached_property
    def _files(self) -> dict[str, str]:
        frame = pd.read_parquet(self.folder / "files.parquet", columns=["path", "stored"])
        return dict(zip(frame["path"], frame["stored"], strict=True))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

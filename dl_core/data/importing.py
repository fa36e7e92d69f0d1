"""Import: an upload becomes a finished dataset folder, whole or not at all."""

import hashlib
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from dl_core.data import duck
from dl_core.data.dataset import ROW
from dl_core.data.kinds import Finding, infer, misfit_problem, trimmed, value_sql
from dl_core.data.readers import READERS, Raw, Upload
from dl_core.data.readers.detect import detect
from dl_core.data.readers.raw import Progress
from dl_core.data.schema import Column, Schema
from dl_core.data.values import BLANKS, MISSING
from dl_core.errors import DataError, NotFoundError
from dl_core.problems import Problem
from dl_core.records import write_json

NEEDED_ROLES = ("feature", "time", "series", "group", "static", "known-ahead")


def import_file(
    path: Path,
    folder: Path,
    *,
    name: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    images: Path | None = None,
    layout: str | None = None,
    schema: Schema | None = None,
    progress: Progress | None = None,
) -> Path:
    """Import an upload (a file or a folder) into the dataset folder `folder`, which must not exist yet; returns it.

    `header_row` counts from 1, 0 means there is none. `images` is the archive or folder of the pictures that a table
    names. `layout` is 'table', 'long', 'wide columns' or 'wide rows' where the file's own must not be guessed. With
    `schema` the columns become what it says: a missing feature is an error, others are left out, and columns that may
    be missing (targets, ignored ones) are listed in meta["absent"] and hold no values.

    Raises ReadError or DataError with a sentence about what to do; nothing is left behind then.
    """
    path, folder = Path(path), Path(folder)
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.")
    if folder.exists():
        raise DataError(f"The folder {folder} exists already. Choose another one for the dataset.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}")
    scratch = work / "scratch"
    scratch.mkdir(parents=True)
    try:
        upload = Upload(
            path=path,
            folder=scratch,
            sheet=sheet,
            header_row=header_row,
            images=Path(images) if images else None,
            strict=schema is not None,
            progress=progress or (lambda text, share: None),
        )
        meta = _import(upload, work, schema, layout)
        meta = {"id": folder.name, "name": name or _stem(path), "source": path.name, "created": time.time(), **meta}
        shutil.rmtree(scratch)
        write_json(work / "meta.json", meta)
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return folder


def _stem(path: Path) -> str:
    return re.sub(r"(\.(csv|tsv|txt|tar|jsonl|json))?(\.(gz|tgz|bz2|xz))?$", "", path.name, flags=re.I) or path.name


def _import(upload: Upload, work: Path, schema: Schema | None, layout: str | None) -> dict[str, Any]:
    raw = READERS.load("images" if upload.images else detect(upload.path))(upload)
    with duck.connect(upload.folder) as connection:
        connection.execute(f"create view raw as select * from {duck.parquet(raw.table)}")
        table = _infer(connection, raw, upload) if schema is None else _coerce(connection, raw, schema)
        upload.progress("Writing the dataset", 0.0)
        _write(connection, table, work / "data.parquet")
    write_json(work / "schema-1.json", table.schema.to_json())
    _keep(upload.path, work / "original")
    if (upload.folder / "files.parquet").exists():
        (upload.folder / "files.parquet").rename(work / "files.parquet")
        (upload.folder / "files").rename(work / "files")
    size, fingerprint = _fingerprint(upload.path)
    return {
        "modality": "image" if any(column.kind == "image" for column in table.schema.columns) else "table",
        "rows": raw.rows,
        "bytes": size,
        "fingerprint": fingerprint,
        "dialect": raw.dialect,
        "problems": [problem.to_json() for problem in table.problems],
        "absent": table.absent,
    }


@dataclass
class Table:
    """What is about to be written: the columns, and the SQL of each one's stored values over `raw`."""

    schema: Schema
    values: list[str]
    problems: list[Problem] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def _infer(connection: duckdb.DuckDBPyConnection, raw: Raw, upload: Upload) -> Table:
    semicolons = raw.dialect.get("delimiter") == ";"
    findings = infer(connection, "raw", raw.names, raw.known, semicolons, upload.progress)
    values = [
        value_sql(connection, f"c{position}", finding.column, finding.whole)
        for position, finding in enumerate(findings)
    ]
    problems = [*raw.problems, *(problem for finding in findings for problem in finding.problems)]
    return Table(Schema(version=1, columns=tuple(_columns(findings))), values, problems)


def _columns(findings: Sequence[Finding]) -> list[Column]:
    return [finding.column for finding in findings]


def _coerce(connection: duckdb.DuckDBPyConnection, raw: Raw, schema: Schema) -> Table:
    """The upload's columns as `schema` says."""
    places = _places(raw.names, schema)
    lacking = [c.name for c in schema.columns if c.name not in places and c.role in NEEDED_ROLES]
    if lacking:
        listed = ", ".join(repr(name) for name in lacking[:5]) + (", …" if len(lacking) > 5 else "")
        raise DataError(
            f"The file lacks {'the column' if len(lacking) == 1 else f'{len(lacking)} columns:'} {listed}. It needs "
            f"the columns the model was trained on; it has {', '.join(repr(name) for name in raw.names[:8])}"
            f"{', …' if len(raw.names) > 8 else ''}."
        )
    problems = list(raw.problems)
    values = []
    for column in schema.columns:
        if column.name not in places:
            values.append(f"cast(null as {'varchar' if column.storage in ('text', 'image') else 'double'})")
            continue
        source = f"c{places[column.name]}"
        value = value_sql(connection, source, column)
        if column.storage in ("number", "time"):
            problems += _misfits(connection, source, value, column)
        values.append(value)
    extra = [name for position, name in enumerate(raw.names) if position not in places.values()]
    if extra:
        listed = ", ".join(repr(name) for name in extra[:5]) + (", …" if len(extra) > 5 else "")
        problems.append(Problem("note", f"Columns that are not needed were left out: {listed}."))
    absent = [column.name for column in schema.columns if column.name not in places]
    return Table(Schema(version=1, columns=schema.columns), values, problems, absent)


def _places(names: Sequence[str], schema: Schema) -> dict[str, int]:
    """Where each schema column stands in the file: under its name, else under one that differs in blanks or case."""
    exact = {name: position for position, name in enumerate(names)}
    loose: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        loose.setdefault(name.strip(BLANKS).casefold(), []).append(position)
    places = {}
    for column in schema.columns:
        alike = loose.get(column.name.strip(BLANKS).casefold(), [])
        if column.name in exact:
            places[column.name] = exact[column.name]
        elif len(alike) == 1 and names[alike[0]] not in schema:
            places[column.name] = alike[0]
    return places


def _misfits(connection: duckdb.DuckDBPyConnection, source: str, value: str, column: Column) -> list[Problem]:
    missing = ", ".join(duck.literal(token) for token in MISSING)
    found = connection.execute(
        f"""select count(*), list(distinct t)[:3] from (select {trimmed(source)} as t, {value} as v from raw)
            where v is null and t is not null and t not in ({missing})"""
    ).fetchone()
    count, strangers = found or (0, [])
    return [misfit_problem(column.name, count, strangers, f"{column.storage}s")] if count else []


def _write(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    selected = ", ".join(
        f"{value} as {duck.name(column.name)}" for value, column in zip(table.values, table.schema.columns, strict=True)
    )
    connection.execute(
        f"copy (select {ROW}, {selected} from raw order by {ROW}) to {duck.literal(path)} "
        "(format parquet, compression zstd, row_group_size 65536)"
    )


def _keep(path: Path, target: Path) -> None:
    """Keep the upload as it came; a folder's pictures are kept under files/ already."""
    target.mkdir()
    if path.is_file():
        shutil.copyfile(path, target / (path.name or "upload"))


def _fingerprint(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of the upload; of a folder, over the paths and contents of its files."""
    digest, size = hashlib.sha256(), 0
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    for file in files:
        if path.is_dir():
            digest.update(str(file.relative_to(path)).encode())
        with open(file, "rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                size += len(chunk)
    return size, digest.hexdigest()

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
from dl_core.data.guess import guess
from dl_core.data.kinds import infer, misfit_problem, trimmed, value_sql
from dl_core.data.layout import Counted, decide, parts_sql, with_roles
from dl_core.data.profile import profile
from dl_core.data.readers import READERS, Raw, Upload
from dl_core.data.readers.detect import detect
from dl_core.data.readers.raw import Progress
from dl_core.data.schema import Column, Schema
from dl_core.data.values import BLANKS, MISSING
from dl_core.data.wide import Turn, again, turn_long
from dl_core.errors import DataError, NotFoundError
from dl_core.problems import Problem
from dl_core.records import write_json

NEEDED_ROLES = ("feature", "time", "series", "static", "known-ahead")


def import_file(
    path: Path,
    folder: Path,
    *,
    name: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    images: Path | None = None,
    layout: str | None = None,
    time_column: str | None = None,
    series_columns: Sequence[str] = (),
    schema: Schema | None = None,
    progress: Progress | None = None,
) -> Path:
    """Import an upload (a file or a folder) into the dataset folder `folder`, which must not exist yet; returns it.

    `header_row` counts from 1, 0 means there is none. `images` is the archive or folder of the pictures that a table
    names. `layout` is 'table', 'long', 'wide columns' or 'wide rows' where it must not be guessed; naming a
    `time_column` or `series_columns` means 'long'. With `schema` the columns become what it says: a missing feature is
    an error, others are left out, and columns that may be missing (targets, ignored ones) are listed in meta["absent"]
    and hold no values.

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
        asked = Asked(layout, time_column, tuple(series_columns))
        meta = _import(upload, work, schema, asked)
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


@dataclass(frozen=True)
class Asked:
    """What was said about a time series' layout, time and series columns."""

    layout: str | None = None
    time: str | None = None
    series: tuple[str, ...] = ()


def _import(upload: Upload, work: Path, schema: Schema | None, asked: Asked) -> dict[str, Any]:
    raw = READERS.load("images" if upload.images else detect(upload.path))(upload)
    with duck.connect(upload.folder) as connection:
        connection.execute(f"create view raw as select * from {duck.parquet(raw.table)}")
        table = _infer(connection, raw, upload, asked) if schema is None else _coerce(connection, raw, schema, upload)
        upload.progress("Writing the dataset", 0.0)
        _write(connection, table, work / "data.parquet")
    write_json(work / "schema-1.json", table.schema.to_json())
    _keep(upload.path, work / "original")
    if (upload.folder / "files.parquet").exists():
        (upload.folder / "files.parquet").rename(work / "files.parquet")
        (upload.folder / "files").rename(work / "files")
    upload.progress("Counting and drawing", 0.0)
    facts = profile(work, table.schema, upload.folder)
    write_json(work / "profile.json", facts)
    size, fingerprint = _fingerprint(upload.path)
    return {
        "modality": table.modality,
        "rows": table.rows,
        "bytes": size,
        "fingerprint": fingerprint,
        "dialect": {**raw.dialect, "layout": table.layout, "layout_reason": table.layout_reason},
        "problems": [problem.to_json() for problem in table.problems],
        "absent": table.absent,
        "guess": guess(table.schema, facts, table.modality, upload.path.name),
    }


@dataclass(kw_only=True)
class Table:
    """What is about to be written: the columns, and the SQL of each one's stored values over `raw`."""

    schema: Schema
    values: list[str]
    rows: int
    modality: str
    layout: str = "table"
    layout_reason: str = ""
    problems: list[Problem] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def _infer(connection: duckdb.DuckDBPyConnection, raw: Raw, upload: Upload, asked: Asked) -> Table:
    """The upload's columns as its values show them."""
    semicolons = raw.dialect.get("delimiter") == ";"
    names, rows = list(raw.names), raw.rows
    findings = infer(connection, "raw", names, raw.known, semicolons, upload.progress)
    if any(column.kind == "image" for column in raw.known.values()):
        values = [value_sql(connection, f"c{place}", f.column, f.whole) for place, f in enumerate(findings)]
        problems = [*raw.problems, *(problem for finding in findings for problem in finding.problems)]
        schema = Schema(version=1, columns=tuple(finding.column for finding in findings))
        return Table(schema=schema, values=values, rows=rows, modality="image", problems=problems)
    upload.progress("Looking for time series", 0.0)
    chosen = decide(Counted(connection, findings), asked.layout, asked.time, asked.series)
    kind, reason = chosen.kind, chosen.reason
    if chosen.turn is not None:
        rows = _turn(connection, chosen.turn, upload)
        names = chosen.turn.names
        findings = infer(connection, "raw", names, _known_of(chosen.turn), semicolons)
        chosen = decide(Counted(connection, findings), "long", chosen.turn.time.name, chosen.turn.series)
    problems = [*raw.problems, *(problem for finding in findings for problem in finding.problems)]
    if chosen.kind == "table" and asked.layout is None and any(f.column.kind == "datetime" for f in findings):
        what = f"There are times, but this was read as a table and not as a time series: {chosen.reason}."
        problems.append(Problem("note", what, fix="If it is a time series, read the file again and say so."))
    if chosen.time is not None:
        findings = with_roles(chosen, Counted(connection, findings), kind)
    columns, values = [], []
    for place, finding in enumerate(findings):
        column = finding.column
        if column.name in raw.unnamed and not finding.counts.present_text and len(findings) > 1:
            continue  # what separators at the end of rows leave behind
        if chosen.time is not None and column.name == chosen.time.column.name:
            values.append(chosen.time.sql)
        else:
            values.append(value_sql(connection, f"c{place}", column, finding.whole))
        columns.append(column)
    return Table(
        schema=Schema(version=1, columns=tuple(columns)),
        values=values,
        rows=rows,
        modality="series" if chosen.time is not None else "table",
        layout=kind,
        layout_reason=reason,
        problems=problems,
    )


def _turn(connection: duckdb.DuckDBPyConnection, turn: Turn, upload: Upload) -> int:
    """Replace the wide table `raw` by its long form; returns the rows of that."""
    upload.progress("Turning the wide table into a long one", 0.0)
    path = upload.folder / "long.parquet"
    rows = turn_long(connection, turn, path)
    if not rows:
        raise DataError("Every value of the table is missing. Choose another layout, or bring values.")
    connection.execute(f"create or replace view raw as select * from {duck.parquet(path)}")
    return rows


def _known_of(turn: Turn) -> dict[str, Column]:
    reason = "the names of the columns" if turn.kind == "wide columns" else "names the rows of the upload"
    known = {name: Column(name=name, kind="category", storage="text", reason=reason) for name in turn.series}
    return {**known, turn.time.name: turn.time}


def _coerce(connection: duckdb.DuckDBPyConnection, raw: Raw, schema: Schema, upload: Upload) -> Table:
    """The upload's columns as `schema` says."""
    names, rows = list(raw.names), raw.rows
    time = next((column for column in schema.columns if "layout" in column.parse), None)
    layout = time.parse["layout"] if time else "table"
    if time is not None and layout.startswith("wide") and time.role in NEEDED_ROLES:
        turn = again(layout, names, schema, time)
        rows = _turn(connection, turn, upload)
        names = turn.names
    places = _places(names, schema)
    parts = next((column for column in schema.columns if "parts" in column.parse), None)
    lacking = [c.name for c in schema.columns if c.role in NEEDED_ROLES and c is not parts and c.name not in places]
    if parts is not None and not all(name in places for name in parts.parse["parts"]):
        lacking += [name for name in parts.parse["parts"] if name not in places and parts.role in NEEDED_ROLES]
        parts = None
    if lacking:
        listed = ", ".join(repr(name) for name in lacking[:5]) + (", …" if len(lacking) > 5 else "")
        raise DataError(
            f"The file lacks {'the column' if len(lacking) == 1 else f'{len(lacking)} columns:'} {listed}. It needs "
            f"the columns of the training data; it has {', '.join(repr(name) for name in raw.names[:8])}"
            f"{', …' if len(raw.names) > 8 else ''}."
        )
    problems = list(raw.problems)
    values = []
    for column in schema.columns:
        if column is parts:
            source = parts_sql([f"c{places[name]}" for name in column.parse["parts"]])
        elif column.name in places:
            source = f"c{places[column.name]}"
        else:
            values.append(f"cast(null as {'varchar' if column.storage in ('text', 'image') else 'double'})")
            continue
        value = value_sql(connection, source, column)
        if column.storage in ("number", "time"):
            problems += _misfits(connection, source, value, column)
        values.append(value)
    extra = [name for position, name in enumerate(names) if position not in places.values()]
    if extra:
        listed = ", ".join(repr(name) for name in extra[:5]) + (", …" if len(extra) > 5 else "")
        problems.append(Problem("note", f"Columns that are not needed were left out: {listed}."))
    absent = [column.name for column in schema.columns if column.name not in places and column is not parts]
    images = any(column.kind == "image" for column in schema.columns)
    return Table(
        schema=Schema(version=1, columns=schema.columns),
        values=values,
        rows=rows,
        modality="image" if images else ("series" if time is not None else "table"),
        layout=layout,
        layout_reason="as the model was trained",
        problems=problems,
        absent=absent,
    )


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
        f"copy (select {ROW}, {selected} from raw) to {duck.literal(path)} "  # DuckDB keeps the order of the rows
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

"""Pictures: a ZIP, TAR or folder with a folder for each class, or with a table that names them; or one picture."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from dl_core.data.readers import READERS
from dl_core.data.readers.archive import Archive, DamagedMemberError, Member
from dl_core.data.readers.detect import detect
from dl_core.data.readers.pictures import (
    ENDINGS,
    PICTURE_LIMIT_BYTES,
    UNREAD,
    BrokenPictureError,
    Picture,
    examine,
    looks_like_picture,
)
from dl_core.data.readers.raw import Raw, RawTable, Upload
from dl_core.data.schema import Column
from dl_core.data.split import PART_OF
from dl_core.data.values import BLANKS, column_names
from dl_core.errors import ReadError
from dl_core.problems import Problem

FILE, LABEL, SPLIT = "file", "label", "split"
TABLES = ("csv", "tsv", "txt", "jsonl", "parquet", "xlsx", "xls", "gz", "json")
TINY_PIXELS = 16
MASKS = {"masks", "mask", "labels", "label", "annotations", "segmentation", "gt", "groundtruth", "targets"}
FEWEST_PAIRS, PAIRED_SHARE = 3, 0.9
NAMED_SHARE = 0.5
"""A table belongs to the pictures where at least this share of a column names them."""


@dataclass
class Gallery:
    """The pictures of an upload, stored in files/ under `names` made of their content, and the tables beside them."""

    paths: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    pictures: list[Picture] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    others: Counter = field(default_factory=Counter)


def read(upload: Upload) -> Raw:
    """See dl_core.data.readers. An archive that holds nothing but one table is read as that table."""
    source = upload.images or upload.path
    archive = Archive(source)
    gallery = _collect(archive, source, upload)
    problems = [*archive.problems(), *_findings(gallery)]
    if not gallery.paths:
        return _no_pictures(upload, gallery, problems)
    _write_files(gallery, upload.folder / "files.parquet")
    tables = [upload.path] if upload.images else gallery.tables
    manifest = _manifest(upload, tables, gallery)
    if manifest is not None:
        return _by_manifest(upload, manifest, gallery, problems)
    if upload.images:
        raise ReadError(
            f"No column of {upload.path.name} names the pictures: none holds values such as {gallery.paths[0]!r}. "
            "Add a column with the file names."
        )
    return _by_folder(upload, gallery, problems)


def _collect(archive: Archive, source: Path, upload: Upload) -> Gallery:
    """Store every whole picture in files/, set every table aside."""
    gallery = Gallery()
    files, aside = upload.folder / "files", upload.folder / "tables"
    files.mkdir()
    aside.mkdir()
    total = source.stat().st_size if source.is_file() else 0
    for member in archive:
        try:
            _take(member, gallery, files, aside)
        except DamagedMemberError:
            continue  # the archive keeps count of them
        upload.progress("Looking at the pictures", min(1.0, archive.counted / total) if total else 0.5)
    return gallery


def _take(member: Member, gallery: Gallery, files: Path, aside: Path) -> None:
    chunks = member.chunks()
    first = next(chunks, b"")
    extension = member.path.rsplit(".", 1)[-1].lower()
    if looks_like_picture(first, member.path):
        content = bytearray(first)
        for chunk in chunks:
            content += chunk
            if len(content) > PICTURE_LIMIT_BYTES:
                break
        try:
            picture = examine(bytes(content))
        except BrokenPictureError as error:
            gallery.broken.append(f"{member.path} {error}")
            return
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.{ENDINGS[picture.format]}"
        if name not in gallery.stored:
            (files / name).write_bytes(content)
        gallery.paths.append(member.path)
        gallery.stored.add(name)
        gallery.names.append(name)
        gallery.pictures.append(picture)
    elif first and extension in TABLES:
        table = aside / f"{len(gallery.tables)}-{PurePosixPath(member.path).name[-80:]}"
        with open(table, "wb") as stream:
            stream.write(first)
            stream.writelines(chunks)
        gallery.tables.append(table)
    else:
        gallery.others[extension] += 1


def _no_pictures(upload: Upload, gallery: Gallery, problems: list[Problem]) -> Raw:
    if gallery.broken:
        raise ReadError(
            f"No picture of the upload can be used: {gallery.broken[0]}"
            f"{f', and {len(gallery.broken) - 1:,} more' if len(gallery.broken) > 1 else ''}."
        )
    if len(gallery.tables) == 1:
        raw = READERS.load(detect(gallery.tables[0]))(replace(upload, path=gallery.tables[0]))
        return replace(raw, problems=[*problems, *raw.problems])
    if gallery.tables:
        names = ", ".join(table.name.split("-", 1)[1] for table in gallery.tables[:4])
        raise ReadError(f"The upload holds {len(gallery.tables)} tables ({names}). Upload the one to learn from.")
    unread = [kind for kind in gallery.others if kind in UNREAD]
    hint = f" It holds .{unread[0]} files, which cannot be read: save them as JPEG or PNG." if unread else ""
    raise ReadError(f"The upload holds no pictures and no table.{hint} Upload a ZIP with a folder for each class.")


def _findings(gallery: Gallery) -> list[Problem]:
    found = []
    if gallery.broken:
        listed = "; ".join(gallery.broken[:5]) + ("; …" if len(gallery.broken) > 5 else "")
        what = "1 picture was" if len(gallery.broken) == 1 else f"{len(gallery.broken):,} pictures were"
        found.append(Problem("warning", f"{what} left out: {listed}.", fix="Mend or remove these files."))
    unread = {kind: number for kind, number in gallery.others.items() if kind in UNREAD}
    for kind, number in unread.items():
        found.append(Problem("warning", f"{number:,} .{kind} files were left out.", fix="Save them as JPEG or PNG."))
    pictures = gallery.pictures
    for number, what in (
        (sum(p.turned for p in pictures), "are turned upright as their camera noted (EXIF)"),
        (sum(p.frames > 1 for p in pictures), "have several frames; the first one counts"),
        (sum(min(p.width, p.height) < TINY_PIXELS for p in pictures), f"are smaller than {TINY_PIXELS} pixels"),
        (
            sum(p.mode in ("I", "F", "I;16", "I;16B") for p in pictures),
            "have more than 8 bits a pixel and are scaled down",
        ),
    ):
        if number:
            found.append(Problem("note", f"{number:,} of {len(pictures):,} pictures {what}."))
    return found


def _write_files(gallery: Gallery, path: Path) -> None:
    pq.write_table(
        pa.table(
            {
                "path": gallery.paths,
                "stored": gallery.names,
                "width": [picture.width for picture in gallery.pictures],
                "height": [picture.height for picture in gallery.pictures],
                "format": [picture.format for picture in gallery.pictures],
                "mode": [picture.mode for picture in gallery.pictures],
            }
        ),
        path,
    )


# a folder for each class


def places(paths: Sequence[str]) -> tuple[list[str | None], list[str | None]]:
    """(class, part) of each path by its folders: common outer folders are dropped, top folders named train, valid and
    test say the part, the next folder the class. None where a path has no such folder.

    >>> places(["set/train/cat/1.png", "set/test/dog/2.png"])
    (['cat', 'dog'], ['train', 'test'])
    """
    parts = [path.split("/")[:-1] for path in paths]
    while parts and all(parts) and len({folders[0] for folders in parts}) == 1:
        parts = [folders[1:] for folders in parts]
    split: list[str | None] = [None] * len(paths)
    tops = {folders[0].lower() if folders else "" for folders in parts}
    if len(tops) > 1 and tops <= PART_OF.keys():
        split = [PART_OF[folders[0].lower()] for folders in parts]
        parts = [folders[1:] for folders in parts]
    return [folders[0] if folders else None for folders in parts], split


def _by_folder(upload: Upload, gallery: Gallery, problems: list[Problem]) -> Raw:
    labels, split = places(gallery.paths)
    columns: dict[str, list[str | None]] = {FILE: list(gallery.paths)}
    known = {FILE: Column(name=FILE, kind="image", storage="image", reason="the pictures of the upload")}
    classes = {label for label in labels if label is not None}
    if classes:
        columns[LABEL] = labels
        reason = f"the folder of each picture; {len(classes):,} folders"
        known[LABEL] = Column(name=LABEL, kind="category", storage="text", reason=reason)
        problems += _paired(gallery.paths, labels)
        loose = sum(label is None for label in labels)
        if loose:
            what = f"{loose:,} pictures lie outside the class folders and have no class."
            problems.append(Problem("warning", what, fix="Move them into the folder of their class.", column=LABEL))
    elif len(gallery.paths) > 1 and not upload.strict:
        what = "The pictures have no classes: they all lie in one folder, and no table names them."
        problems.append(
            Problem(
                "warning", what, fix="Sort them into a folder for each class, or add a CSV with their names and labels."
            )
        )
    if any(split):
        columns[SPLIT] = split
        reason = "the top folders are called " + ", ".join(sorted({part for part in split if part}))
        known[SPLIT] = Column(name=SPLIT, kind="category", storage="text", role="split", reason=reason)
    return _raw(upload, columns, known, problems, {"format": "images", "labels": "folders" if classes else "none"})


def _paired(paths: Sequence[str], labels: Sequence[str | None]) -> list[Problem]:
    """Two folders with the same names in them are pictures and their masks, not two classes."""
    names: dict[str, set[str]] = {}
    for path, label in zip(paths, labels, strict=True):
        names.setdefault(label or "", set()).add(PurePosixPath(path).stem)
    if len(names) != 2:
        return []
    (first, ours), (second, theirs) = names.items()
    if len(ours & theirs) < max(FEWEST_PAIRS, PAIRED_SHARE * max(len(ours), len(theirs))) or not MASKS & {
        first,
        second,
    }:
        return []
    what = f"The folders {first!r} and {second!r} hold files of the same names, like pictures with masks."
    return [Problem("warning", what, fix="Masks cannot be learned yet. Upload a folder for each class.", column=LABEL)]


# a table that names the pictures


@dataclass(frozen=True)
class Manifest:
    raw: Raw
    column: int
    matches: list[int | None]
    """For each row of the table the number of its picture."""


def _manifest(upload: Upload, tables: Sequence[Path], gallery: Gallery) -> Manifest | None:
    """The table, and its column, that names most of the pictures."""
    best: Manifest | None = None
    finders = _finders(gallery.paths)
    for number, table in enumerate(tables):
        folder = upload.folder / f"manifest-{number}"
        folder.mkdir()
        options = replace(upload, path=table, folder=folder, images=None)
        try:
            kind = detect(table)
            raw = READERS.load(kind)(options if upload.images else replace(options, header_row=None))
        except ReadError:
            if upload.images:
                raise
            continue  # a text file beside the pictures that is no table
        if len(raw.names) < 2:
            continue  # a list of names says nothing about them
        texts = pq.read_table(raw.table)
        for position in range(len(raw.names)):
            cells = texts[f"c{position}"].to_pylist()
            matches = [_find(cell, finders) for cell in cells]
            found = sum(match is not None for match in matches)
            if found >= NAMED_SHARE * max(1, sum(bool(cell) for cell in cells)) and (
                best is None or found > sum(match is not None for match in best.matches)
            ):
                best = Manifest(raw, position, matches)
    return best


def _finders(paths: Sequence[str]) -> list[dict[str, int | None]]:
    """Ways to find a picture by what a table calls it: its whole path, its last parts, its name without the ending. A
    name that several pictures share leads to none."""
    finders: list[dict[str, int | None]] = [{}, {}, {}]
    for number, path in enumerate(paths):
        pure = PurePosixPath(path)
        for finder, key in zip(finders, (path, pure.name, pure.stem), strict=True):
            key = key.casefold()
            finder[key] = None if key in finder else number
    return finders


def _find(cell: str | None, finders: list[dict[str, int | None]]) -> int | None:
    if not cell or not cell.strip(BLANKS):
        return None
    path = cell.strip(BLANKS).replace("\\", "/").removeprefix("./").casefold()
    for finder, key in zip(finders, (path, path.rsplit("/", 1)[-1], path.rsplit("/", 1)[-1]), strict=True):
        number = finder.get(key)
        if number is not None:
            return number
    return None


def _by_manifest(upload: Upload, manifest: Manifest, gallery: Gallery, problems: list[Problem]) -> Raw:
    raw = manifest.raw
    texts = pq.read_table(raw.table)
    keep = [row for row, match in enumerate(manifest.matches) if match is not None]
    problems = [*problems, *raw.problems]
    lost = len(manifest.matches) - len(keep)
    if lost:
        names = texts[f"c{manifest.column}"].to_pylist()
        example = next(names[row] for row, match in enumerate(manifest.matches) if match is None)
        what = f"{lost:,} rows of the table name no picture of the upload (such as {example!r}) and were left out."
        problems.append(Problem("warning", what, fix="Add the pictures, or mend the names."))
    unnamed = len(gallery.paths) - len({match for match in manifest.matches if match is not None})
    if unnamed:
        what = f"{unnamed:,} pictures are not named by the table and were left out."
        problems.append(Problem("warning", what, fix="Add a row for each of them."))
    others = [position for position in range(len(raw.names)) if position != manifest.column]
    names = column_names([FILE, *(raw.names[position] for position in others)])
    paths = [gallery.paths[manifest.matches[row]] for row in keep]  # type: ignore[index]
    columns: dict[str, list[str | None]] = {FILE: list(paths)}
    for name, position in zip(names[1:], others, strict=True):
        cells = texts[f"c{position}"].to_pylist()
        columns[name] = [cells[row] for row in keep]
    reason = f"the column {raw.names[manifest.column]!r} names the pictures of the upload"
    known = {FILE: Column(name=FILE, kind="image", storage="image", reason=reason)}
    return _raw(upload, columns, known, problems, {"format": "images", "labels": "table", "table": raw.dialect})


def _raw(
    upload: Upload,
    columns: dict[str, list[str | None]],
    known: dict[str, Column],
    problems: list[Problem],
    dialect: dict,
) -> Raw:
    table = upload.folder / "raw.parquet"
    with RawTable(table, len(columns)) as writer:
        writer.write(list(columns.values()))
    return Raw(
        table=table,
        names=list(columns),
        rows=len(columns[FILE]),
        dialect=dialect,
        problems=problems,
        known=known,
    )

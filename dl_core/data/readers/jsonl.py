"""JSON lines: an object a line. An array of objects is read as well, while it is small. Records inside become columns
called a.b; lists stay as JSON texts."""

import json
from collections.abc import Iterator
from typing import Any

from dl_core.data.readers.encoding import as_utf8
from dl_core.data.readers.raw import COLUMN_LIMIT, Raw, RawTable, Upload
from dl_core.data.values import column_names, number_text
from dl_core.errors import ReadError

ARRAY_LIMIT_BYTES = 256 << 20
BATCH = 4_096
DEPTH = 4


def read(upload: Upload) -> Raw:
    """See dl_core.data.readers. Raises ReadError naming the first line that is no JSON object."""
    text = as_utf8(upload.path, upload.folder)
    keys: dict[str, None] = {}
    total = 0
    for record in _records(text.path):
        keys.update(dict.fromkeys(record))
        total += 1
        if len(keys) > COLUMN_LIMIT:
            raise ReadError(f"The records have more than {COLUMN_LIMIT:,} different keys. Upload a table instead.")
    if not keys:
        raise ReadError("The file holds no values. JSON lines need an object with values in each line.")
    table = upload.folder / "raw.parquet"
    batch: list[list[str | None]] = []
    with RawTable(table, len(keys)) as writer:
        for record in _records(text.path):
            batch.append([record.get(key) for key in keys])
            if len(batch) == BATCH:
                writer.write_rows(batch)
                batch = []
                upload.progress("Reading the records", writer.rows / total)
        writer.write_rows(batch)
    dialect = {"format": "jsonl", "encoding": text.encoding}
    return Raw(table=table, names=column_names(list(keys)), rows=total, dialect=dialect, problems=list(text.problems))


def _records(path) -> Iterator[dict[str, str | None]]:
    with open(path, encoding="utf-8-sig", errors="replace") as stream:
        first = stream.read(1 << 12).lstrip()
        stream.seek(0)
        if first.startswith("["):
            yield from _array(path, stream)
            return
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _flat(_parsed(line, f"Line {number:,}"), f"Line {number:,}")


def _array(path, stream) -> Iterator[dict[str, str | None]]:
    if path.stat().st_size > ARRAY_LIMIT_BYTES:
        raise ReadError(
            f"A JSON array may be up to {ARRAY_LIMIT_BYTES >> 20} MB. Write one object a line (JSON lines) instead."
        )
    for number, record in enumerate(_parsed(stream.read(), "The file"), start=1):
        yield _flat(record, f"Record {number:,}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{where} is no JSON ({error}). JSON lines need one whole object in each line.") from error


def _flat(record: Any, where: str, prefix: str = "", depth: int = 0) -> dict[str, str | None]:
    if not isinstance(record, dict):
        raise ReadError(
            f'{where} is no JSON object: it holds {str(record)[:40]!r}. Write an object such as {{"a": 1}}.'
        )
    flat: dict[str, str | None] = {}
    for key, value in record.items():
        if isinstance(value, dict) and depth < DEPTH:
            flat |= _flat(value, where, f"{prefix}{key}.", depth + 1)
        else:
            flat[f"{prefix}{key}"] = _text(value)
    return flat


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

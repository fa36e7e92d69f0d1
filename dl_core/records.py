"""Small records on disk: whole files are written or none, logs grow by whole lines."""

import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

# NumPy parses the head of a file with `ast`, which before Python 3.11.8 may fail where two threads do so (gh-106905).
_PARSING = threading.Lock()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")


def to_json(record: Any, indent: int | None = None) -> str:
    return json.dumps(record, ensure_ascii=False, indent=indent, default=_plain)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or none: temporary file, flush to disk, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    with open(temporary, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def write_json(path: Path, record: Any) -> None:
    write_bytes(path, (to_json(record, indent=1) + "\n").encode())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a .npy file, whole or not at all."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_bytes(path, content.getvalue())


def read_array(path: Path, mmap: bool = False) -> np.ndarray:
    """The array in a .npy file, in memory or left on disk."""
    with _PARSING:
        return np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The named arrays in a .npz file; None where there is no such file."""
    if not path.exists():
        return None
    with _PARSING, np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}


def read_json(path: Path, default: Any = None) -> Any:
    """The record in `path`; `default` where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default


def append_line(path: Path, **record: Any) -> None:
    """Append one fact as one JSON line, stamped with the time (`t`, seconds since the epoch)."""
    line = (to_json({"t": round(time.time(), 3), **record}) + "\n").encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        # a torn line that a killed writer left behind must not swallow this one
        size = os.fstat(descriptor).st_size
        if size and _last_byte(path, size) != b"\n":
            line = b"\n" + line
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _last_byte(path: Path, size: int) -> bytes:
    with open(path, "rb") as stream:
        stream.seek(size - 1)
        return stream.read(1)


def read_lines(path: Path, offset: int = 0) -> tuple[list[dict], int]:
    """The whole lines behind byte `offset` and the offset behind the last of them. A torn line is left out."""
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            content = stream.read()
    except FileNotFoundError:
        return [], offset
    end = content.rfind(b"\n") + 1
    return list(_parsed(content[:end])), offset + end


def _parsed(content: bytes) -> Iterator[dict]:
    for line in content.splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # torn by a kill and closed by the next writer

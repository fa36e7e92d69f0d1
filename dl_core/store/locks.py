"""File locks: the kernel releases them when their holder dies, however it dies."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any


def try_lock(path: Path) -> int | None:
    """An open descriptor that holds the lock of `path`, or None while somebody else holds it. The lock lasts until
    every copy of the descriptor is closed, so a child that inherits it takes the lock over without a gap."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def wait_lock(path: Path, timeout: float, poll: float = 0.02) -> int | None:
    """Like `try_lock`, but asks again for `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while (descriptor := try_lock(path)) is None and time.monotonic() < deadline:
        time.sleep(poll)
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of `path` right now."""
    descriptor = try_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def sign(descriptor: int, **record: Any) -> None:
    """Write into a lock's file who holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(record).encode(), 0)


def signature(path: Path) -> dict[str, Any]:
    """What the last holder of a lock has signed with; empty where nobody has."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}

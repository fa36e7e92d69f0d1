"""The processes that work for a workspace, and their end when a test is over."""

import signal
import time
from contextlib import suppress
from pathlib import Path

from dl_core.jobs.launcher import lane_lock, supervisor_lock
from dl_core.jobs.processes import Process
from dl_core.jobs.rules import LANES
from dl_core.store.locks import is_locked, signature


def supervisor(workspace: Path) -> Process | None:
    """Who supervises the workspace; None where nobody does."""
    return _holder(supervisor_lock(workspace))


def end_all(workspace: Path, patience: float = 20.0) -> None:
    """Kill the supervisor of a workspace, then its workers, and wait until their locks are free. Raises AssertionError
    where somebody still holds one after `patience` seconds."""
    deadline = time.monotonic() + patience
    for path in (supervisor_lock(workspace), *(lane_lock(workspace, lane) for lane in LANES)):
        while path.exists() and is_locked(path):
            assert time.monotonic() < deadline, f"{path.name} is still held."
            if holder := _holder(path):  # a process that has just begun has not signed yet
                with suppress(ProcessLookupError):
                    holder.signal_group(signal.SIGKILL)
            time.sleep(0.02)


def _holder(path: Path) -> Process | None:
    found = signature(path)
    return Process(found["pid"], found["started"]) if found else None

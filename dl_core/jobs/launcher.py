"""Starting what works in the background: detached, in a session of its own, with a lock that passes to it."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import dl_core
from dl_core.store.locks import try_lock

# -P: what lies in the workspace is never imported; `detached` says where dl_core is
SUPERVISOR = (sys.executable, "-P", "-m", "dl_core.jobs.supervisor")
WORKER = (sys.executable, "-P", "-m", "dl_core.jobs.worker")
ROOT = str(Path(dl_core.__file__).parent.parent)
LOG_LIMIT_BYTES = 1 << 20

_started: list[subprocess.Popen] = []  # so that those which end while this process lives are reaped


def ensure_supervisor(workspace: Path, *, keep_warm: bool = True, command: tuple[str, ...] = SUPERVISOR) -> bool:
    """See to it that somebody works on the queue of `workspace`; whether a supervisor had to be started for it.

    Takes 0.05 ms where one is there, so pages and the CLI call it with every look at a run. `keep_warm` says that
    somebody is looking: workers with TensorFlow loaded stay ready for half an hour.
    """
    workspace = Path(workspace).absolute()
    (workspace / "jobs").mkdir(parents=True, exist_ok=True)
    _started[:] = [process for process in _started if process.poll() is None]
    if keep_warm:
        heartbeat(workspace).touch()
    lock = try_lock(supervisor_lock(workspace))
    if lock is None:
        return False
    try:
        with open_log(workspace, "supervisor") as log:
            _started.append(detached((*command, str(workspace), str(lock)), lock, log, workspace, dict(os.environ)))
    finally:
        os.close(lock)
    return True


def detached(
    command: tuple[str, ...], lock: int, log: IO[bytes], folder: Path, environment: dict[str, str]
) -> subprocess.Popen:
    """Start a process that outlives this one and holds `lock` from its first moment on."""
    known = environment.get("PYTHONPATH")
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=folder,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, (ROOT, known))), "PYTHONUNBUFFERED": "1"},
        pass_fds=(lock,),
        start_new_session=True,
    )


def open_log(workspace: Path, name: str) -> IO[bytes]:
    """jobs/<name>.log to append to; begun anew once it is long."""
    path = workspace / "jobs" / f"{name}.log"
    long = path.exists() and path.stat().st_size > LOG_LIMIT_BYTES
    return open(path, "wb" if long else "ab")


def heartbeat(workspace: Path) -> Path:
    """The file that is touched whenever somebody looks at a page."""
    return workspace / "jobs" / "dashboard"


def watched(workspace: Path, within: float) -> bool:
    """Whether somebody has looked at a page in the last `within` seconds."""
    try:
        return time.time() - heartbeat(workspace).stat().st_mtime < within
    except FileNotFoundError:
        return False


def supervisor_lock(workspace: Path) -> Path:
    return workspace / "jobs" / "supervisor.lock"


def lane_lock(workspace: Path, lane: str) -> Path:
    return workspace / "jobs" / f"{lane}.lock"

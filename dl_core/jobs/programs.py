"""Compiled programs that outlive the worker that compiled them: XLA's own cache on disk, in the workspace.

A program is compiled in seconds and read in tenths of one. TensorFlow writes each whole or not at all, so a killed
worker leaves no half of one; a machine that lost its power may, and another machine cannot run them: both have another
boot id, which names the folder.
"""

import hashlib
import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
LIMIT_BYTES = 200 << 20
FLAG = "--tf_xla_persistent_cache_directory="


def kept(workspace: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What a worker's environment needs for the cache, before it loads TensorFlow; nothing where the system has no boot
    id. Makes room where the cache has grown large."""
    if not BOOT.exists():
        return {}
    about = BOOT.read_text() + importlib.metadata.version("tensorflow")
    folder = workspace / "programs" / hashlib.sha256(about.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    _trim(folder)
    return {"TF_XLA_FLAGS": f'{environment.get("TF_XLA_FLAGS", "")} {FLAG}"{folder}"'.strip()}


def _trim(folder: Path) -> None:
    """Take the oldest programs away until the others fit into half of the limit, once all do not fit into it."""
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    if sum(path.stat().st_size for path in files) <= LIMIT_BYTES:
        return
    size = 0
    for path in files:
        size += path.stat().st_size
        if size > LIMIT_BYTES / 2:
            path.unlink(missing_ok=True)

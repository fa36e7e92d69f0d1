"""What was measured on: the machine, the versions, the commit, the day."""

import os
import platform
import subprocess
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

from dl_core.settings import CORES

ROOT = Path(__file__).parent.parent
BUSY = 0.2  # cores, above which figures are not to be trusted
WATCHED = 3.0  # seconds
STAT = Path("/proc/stat")


def facts(*packages: str) -> str:
    """One sentence; `packages` are named with their versions."""
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    commit = revision.stdout.strip() or "unknown"
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    python = platform.python_version()
    return f"{date.today():%Y-%m-%d}, commit {commit}, {CORES} cores ({processor()}); Python {python}, {versions}."


def load() -> str:
    """What else the machine is doing, as a sentence; a warning where that is too much."""
    if not STAT.exists():
        return "What else ran is not known."
    before = _idle()
    time.sleep(WATCHED)
    busy = max(0.0, (os.cpu_count() or 1) - (_idle() - before) / WATCHED)
    quiet = f"Cores that other work kept busy at the start: {busy:.2f}."
    return quiet if busy <= BUSY else f"**{quiet} These figures are too low.**"


def _idle() -> float:
    """Seconds that all cores together had nothing to do, or waited for a disk, since the machine was started."""
    idle, waiting = STAT.read_text().split()[4:6]
    return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())

"""What was measured on: the machine, the versions, the commit, the day."""

import os
import platform
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from dl_core.settings import CORES

ROOT = Path(__file__).parent.parent
BUSY = 0.5  # load average above which figures are not to be trusted


def facts(*packages: str) -> str:
    """One sentence; `packages` are named with their versions."""
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    commit = revision.stdout.strip() or "unknown"
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    python = platform.python_version()
    return f"{date.today():%Y-%m-%d}, commit {commit}, {CORES} cores ({processor()}); Python {python}, {versions}."


def load() -> str:
    """What else the machine was doing at the start, as a sentence; a warning where that was too much."""
    average = os.getloadavg()[0]
    quiet = f"Load average at the start: {average:.2f}."
    return quiet if average <= BUSY else f"**{quiet} Something else was running: these figures are too low.**"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())

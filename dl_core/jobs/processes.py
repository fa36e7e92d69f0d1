"""Who a process is: its number alone is given to somebody else once it has ended."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Process:
    """A process by its number and the moment it started (clock ticks since boot; 0 where there is no /proc)."""

    pid: int
    started: int

    @classmethod
    def current(cls) -> "Process":
        return cls.numbered(os.getpid())

    @classmethod
    def numbered(cls, pid: int) -> "Process":
        """The process that goes by this number right now."""
        return cls(pid, _stat(pid)[1])

    @property
    def alive(self) -> bool:
        """A process that has ended but was not reaped yet is not alive."""
        state, started = _stat(self.pid)
        return state not in ("", "Z", "X") and started == self.started

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process and what it has started; it may be gone itself. Nobody is signalled where its number has
        passed to another: the system does not give a number away while a group still goes by it."""
        state, started = _stat(self.pid)
        if self.pid <= 1 or (state and started != self.started):
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _stat(pid: int) -> tuple[str, int]:
    """State and start of a process; ("", 0) where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return "", 0
    else:
        return fields[0], int(fields[19])
    try:  # a system without /proc
        os.kill(pid, 0)
    except ProcessLookupError:
        return "", 0
    except PermissionError:
        pass
    return "?", 0


def memory_mib() -> float:
    """The memory this process holds right now; 0 where it cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MIB
    except FileNotFoundError:
        return 0.0

"""Where trials are worked on. A trial is a function of files, so a place for them is one file here."""

from collections.abc import Callable
from typing import Any, Protocol

Record = dict[str, Any]


class Executor(Protocol):
    """Works on trials, several at once where there is room. `cores` is what it may keep busy."""

    cores: int

    @property
    def running(self) -> int:
        """Trials that were started and not yet handed back."""

    def start(self, work: Callable[[], Record]) -> None:
        """Begin with a trial, which `work` does from its first file to its last."""

    def ended(self) -> Record:
        """The record of a trial that has ended; waits for one. Raises what its work raised."""

    def wait(self) -> None:
        """Wait until nothing runs any more, whatever came of it."""

"""What every step of a run holds in its hands: the run's folder, its clock, its log, and what a person asked for."""

import importlib.metadata
import platform
import time
from typing import Any

from dl_core.errors import Interrupted
from dl_core.records import append_line, read_json, write_json
from dl_core.settings import CORES
from dl_core.store import Run, Store

CONTROL_SECONDS = 0.4
CLOCK_SECONDS = 1.0
PACKAGES = ("tensorflow", "keras", "keras-tuner", "numpy", "pandas", "scikit-learn", "lightgbm", "statsmodels")


class RunContext:
    """One attempt at a run. Time is counted while an attempt works; `clock.json` carries it across attempts."""

    def __init__(self, store: Store, run: Run, attempt: int):
        self.store, self.run, self.attempt = store, run, attempt
        self.folder = run.folder
        self.spec = run.spec
        self._before = run.spent
        self._began = time.monotonic()
        self._ticked = self._polled = 0.0
        self._control = store.control(run.id)
        self._decided = {record["key"] for record in run.decisions()}

    # the log; whatever is told also keeps the clock, so that a kill loses no more than what came after

    def emit(self, event: str, **fact: Any) -> None:
        self.tick()
        append_line(self.folder / "events.jsonl", event=event, **fact)

    def phase(self, name: str, text: str) -> None:
        self.emit("phase", phase=name, text=text)

    def decide(self, key: str, what: str, why: str, alternatives: list[str] | tuple[str, ...] = ()) -> None:
        """Log an automatic choice once, however often the run resumes."""
        self.tick()
        if key not in self._decided:
            self._decided.add(key)
            append_line(self.folder / "decisions.jsonl", key=key, what=what, why=why, alternatives=list(alternatives))

    def write_environment(self) -> None:
        versions = {name: importlib.metadata.version(name) for name in PACKAGES}
        write_json(
            self.folder / "environment.json",
            {"python": platform.python_version(), "platform": platform.platform(), "cores": CORES, **versions},
        )

    # the clock and the person

    def spent(self) -> float:
        return self._before + time.monotonic() - self._began

    def budget(self) -> float:
        """Seconds altogether; grows when a person adds time."""
        return self._control.seconds

    def remaining(self) -> float:
        return self.budget() - self.spent()

    def tick(self, force: bool = False) -> None:
        if force or time.monotonic() - self._ticked > CLOCK_SECONDS:
            self._ticked = time.monotonic()
            write_json(self.folder / "clock.json", {"spent": round(self.spent(), 2)})

    def stopping(self) -> bool:
        """Whether a person asked to stop and keep the best. Raises Interrupted where they asked to cancel."""
        self.tick()
        if time.monotonic() - self._polled > CONTROL_SECONDS:
            self._polled = time.monotonic()
            self._control = self.store.control(self.run.id)
        if self._control.cancel:
            raise Interrupted("cancel")
        return self._control.stop

    # what earlier attempts left

    def record(self, *path: str) -> Any:
        return read_json(self.folder.joinpath(*path))

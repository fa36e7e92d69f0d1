"""A workspace with a finished run of each modality, trained once for all the tests that need one.

The runs are real: queued in the store, trained by the supervisor's worker, on the files of tests/examples.py.
"""

import time
from pathlib import Path

from dl_core.data.importing import import_file
from dl_core.jobs import ensure_supervisor
from dl_core.store import Run, Store
from dl_core.workflow.plan import Wishes, plan
from tests import examples

WISHES = {
    "table": {"targets": ["income"]},
    "image": {},
    "series": {"targets": ["sales"], "horizon": 7},
}


class Finished:
    """The workspace of the session. Tests that change something copy it first, or work on datasets of their own."""

    def __init__(self, folder: Path, seconds: float = 15.0, trials: int = 3):
        self.folder = folder
        self.seconds, self.trials = seconds, trials
        self.store = Store(folder / "workspace")
        self._runs: dict[str, str] = {}

    def run(self, modality: str) -> Run:
        """The finished run of a modality (table, image, series); the first call trains it."""
        if modality not in self._runs:
            self._runs[modality] = self._train(modality).id
        return self.store.run(self._runs[modality])

    def _train(self, modality: str) -> Run:
        file = examples.write(modality, self.folder)
        dataset = self.store.add_dataset(import_file(file, self.store.incoming(), name=file.stem))
        spec, decisions = plan(dataset, Wishes(seconds=self.seconds, trials=self.trials, **WISHES[modality]))
        run = until_ended(self.store, self.store.create_run(spec, decisions=decisions))
        assert run.status == "done", f"{run.row['error']}\n{run.log_tail()}"
        return run


def until_ended(store: Store, run: Run, patience: float = 180.0) -> Run:
    """The run as it ended; somebody works on it meanwhile. Raises AssertionError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (run := store.run(run.id)).ended:
        assert time.monotonic() < deadline, f"The run did not end in time.\n{run.log_tail()}"
        ensure_supervisor(store.workspace, keep_warm=False)
        time.sleep(0.1)
    return run

"""The product's own trials, in this process: a run whose data is prepared, and a search that is told what to try."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from bench import made
from dl_core import tuning
from dl_core.store import Store
from dl_core.training import trainer
from dl_core.tuning.oracles import ORACLES, History, Proposal
from dl_core.tuning.search import Search
from dl_core.tuning.trial import Bench, Order
from dl_core.workflow.context import RunContext
from dl_core.workflow.deliver import bench_of
from dl_core.workflow.train import prepare

PLENTY = 1e6  # seconds: the epochs end a trial, never the clock


@dataclass(frozen=True)
class Workbench:
    """A run in the middle of its work, which no worker knows of."""

    context: RunContext
    bench: Bench

    @classmethod
    def of(cls, name: str, folder: Path, epochs: int | None = None) -> "Workbench":
        """The data set called `name` in a fresh workspace under `folder`, trained for at most `epochs` a trial."""
        folder.mkdir(parents=True)
        store = Store(folder / "workspace")
        dataset = made.imported(name, store)
        spec = made.spec_of(name, dataset, seconds=PLENTY, epochs=epochs)
        context = RunContext(store, store.create_run(spec), 1)
        prepare(context)
        return cls(context, bench_of(context.run))

    def again(self) -> "Workbench":
        """The same run with nothing compiled and nothing in memory."""
        return Workbench(self.context, bench_of(self.context.run))

    def order(self, family: str, params: dict[str, Any]) -> Order:
        return Order(trial="t001", family=family, params=params, source="oracle", seconds=PLENTY)

    def search(self, family: str, proposals: list[dict[str, Any]], folder: Path) -> tuple[list[dict], float]:
        """The records of trials of `proposals`, worked on as a run does but each to its last epoch, and the seconds it
        took."""
        waiting = iter(proposals)

        def propose(history: History) -> Proposal | None:
            params = next(waiting, None)
            return None if params is None else Proposal(params=params)

        search = Search(
            folder,
            self.context.spec,
            self.bench,
            [family],
            remaining=lambda: PLENTY,
            stopping=self.context.stopping,
            emit=self.context.emit,
        )
        began = time.perf_counter()
        with (
            mock.patch.object(ORACLES, "load", lambda name: propose),
            mock.patch.object(tuning.search, "poor", lambda *_: False),
            mock.patch.object(trainer._Session, "_stalled", lambda session: False),
        ):
            search.run_oracle()
        return search.trials(), time.perf_counter() - began

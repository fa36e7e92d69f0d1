"""Trials in threads of this process: they share the data in memory and the compiled programs, and a compiled segment
runs without Python's lock, so that two of them keep two cores busy."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from dl_core.settings import CORES
from dl_core.tuning.executors import Record


class Threads:
    """See dl_core.tuning.executors.Executor."""

    def __init__(self, cores: int = CORES):
        self.cores = cores
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="trial")
        self._futures: list[Future[Record]] = []

    @property
    def running(self) -> int:
        return len(self._futures)

    def start(self, work: Callable[[], Record]) -> None:
        self._futures.append(self._pool.submit(work))

    def ended(self) -> Record:
        done = next(iter(wait(self._futures, return_when=FIRST_COMPLETED).done))
        self._futures.remove(done)
        return done.result()

    def wait(self) -> None:
        wait(self._futures)
        self._futures.clear()

"""The worker: a process with TensorFlow loaded that does the jobs of one lane, one after the other.

Started by the supervisor as `python -m dl_core.jobs.worker WORKSPACE LANE LOCK`; LOCK is the descriptor of the lane's
lock, held since before this process began, so that a lane never has two workers.
"""

import faulthandler
import gc
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dl_core.errors import DeepboardError, Interrupted
from dl_core.jobs import JOBS, queue
from dl_core.jobs.launcher import lane_lock, supervisor_lock, watched
from dl_core.jobs.processes import Process, memory_mib
from dl_core.jobs.rules import LANES, PATIENCE, Lane, Patience
from dl_core.registry import Registry
from dl_core.store import Store
from dl_core.store.locks import sign, signature, wait_lock


def warm(lane: Lane) -> None:
    """Load what the handlers of a lane need, TensorFlow above all, before there is a job to do."""
    import keras
    import tensorflow as tf

    one = tf.eye(1)
    tf.function(tf.matmul, jit_compile=True, autograph=False)(one, one)  # sets up devices, threads and the compiler
    keras.utils.set_random_seed(0)
    for kind in lane.kinds:
        with suppress(ImportError):  # fails the job that needs it, with the traceback in that job's log
            JOBS.load(kind)


class Worker:
    """Does the jobs of `lane` until it is time to give way to a fresh process."""

    def __init__(self, store: Store, lane: Lane, registry: Registry = JOBS, patience: Patience = PATIENCE):
        self.store = store
        self.lane = lane
        self.registry = registry
        self.patience = patience
        self.me = Process.current()

    def work(self) -> None:
        done, idle_since = 0, time.monotonic()
        while done < self.lane.jobs and (not done or memory_mib() < self.lane.memory_mib):
            job = queue.claim(self.store, self.lane.name, self.me)
            if job is not None:
                self.do(job)
                done, idle_since = done + 1, time.monotonic()
            elif self._superfluous(time.monotonic() - idle_since):
                return
            else:
                time.sleep(self.patience.poll)

    def do(self, job: dict[str, Any]) -> None:
        """One job, from claim to end, whatever happens in it. Here stands the one broad handler of this process."""
        with _printing_to(queue.log_path(self.store, job)):
            _log(f"{job['kind']} job {job['id']}, attempt {job['attempts']}, process {self.me.pid}")
            try:
                with self._alone(job) as alone:
                    if not alone:
                        _log("another process still holds this run; waiting again")
                        queue.give_back(self.store, job, job["deaths"])
                        return
                    result = self.registry.load(job["kind"])(self.store, job["payload"], job)
            except Interrupted as interrupted:
                status = "cancelled" if interrupted.kind == "cancel" else "stopped"
                queue.end(self.store, job, "done", result={"status": status})
            except DeepboardError as error:
                _log(f"failed: {error}")
                queue.end(self.store, job, "failed", error=str(error))
            except Exception:
                traceback.print_exc()
                queue.end(self.store, job, "failed", error=self._our_fault(job))
            else:
                queue.end(self.store, job, "done", result=result)
        gc.collect()

    @contextmanager
    def _alone(self, job: dict[str, Any]) -> Iterator[bool]:
        """Hold the lock of the run that a job trains; False where somebody else keeps it."""
        if job["kind"] != "train":
            yield True
            return
        lock = wait_lock(queue.run_lock(self.store, job["run"]), self.patience.lock)
        if lock is None:
            yield False
            return
        try:
            yield True
        finally:
            os.close(lock)

    def _our_fault(self, job: dict[str, Any]) -> str:
        what = f"run {job['run']}" if job["run"] else f"job {job['id']}"
        log = queue.log_path(self.store, job).relative_to(self.store.workspace)
        return (
            f"Something went wrong inside Deepboard ({what}). That is our mistake, not yours. "
            f"The details are in {log}; please report it with those lines."
        )

    def _superfluous(self, idle: float) -> bool:
        """Whether nobody will miss an idle worker: nobody is looking, or its supervisor is gone, or its workspace."""
        if idle < min(self.patience.idle, self.patience.orphan):
            return False
        workspace = self.store.workspace
        if not lane_lock(workspace, self.lane.name).exists():
            return True
        if idle > self.patience.idle and not watched(workspace, self.patience.dashboard):
            return True
        boss = signature(supervisor_lock(workspace))
        return idle > self.patience.orphan and not (boss and Process(boss["pid"], boss["started"]).alive)


@contextmanager
def _printing_to(path: Path) -> Iterator[None]:
    """Everything this process and its libraries print goes to the end of a file, C++ included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    before = os.dup(1), os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, original in enumerate(before, start=1):
            os.dup2(original, number)
        for descriptor in (*before, target):
            os.close(descriptor)


def _log(text: str) -> None:
    sys.stderr.write(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {text}\n")


def main(
    arguments: list[str],
    *,
    registry: Registry = JOBS,
    patience: Patience = PATIENCE,
    warm: Callable[[Lane], None] = warm,
) -> None:
    """Be the worker of a lane, and end without waiting for what a job may have left behind."""
    workspace, lane, lock = Path(arguments[0]), LANES[arguments[1]], int(arguments[2])
    me = Process.current()
    sign(lock, pid=me.pid, started=me.started, ready=False)
    os.set_inheritable(lock, False)
    os.nice(lane.niceness)
    faulthandler.enable()
    warm(lane)
    sign(lock, pid=me.pid, started=me.started, ready=True)
    Worker(Store(workspace), lane, registry, patience).work()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])

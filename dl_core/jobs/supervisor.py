"""The supervisor: keeps a worker per lane, brings back what a crash has interrupted, ends what does not end itself.

`python -m dl_core.jobs.supervisor WORKSPACE`. One per workspace, by a lock; it may be killed at any moment, since all
it knows is on disk: the next one finds the workers at their locks.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

from dl_core.jobs import programs, queue
from dl_core.jobs.launcher import WORKER, detached, lane_lock, open_log, supervisor_lock, watched
from dl_core.jobs.processes import Process
from dl_core.jobs.rules import LANES, PATIENCE, Lane, Patience
from dl_core.settings import cap_threads
from dl_core.store import Store
from dl_core.store.locks import sign, signature, try_lock
from dl_core.store.run import tail

SWEEP_SECONDS = 3600.0
TROUBLE_SECONDS = 2.0
UNREADY_LIMIT = 5


class Supervisor:
    """`command` starts a worker; workspace, lane and the descriptor of the lane's lock are appended to it."""

    def __init__(self, store: Store, command: tuple[str, ...] = WORKER, patience: Patience = PATIENCE):
        self.store = store
        self.command = command
        self.patience = patience
        self._children: dict[str, subprocess.Popen] = {}
        self._causes: dict[int, str] = {}  # number of a child that has ended -> how
        self._unready = dict.fromkeys(LANES, 0)  # workers in a row that ended before they were ready
        self._not_before = dict.fromkeys(LANES, 0.0)

    def run(self) -> None:
        """Supervise until there has been nothing to do, and nobody looking, for a while."""
        busy = time.monotonic()
        swept = -SWEEP_SECONDS
        while supervisor_lock(self.store.workspace).exists() and time.monotonic() - busy < self.patience.idle:
            try:
                if self.tick():
                    busy = time.monotonic()
                if time.monotonic() - swept > SWEEP_SECONDS:
                    self.store.sweep()
                    swept = time.monotonic()
            except (OSError, sqlite3.OperationalError):  # a full disk, a long lock: the queue is worth another try
                traceback.print_exc()
                time.sleep(TROUBLE_SECONDS)
            time.sleep(self.patience.poll)

    def tick(self) -> bool:
        """Look at everything once; whether anybody needs this supervisor."""
        self._reap()
        queue.recover(self.store, self.patience.deaths, self._cause)
        running = queue.running(self.store)
        for job in running:
            self._enforce(job)
        waiting = queue.waiting(self.store)
        looking = watched(self.store.workspace, self.patience.dashboard)
        training = "train" in waiting or any(job["lane"] == "train" for job in running)
        for lane in LANES.values():
            if lane.name in waiting or (looking and self._may_prepare(lane, training)):
                self._staff(lane)
        return bool(waiting or running or looking)

    def _may_prepare(self, lane: Lane, training: bool) -> bool:
        """Whether a worker may get ready before there is a job for it. Loading TensorFlow takes a core for seconds: not
        beside a training, and one worker after the other."""
        if lane.name == "train":
            return True
        return not training and signature(lane_lock(self.store.workspace, "train")).get("ready", False)

    def _staff(self, lane: Lane) -> None:
        """Start a worker in a lane that has none."""
        if lane.name in self._children or time.monotonic() < self._not_before[lane.name]:
            return
        path = lane_lock(self.store.workspace, lane.name)
        lock = try_lock(path)
        if lock is None:
            holder = signature(path)
            if holder and not (worker := Process(holder["pid"], holder["started"])).alive:
                worker.signal_group(signal.SIGKILL)  # it left children behind, which keep its lock
            return
        try:
            os.ftruncate(lock, 0)
            environment = {**cap_threads(dict(os.environ), lane.threads), **lane.environment}
            if lane.keeps_programs:
                environment |= programs.kept(self.store.workspace, environment)
            command = (*self.command, str(self.store.workspace), lane.name, str(lock))
            with open_log(self.store.workspace, lane.name) as log:
                self._children[lane.name] = detached(command, lock, log, self.store.workspace, environment)
        finally:
            os.close(lock)

    def _reap(self) -> None:
        for name, child in list(self._children.items()):
            if child.poll() is None:
                continue
            del self._children[name]
            self._causes[child.pid] = _cause(child.returncode)
            holder = signature(lane_lock(self.store.workspace, name))
            if holder.get("pid") == child.pid and holder["ready"]:
                self._unready[name] = 0
            else:
                self._unready[name] += 1
                self._not_before[name] = time.monotonic() + min(self.patience.backoff, 2.0 ** self._unready[name])
            if self._unready[name] >= UNREADY_LIMIT:
                queue.fail_waiting(self.store, name, self._no_worker(name, child))

    def _enforce(self, job: dict) -> None:
        """End a run that was asked to cancel and does not, and a job that takes longer than its lane allows."""
        worker = Process(job["pid"], job["pid_started"])
        waited = time.time() - job["cancel"] if job["cancel"] else 0.0
        if waited > self.patience.kill:
            worker.signal_group(signal.SIGKILL)
        elif waited > self.patience.terminate:
            worker.signal_group(signal.SIGTERM)
        limit = LANES[job["lane"]].seconds
        if time.time() - job["claimed"] > limit:
            error = f"This took longer than {limit / 60:.0f} minutes and was ended. Ask for less at once."
            queue.end(self.store, job, "failed", error=error)
            worker.signal_group(signal.SIGKILL)

    def _cause(self, worker: Process) -> str:
        return self._causes.get(worker.pid, "died")

    def _no_worker(self, lane: str, child: subprocess.Popen) -> str:
        lines = tail(self.store.workspace / "jobs" / f"{lane}.log", 5)
        return (
            f"No worker could be started for this job: the last of {self._unready[lane]} {_cause(child.returncode)} "
            "while it loaded TensorFlow. Check the installation, then start the job again. The log "
            f"jobs/{lane}.log ends with:\n{lines}"
        )


def _cause(code: int) -> str:
    """How a process ended, in words that follow "the worker"."""
    if code == -signal.SIGKILL:
        return "was killed (by the system when memory runs out, or by hand)"
    if code < 0:
        return f"crashed ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


def main(arguments: list[str], *, command: tuple[str, ...] = WORKER, patience: Patience = PATIENCE) -> None:
    """Supervise a workspace, unless somebody already does. The lock is taken over from the starter, if there is one."""
    workspace = Path(arguments[0]).absolute()
    lock = int(arguments[1]) if len(arguments) > 1 else try_lock(supervisor_lock(workspace))
    if lock is None:
        sys.exit(f"{workspace} already has a supervisor.")
    os.set_inheritable(lock, False)
    me = Process.current()
    sign(lock, pid=me.pid, started=me.started)
    Supervisor(Store(workspace), command, patience).run()


if __name__ == "__main__":
    main(sys.argv[1:])

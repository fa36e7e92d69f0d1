"""Seconds from a launch to the first network on the board, where a run's seconds go, and whether budgets are kept."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import made
from dl_core.data.dataset import Dataset
from dl_core.jobs import ensure_supervisor
from dl_core.jobs.launcher import lane_lock
from dl_core.jobs.processes import Process
from dl_core.jobs.rules import LANES
from dl_core.runspec import RunSpec
from dl_core.settings import cap_threads
from dl_core.store import Run, Store
from dl_core.store.locks import signature
from tests import background

ROOT = Path(__file__).parent.parent
POLL = 0.02
PATIENCE = 120.0  # seconds beyond what is expected


@contextmanager
def workplace() -> Iterator[Store]:
    """A fresh workspace; whoever works for it in the end is ended."""
    with TemporaryDirectory(prefix="deepboard-bench-") as folder:
        store = Store(Path(folder) / "workspace")
        try:
            yield store
        finally:
            background.end_all(store.workspace)


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"Waited {seconds:.0f} s in vain: {what}."
        time.sleep(POLL)


# the first network


def first_networks(times: int, budget: float = 60.0) -> dict[str, list[float]]:
    """Seconds from create_run to the first network on the board, `times` each: "cold" with no process at work, "warm"
    with idle workers that are ready."""
    with workplace() as store:
        dataset = made.imported("classes", store)
        spec = made.spec_of("classes", dataset, seconds=budget)
        cold = []
        for _ in range(times):
            background.end_all(store.workspace)
            cold.append(first_network(store, spec))
        warm = []
        for _ in range(times):
            ensure_supervisor(store.workspace)
            until(lambda: ready(store.workspace), PATIENCE, "workers that are ready")
            warm.append(first_network(store, spec))
        return {"cold": cold, "warm": warm}


def first_network(store: Store, spec: RunSpec) -> float:
    """Launch as a page does, wait for the first network, cancel."""
    began = time.time()
    run = store.create_run(spec)
    ensure_supervisor(store.workspace)
    until(lambda: bool(_networks(run)) or store.run(run.id).ended, spec.budget.seconds + PATIENCE, "a network")
    found = _networks(run)
    assert found, store.run(run.id).log_tail()
    worker = signature(lane_lock(store.workspace, "train"))
    store.request_cancel(run.id)
    until(lambda: store.run(run.id).ended, PATIENCE, "the end of a cancelled run")
    until(lambda: not Process(worker["pid"], worker["started"]).alive, PATIENCE, "the end of its worker")
    return found[0] - began


def _networks(run: Run) -> list[float]:
    """When networks came onto the board."""
    return [
        event["t"]
        for event in run.events()[0]
        if (event["event"] == "trial_end" and event["score"] is not None)
        or (event["event"] == "model" and event["kind"] == "network")
    ]


def ready(workspace: Path) -> bool:
    """Whether each lane has a worker that lives and waits for a job."""
    holders = [signature(lane_lock(workspace, lane)) for lane in LANES]
    return all(h.get("ready") and Process(h["pid"], h["started"]).alive for h in holders)


def stock_networks(times: int) -> dict[str, list[float]]:
    """The same for a script with Keras Tuner: "cold" in a fresh process, "warm" in one that has done it before."""
    cold, warm = [], []
    with TemporaryDirectory() as folder:
        table = made.write_classes(Path(folder))
        command = (sys.executable, "-W", "ignore", "-m", "bench.stock", str(table))
        for number in range(times):
            last = number == times - 1
            began = time.perf_counter()
            repeats = str(1 + times if last else 1)
            with subprocess.Popen(
                (*command, repeats), cwd=ROOT, env=cap_threads(dict(os.environ)), stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline(), "The script with Keras Tuner failed."
                cold.append(time.perf_counter() - began)
                warm += [float(line) for line in process.stdout]
    return {"cold": cold, "warm": warm}


# budgets and phases


def allowed(seconds: float) -> float:
    """What a run with a budget of `seconds` may take: short ones have little to save on."""
    return 1.1 * seconds + 15 if seconds <= 20 else 1.05 * seconds + 10


def kept(seconds: Sequence[float]) -> Iterator[tuple[str, float, dict[str, float]]]:
    """Data set, budget, and the seconds of a run by phase, for every kind of data."""
    for name, budget in itertools.product(("classes", "series", "pictures"), seconds):
        with workplace() as store:
            run = _ended(store, made.imported(name, store), name, budget)
            yield name, budget, phases(run)


def _ended(store: Store, dataset: Dataset, name: str, budget: float) -> Run:
    run = store.create_run(made.spec_of(name, dataset, seconds=budget))
    ensure_supervisor(store.workspace, keep_warm=False)
    until(lambda: store.run(run.id).ended, 2 * budget + PATIENCE, "the end of a run")
    run = store.run(run.id)
    assert run.status == "done", f"{run.row['error']}\n{run.log_tail()}"
    return run


def phases(run: Run) -> dict[str, float]:
    """Seconds from the start of the work to the end, by phase; what comes before the first is "start"."""
    seconds: dict[str, float] = {}
    name, since = "start", None
    for event in run.events()[0]:
        if event["event"] in ("attempt", "phase", "end"):
            if since is not None:
                seconds[name] = seconds.get(name, 0.0) + event["t"] - since
            name, since = event.get("phase", name), event["t"]
    return seconds

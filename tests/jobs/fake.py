"""A supervisor and workers like the real ones, but impatient, and with handlers that need no TensorFlow.

`python fake.py supervise WORKSPACE [LOCK]`, `python fake.py work WORKSPACE LANE LOCK`, and `python fake.py cli …`, the
command line in front of them. What a train job does is named by the first family of its spec.
"""

import functools
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from dl_core import cli
from dl_core.errors import DataError, Interrupted
from dl_core.jobs import ensure_supervisor, supervisor, worker
from dl_core.jobs.rules import Patience
from dl_core.records import append_line, write_json
from dl_core.registry import Registry

PYTHON = (sys.executable, str(Path(__file__).absolute()))
SUPERVISE, WORK = (*PYTHON, "supervise"), (*PYTHON, "work")
BROKEN = (*PYTHON, "broken")
JOBS = Registry("job", {"train": "__main__:train", "add": "__main__:add", "die": "__main__:die"})
IMPATIENT = Patience(
    poll=0.02, terminate=0.3, kill=0.8, idle=3.0, orphan=1.0, dashboard=5.0, lock=1.0, backoff=0.05, deaths=3
)
TRIALS = 4


def train(store, payload, job):
    run = store.run(payload["run"])
    append_line(run.folder / "events.jsonl", event="attempt", attempt=job["attempts"], pid=os.getpid())
    return globals()[next(iter(run.spec.families), "mlp")](store, run, job)


def add(store, payload, job):
    return {"sum": sum(payload["numbers"]), "pid": os.getpid()}


def die(store, payload, job):
    os.kill(os.getpid(), signal.SIGKILL)


def steps(store, run, job, before_trial=lambda number: None):
    """Four trials; each begins, waits for its file `go-<n>`, and counts once it has ended. Goes on where it was."""
    for number in range(1, TRIALS + 1):
        folder = run.folder / "trials" / f"t{number:03}"
        if (folder / "trial.json").exists():
            continue
        append_line(run.folder / "events.jsonl", event="trial_start", trial=folder.name, family="mlp", pid=os.getpid())
        before_trial(number)
        while not (run.folder / f"go-{number}").exists():
            control = store.control(run.id)
            if control.cancel:
                raise Interrupted("cancel")
            if control.stop:
                return finished(run, "stopped")
            time.sleep(0.01)
        write_json(folder / "trial.json", {"trial": folder.name, "status": "done"})
        fact = {"trial": folder.name, "family": "mlp", "score": 0.4, "error": None}
        append_line(run.folder / "events.jsonl", event="trial_end", **fact, pid=os.getpid())
    return finished(run, "done")


def mlp(store, run, job):
    """What the command line sees of a run that ends well."""
    facts = (
        {"event": "phase", "phase": "search", "text": "Trying what the tuner proposes"},
        {"event": "model", "model": "linear", "name": "Linear", "family": "linear", "kind": "baseline", "valid": 0.4},
        {"event": "trial_start", "trial": "t001", "family": "mlp", "source": "portfolio"},
        {"event": "epoch", "trial": "t001", "epoch": 1, "epochs": 2, "score": 0.5},
        {"event": "trial_end", "trial": "t001", "family": "mlp", "status": "done", "score": 0.5, "error": None},
    )
    for fact in facts:
        append_line(run.folder / "events.jsonl", **fact)
    return finished(run, "done")


realmlp = steps


def finished(run, status):
    """The files of a delivered run with one network."""
    row = {"model": "t001", "name": "MLP", "family": "mlp", "kind": "network", "valid": 0.4, "test": 0.5}
    row |= {"interval": [0.45, 0.55], "seconds": 1.0, "latency_ms": 0.2, "bytes": 1000, "tier": 1}
    board = {
        "metric": run.spec.task.metric,
        "rows": [row],
        "winner": "t001",
        "best_network": "t001",
        "sentence": "Fine.",
    }
    bundle = run.folder / "models" / "t001" / "bundle"
    write_json(bundle / "bundle.json", {"model": "t001"})
    download = run.folder / "exports" / "t001.zip"
    download.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(download, "w") as archive:
        archive.write(bundle / "bundle.json", "bundle.json")
    write_json(run.folder / "leaderboard.json", board)
    record = {"run": run.id, "task": run.spec.task.kind, "leaderboard": [row], "bundle": str(bundle)}
    record["download"] = str(download)
    write_json(run.folder / "result.json", {**board, **record, "learned": float("nan")})
    return {"status": status}


def poison(store, run, job):
    sys.stderr.write("about to burst\n")
    os.kill(os.getpid(), signal.SIGKILL)


def bumpy(store, run, job):
    """Dies after every trial, but each attempt gets one further."""

    def before_trial(number):
        if number > job["attempts"]:
            os.kill(os.getpid(), signal.SIGKILL)

    return steps(store, run, job, before_trial)


def slow(store, run, job):
    """Gets one epoch further with every attempt."""
    for epoch in range(1, job["attempts"] + 1):
        append_line(run.folder / "events.jsonl", event="epoch", trial="t001", epoch=epoch)
    if job["attempts"] < 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return finished(run, "done")


def mistaken(store, run, job):
    raise ValueError("shapes (3,) and (4,) do not match")


def refused(store, run, job):
    raise DataError("Column 'price' is empty. Choose another target.")


def deaf(store, run, job):
    """Ignores every request and SIGTERM, and has a child that does the same."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    append_line(run.folder / "events.jsonl", event="child", pid=child.pid)
    while True:
        time.sleep(1)


def main(role, *arguments):
    if role == "supervise":
        supervisor.main(list(arguments), command=WORK, patience=IMPATIENT)
    elif role == "supervise-broken":
        supervisor.main(list(arguments), command=BROKEN, patience=IMPATIENT)
    elif role == "work":
        worker.main(list(arguments), registry=JOBS, patience=IMPATIENT, warm=lambda lane: None)
    elif role == "cli":
        cli.ensure_supervisor = functools.partial(ensure_supervisor, command=SUPERVISE)
        cli.app(list(arguments))
    elif role == "broken":
        sys.exit("libtensorflow.so: cannot open shared object file")


if __name__ == "__main__":
    main(*sys.argv[1:])

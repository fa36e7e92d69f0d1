"""The queue: how a job is taken, ended, and brought back after the death of its worker."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dl_core.jobs.processes import Process
from dl_core.records import append_line, read_json, write_json
from dl_core.store import Run, Store
from dl_core.store.locks import is_locked
from dl_core.store.run import tail

PROGRESS = ("phase", "model", "epoch", "trial_end")  # events that, told for the first time, say that a run gets further


def claim(store: Store, lane: str, worker: Process) -> dict[str, Any] | None:
    """Take the oldest waiting job of a lane for `worker`, in one step: nobody else can take it as well, and whoever
    looks at a running job finds who works on it. None where nothing waits."""
    waiting = "select * from jobs where status = 'queued' and lane = ? order by place limit 1"
    if store.catalogue.first(waiting, lane) is None:  # most looks end here, without the lock that writing takes
        return None
    now = time.time()
    with store.catalogue.transaction() as connection:
        row = connection.execute(waiting, (lane,)).fetchone()
        if row is None:
            return None
        connection.execute(
            "update jobs set status = 'running', claimed = ?, attempts = attempts + 1, pid = ?, pid_started = ?"
            " where id = ?",
            (now, worker.pid, worker.started, row["id"]),
        )
        if row["kind"] == "train":
            connection.execute(
                "update runs set status = 'running', started = coalesce(started, ?) where id = ?", (now, row["run"])
            )
    return store.job(row["id"])


def end(
    store: Store,
    job: dict[str, Any],
    status: str,
    *,
    error: str | None = None,
    result: dict[str, Any] | None = None,
) -> bool:
    """Close a claimed job: 'done' with its result, 'failed' with a sentence, or 'cancelled'. The result of a train job
    names the status of its run. False where the job has been taken away from the worker that `job` names."""
    if result is not None:
        write_json(result_path(store, job), result)  # before the row: a death in between loses nothing
    run = store.run(job["run"]) if job["kind"] == "train" else None
    winner, score = _winner(run) if run else (None, None)
    outcome = result["status"] if run and result else status
    before = job["payload"].get("before")
    if outcome == "cancelled" and before:
        outcome = before["status"]  # only the continuation was thrown away
    now = time.time()
    with store.catalogue.transaction() as connection:
        cursor = connection.execute(
            "update jobs set status = ?, error = ?, ended = ? where id = ? and status = 'running' and pid = ?"
            " and pid_started = ?",
            (status, error, now, job["id"], job["pid"], job["pid_started"]),
        )
        if cursor.rowcount == 0:
            return False
        if run:
            connection.execute(
                "update runs set status = ?, error = ?, ended = ?, winner = ?, score = ? where id = ?",
                (outcome, error, now, winner, score, run.id),
            )
            if not _said_so(run, outcome, job["claimed"]):  # before anybody can see that the run has ended
                append_line(run.folder / "events.jsonl", event="end", status=outcome, error=error)
    return True


def give_back(store: Store, job: dict[str, Any], deaths: int = 0) -> None:
    """Let a claimed job wait again, at its old place; `deaths` workers in a row have died on it."""
    with store.catalogue.transaction() as connection:
        cursor = connection.execute(
            "update jobs set status = 'queued', deaths = ?, pid = null, pid_started = null"
            " where id = ? and status = 'running' and pid = ? and pid_started = ?",
            (deaths, job["id"], job["pid"], job["pid_started"]),
        )
        if cursor.rowcount and job["kind"] == "train":
            connection.execute("update runs set status = 'queued' where id = ?", (job["run"],))


def running(store: Store) -> list[dict[str, Any]]:
    """The jobs somebody works on, each with the time its run was asked to `cancel` (0: never)."""
    rows = store.catalogue.query(
        "select jobs.*, coalesce(runs.cancel, 0) as cancel from jobs left join runs on runs.id = jobs.run"
        " and jobs.kind = 'train' where jobs.status = 'running'"
    )
    return [{**row, "payload": json.loads(row["payload"])} for row in rows]


def waiting(store: Store) -> dict[str, int]:
    """Lane -> number of jobs that wait."""
    rows = store.catalogue.query("select lane, count(*) as n from jobs where status = 'queued' group by lane")
    return {row["lane"]: row["n"] for row in rows}


def recover(store: Store, deaths: int, cause: Callable[[Process], str]) -> None:
    """Look after the jobs whose worker is dead: one that had its answer is done, one that was asked to cancel is
    cancelled, any other waits again, or has failed after `deaths` deaths in a row that got it no further. `cause` says
    how a process ended, in words that follow "the worker"."""
    for job in running(store):
        worker = Process(job["pid"], job["pid_started"])
        if worker.alive:
            continue
        worker.signal_group(signal.SIGKILL)  # what it has started must not go on without it
        if job["kind"] == "train" and is_locked(run_lock(store, job["run"])):
            continue  # somebody still writes into the run
        result = read_json(result_path(store, job))
        count = 1 if _got_further(store, job) else job["deaths"] + 1
        if result is not None:
            end(store, job, "done", result=result)
        elif job["cancel"]:
            end(store, job, "cancelled")
        elif count < deaths:
            give_back(store, job, deaths=count)
        else:
            end(store, job, "failed", error=_death_notice(store, job, count, cause(worker)))


def fail_waiting(store: Store, lane: str, error: str) -> None:
    """Fail everything that waits in a lane, where no worker can be started."""
    while (job := claim(store, lane, Process.current())) is not None:
        end(store, job, "failed", error=error)


def result_path(store: Store, job: dict[str, Any]) -> Path:
    return store.workspace / "jobs" / job["id"] / "result.json"


def log_path(store: Store, job: dict[str, Any]) -> Path:
    """Where everything goes that is printed on behalf of a job."""
    folder = store.workspace / "runs" / job["run"] if job["run"] else result_path(store, job).parent
    return folder / "worker.log"


def run_lock(store: Store, run: str) -> Path:
    """The lock that whoever trains a run holds; it is what makes sure that nothing is trained twice at once."""
    return store.workspace / "runs" / run / "lock"


def _said_so(run: Run, outcome: str, since: float) -> bool:
    """Whether the handler has written the last event itself, in this attempt and to this outcome."""
    events, _ = run.events()
    last = events[-1] if events else {}
    return (last.get("event"), last.get("status")) == ("end", outcome) and last["t"] >= round(since, 3)


def _got_further(store: Store, job: dict[str, Any]) -> bool:
    """Whether the last attempt at a run told something that no attempt before it had told."""
    if job["kind"] != "train":
        return False
    events, _ = store.run(job["run"]).events()
    events = [event for event in events if event["event"] in PROGRESS]

    def told(some: list[dict]) -> set[tuple]:
        return {tuple(event.get(key) for key in ("event", "phase", "model", "trial", "epoch")) for event in some}

    before = [event for event in events if event["t"] < job["claimed"]]
    return bool(told(events) - told(before))


def _death_notice(store: Store, job: dict[str, Any], deaths: int, cause: str) -> str:
    todo = "Add time to try again with less data or smaller models" if job["kind"] == "train" else "Ask again"
    lines = tail(log_path(store, job), 5)
    return (
        f"The worker {cause} {deaths} times at the same point, so this {job['kind']} job was given up. {todo}; the log "
        f"{log_path(store, job).relative_to(store.workspace)} says more"
        + (f", and ends with:\n{lines}" if lines else ".")
    )


def _winner(run: Run) -> tuple[str | None, float | None]:
    """Name and score (test, else valid) of the best model of a run, for lists."""
    board = run.leaderboard() or {}
    for row in board.get("rows", ()):
        if row["model"] == board["winner"]:
            return row["name"], row["valid"] if row["test"] is None else row["test"]
    return None, None

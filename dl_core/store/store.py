"""The store: every way in and out of a workspace."""

import errno
import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from dl_core.errors import DataError, DeepboardError, NotFoundError, SpecError
from dl_core.records import append_line, read_json, to_json, write_json
from dl_core.runspec import RunSpec
from dl_core.store.catalogue import Catalogue, new_id
from dl_core.store.run import ENDED, Run

if TYPE_CHECKING:
    from dl_core.data.dataset import Dataset

RUNS = """
    select runs.*, datasets.name as dataset_name, datasets.modality as modality
    from runs left join datasets on datasets.id = runs.dataset
"""


@dataclass(frozen=True)
class Control:
    """What a run has been asked for while it works: stop (keep the best), cancel (throw away), budget in seconds."""

    stop: bool
    cancel: bool
    seconds: float


class Store:
    """One workspace: its catalogue and its folders. May be shared by threads; every process opens its own.

    `actor` is who asks. It is kept as the owner of what is created; one workspace has one actor, "local", for now.
    """

    def __init__(self, workspace: Path | str):
        self.workspace = Path(workspace).absolute()
        for name in ("uploads", "datasets", "runs", "jobs", "trash"):
            (self.workspace / name).mkdir(parents=True, exist_ok=True)
        self.catalogue = Catalogue(self.workspace / "catalogue.db")

    # datasets

    def datasets(self, *, actor: str = "local") -> list[dict[str, Any]]:
        """The newest first; each with the number of its `runs`."""
        return self.catalogue.query(
            "select *, (select count(*) from runs where runs.dataset = datasets.id) as runs"
            " from datasets order by created desc, rowid desc"
        )

    def dataset(self, id: str, *, actor: str = "local") -> "Dataset":
        """Raises NotFoundError."""
        from dl_core.data.dataset import Dataset  # pandas and DuckDB, which lists and queues do not need

        self._dataset_row(id)
        return Dataset(self.workspace / "datasets" / id)

    def incoming(self, *, actor: str = "local") -> Path:
        """A fresh folder name to import into, on the disk of the workspace, for `add_dataset`."""
        return self.workspace / "uploads" / f"import-{new_id()}"

    def add_dataset(self, folder: Path, *, actor: str = "local") -> "Dataset":
        """Take a finished import over: the folder moves into the workspace and gets a random id."""
        folder = Path(folder)
        meta = read_json(folder / "meta.json")
        if meta is None:
            raise DataError(f"{folder} is not a finished import: it has no meta.json. Import the file again.")
        id = new_id()
        write_json(folder / "meta.json", meta := {**meta, "id": id})
        _move(folder, self.workspace / "datasets" / id)
        with self.catalogue.transaction() as connection:
            _insert(
                connection,
                "datasets",
                id=id,
                **{key: meta.get(key) for key in ("name", "source", "modality", "rows", "bytes", "fingerprint")},
                created=time.time(),
                owner=actor,
            )
        return self.dataset(id)

    def rename_dataset(self, id: str, name: str, *, actor: str = "local") -> None:
        self._dataset_row(id)
        name = _checked_name(name)
        with self.catalogue.transaction() as connection:
            connection.execute("update datasets set name = ? where id = ?", (name, id))
        path = self.workspace / "datasets" / id / "meta.json"
        write_json(path, {**read_json(path), "name": name})

    def delete_dataset(self, id: str, *, actor: str = "local") -> None:
        """Its finished runs stay. Raises DeepboardError while one is queued or running."""
        row = self._dataset_row(id)
        with self.catalogue.transaction() as connection:
            busy = connection.execute(
                "select name from runs where ? in (dataset, test_dataset) and status in ('queued', 'running')", (id,)
            ).fetchone()
            if busy:
                raise DeepboardError(
                    f"Dataset {row['name']!r} is in use by the run {busy['name']!r}. Cancel that run, then delete it."
                )
            connection.execute("delete from datasets where id = ?", (id,))
        self._discard(self.workspace / "datasets" / id)

    # runs

    def create_run(
        self, spec: RunSpec, name: str | None = None, decisions: Iterable[dict] = (), *, actor: str = "local"
    ) -> Run:
        """Queue a run. `decisions` open its decision log: what was chosen before the run began."""
        dataset = self._dataset_row(spec.dataset)
        id = new_id()
        folder = self.workspace / "runs" / id
        write_json(folder / "spec.json", spec.to_json())
        for decision in decisions:
            append_line(folder / "decisions.jsonl", **decision)
        targets = ", ".join(spec.task.targets)
        now = time.time()
        with self.catalogue.transaction() as connection:
            _insert(
                connection,
                "runs",
                id=id,
                name=_checked_name(name) if name else " · ".join(filter(None, (dataset["name"], targets))),
                dataset=spec.dataset,
                test_dataset=spec.split.test_dataset,
                task=spec.task.kind,
                metric=spec.task.metric,
                targets=targets,
                status="queued",
                seconds=spec.budget.seconds,
                created=now,
                owner=actor,
            )
            _queue(connection, "train", "train", {"run": id}, id, actor)
        return self.run(id)

    def runs(self, dataset: str | None = None, *, actor: str = "local") -> list[dict[str, Any]]:
        """The rows of all runs, or of one dataset's, the newest first."""
        ending = "order by runs.created desc, runs.rowid desc"
        if dataset is None:
            return self.catalogue.query(f"{RUNS} {ending}")
        return self.catalogue.query(f"{RUNS} where runs.dataset = ? {ending}", dataset)

    def run(self, id: str, *, actor: str = "local") -> Run:
        """Raises NotFoundError."""
        row = self.catalogue.first(f"{RUNS} where runs.id = ?", id)
        if row is None:
            raise NotFoundError(f"There is no run {id!r}. It may have been deleted.")
        return Run(self.workspace, row)

    def rename_run(self, id: str, name: str, *, actor: str = "local") -> None:
        self.run(id)
        with self.catalogue.transaction() as connection:
            connection.execute("update runs set name = ? where id = ?", (_checked_name(name), id))

    def delete_run(self, id: str, *, actor: str = "local") -> None:
        """Raises DeepboardError while something works on it; a run that only waits is taken out of the queue."""
        run = self.run(id)
        with self.catalogue.transaction() as connection:
            busy = connection.execute("select kind from jobs where run = ? and status = 'running'", (id,)).fetchone()
            if busy:
                todo = "Cancel it first" if busy["kind"] == "train" else "Wait a moment"
                raise DeepboardError(f"Run {run.row['name']!r} is at work ({busy['kind']}). {todo}, then delete it.")
            connection.execute("delete from runs where id = ?", (id,))
            connection.execute("delete from jobs where run = ?", (id,))
        self._discard(run.folder)

    def place(self, id: str, *, actor: str = "local") -> int:
        """The place in the queue, from 1, the run at work included; 0 for a run that does not wait."""
        row = self.catalogue.first(
            "select count(*) as place from jobs, (select place from jobs where run = ? and kind = 'train'"
            " and status = 'queued') as own where lane = 'train'"
            " and (status = 'running' or (status = 'queued' and jobs.place <= own.place))",
            id,
        )
        return row["place"] if row else 0

    def request_stop(self, id: str, *, actor: str = "local") -> None:
        """Ask a run to end with the best it has. A run that has not begun yet is cancelled instead."""
        self._request(id, "stop")

    def request_cancel(self, id: str, *, actor: str = "local") -> None:
        """Ask a run to end without a result. A continuation that still waits is only taken back."""
        self._request(id, "cancel")

    def add_time(self, id: str, seconds: float, *, actor: str = "local") -> None:
        """Raise the budget: at work, the deadline moves; an ended run goes back into the queue and continues."""
        run = self.run(id)
        if not seconds > 0:
            raise SpecError(f"The time to add must be longer than zero seconds. Received {seconds}.")
        with self.catalogue.transaction() as connection:
            row = connection.execute("select status, seconds, ended from runs where id = ?", (id,)).fetchone()
            if row is None:
                raise NotFoundError(f"There is no run {id!r}. It may have been deleted.")
            connection.execute("update runs set seconds = seconds + ? where id = ?", (seconds, id))
            if row["status"] not in ENDED:
                return
            self._dataset_row(run.row["dataset"])
            before = dict(row)
            connection.execute(
                "update runs set status = 'queued', stop = 0, cancel = 0, error = null, ended = null where id = ?",
                (id,),
            )
            _queue(connection, "train", "train", {"run": id, "before": before}, id, actor)

    def control(self, id: str, *, actor: str = "local") -> Control:
        """What the run has been asked for; cheap enough for every second. A deleted run is asked to cancel."""
        row = self.catalogue.first("select stop, cancel, seconds from runs where id = ?", id)
        if row is None:
            return Control(stop=False, cancel=True, seconds=0.0)
        return Control(stop=row["stop"] > 0, cancel=row["cancel"] > 0, seconds=row["seconds"])

    # jobs

    def submit(
        self,
        kind: str,
        payload: dict[str, Any],
        lane: str = "quick",
        run: str | None = None,
        *,
        actor: str = "local",
    ) -> str:
        """Queue a job in a lane ('train' or 'quick') and return its id; `payload` is plain JSON."""
        with self.catalogue.transaction() as connection:
            return _queue(connection, kind, lane, payload, run, actor)

    def job(self, id: str, *, actor: str = "local") -> dict[str, Any]:
        """The row of a job, its payload decoded. Raises NotFoundError."""
        row = self.catalogue.first("select * from jobs where id = ?", id)
        if row is None:
            raise NotFoundError(f"There is no job {id!r}. Finished jobs are kept for a day; ask again.")
        return {**row, "payload": json.loads(row["payload"])}

    def wait(self, id: str, timeout: float, *, actor: str = "local") -> dict[str, Any]:
        """The result of a job, within `timeout` seconds. Raises DeepboardError with the job's sentence when it failed,
        and when time is up (the job goes on)."""
        deadline = time.monotonic() + timeout
        pause = 0.005
        while True:
            job = self.job(id)
            if job["status"] == "done":
                return read_json(self.workspace / "jobs" / id / "result.json")
            if job["status"] == "failed":
                raise DeepboardError(job["error"])
            if job["status"] == "cancelled":
                raise DeepboardError("This was cancelled before it had an answer. Ask again.")
            if time.monotonic() > deadline:
                doing = "still waits for its turn" if job["status"] == "queued" else "is still at work"
                raise DeepboardError(f"No answer within {timeout:.0f} s: the job {doing}. Ask again in a moment.")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    # disk

    def disk(self, *, actor: str = "local") -> dict[str, Any]:
        """Bytes in use: of each dataset and run by id, of everything (`total`), and what the disk has left (`free`)."""
        datasets = {entry.name: _size(entry) for entry in os.scandir(self.workspace / "datasets")}
        runs = {entry.name: _size(entry) for entry in os.scandir(self.workspace / "runs")}
        rest = sum(_size(entry) for entry in os.scandir(self.workspace) if entry.name not in ("datasets", "runs"))
        total = sum(datasets.values()) + sum(runs.values()) + rest
        return {"datasets": datasets, "runs": runs, "total": total, "free": shutil.disk_usage(self.workspace).free}

    def sweep(self, older_than: float = 86400.0) -> None:
        """Clear away what a crash has left half done and quick jobs that ended `older_than` seconds ago."""
        limit = time.time() - older_than
        with self.catalogue.transaction() as connection:
            old = connection.execute("select id from jobs where kind != 'train' and ended < ?", (limit,)).fetchall()
            connection.execute("delete from jobs where kind != 'train' and ended < ?", (limit,))
        for row in old:
            self._discard(self.workspace / "jobs" / row["id"])
        for table in ("datasets", "runs"):
            known = {row["id"] for row in self.catalogue.query(f"select id from {table}")}
            for entry in os.scandir(self.workspace / table):
                if entry.name not in known and entry.stat().st_mtime < limit:
                    self._discard(Path(entry.path))
        for entry in os.scandir(self.workspace / "trash"):
            if entry.stat().st_mtime < limit:
                shutil.rmtree(entry.path, ignore_errors=True)

    # inside

    def _dataset_row(self, id: str) -> dict[str, Any]:
        row = self.catalogue.first("select * from datasets where id = ?", id)
        if row is None:
            raise NotFoundError(f"There is no dataset {id!r}. It may have been deleted.")
        return row

    def _request(self, id: str, what: str) -> None:
        run = self.run(id)
        with self.catalogue.transaction() as connection:
            row = connection.execute("select status, started from runs where id = ?", (id,)).fetchone()
            if row is None or row["status"] in ENDED:
                return
            job = connection.execute(
                "select id, payload, attempts from jobs where run = ? and kind = 'train' and status = 'queued'", (id,)
            ).fetchone()
            if job is None or (what == "stop" and job["attempts"]):
                # `cancel` and `stop` keep the time of the first request: patience is counted from there
                connection.execute(f"update runs set {what} = ? where id = ? and {what} = 0", (time.time(), id))
                return
            now = time.time()
            before = json.loads(job["payload"]).get("before") or {"status": "cancelled", "ended": now}
            connection.execute("update jobs set status = 'cancelled', ended = ? where id = ?", (now, job["id"]))
            connection.execute(
                "update runs set status = ?, ended = ?, seconds = coalesce(?, seconds) where id = ?",
                (before["status"], before["ended"], before.get("seconds"), id),
            )
            append_line(run.folder / "events.jsonl", event="end", status=before["status"], error=None)

    def _discard(self, folder: Path) -> None:
        """Gone at once (a rename), then removed; what a kill leaves in trash/ is swept later."""
        grave = self.workspace / "trash" / f"{folder.name}-{new_id()}"
        try:
            os.rename(folder, grave)
        except FileNotFoundError:
            return
        shutil.rmtree(grave, ignore_errors=True)


def _insert(connection: Connection, table: str, **values: Any) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", tuple(values.values()))


def _queue(connection: Connection, kind: str, lane: str, payload: dict[str, Any], run: str | None, owner: str) -> str:
    id = new_id()
    _insert(
        connection,
        "jobs",
        id=id,
        kind=kind,
        lane=lane,
        payload=to_json(payload),
        run=run,
        status="queued",
        created=time.time(),
        owner=owner,
    )
    return id


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise SpecError(f"A name has 1 to 200 characters. Received {len(name)}.")
    return name


def _move(source: Path, target: Path) -> None:
    """Rename a folder; from another disk it is copied beside the target first, so that it appears whole."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        staging = target.with_name(f".{target.name}")
        shutil.copytree(source, staging)
        os.rename(staging, target)
        shutil.rmtree(source)


def _size(entry: os.DirEntry) -> int:
    """Bytes of a file or of everything in a folder; what is deleted meanwhile takes none."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return sum(_size(inner) for inner in os.scandir(entry.path))
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0

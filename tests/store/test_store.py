"""The store: names in lists and folders on disk never disagree."""

import json
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from dl_core.errors import DataError, DeepboardError, NotFoundError, SpecError
from dl_core.records import append_line, write_json
from dl_core.runspec import Budget, RunSpec, SplitSpec, TaskSpec
from dl_core.store import Store
from dl_core.store.catalogue import MIGRATIONS


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "workspace")


def a_dataset(store, name="wine"):
    folder = store.incoming()
    write_json(folder / "meta.json", {"name": name, "modality": "table", "rows": 3, "bytes": 12, "source": "wine.csv"})
    (folder / "data.parquet").write_bytes(b"x" * 1000)
    return store.add_dataset(folder)


def a_spec(dataset, **changes):
    task = TaskSpec(kind="regression", targets=("price",), metric="rmse")
    asked = {"dataset": dataset.id, "schema_version": 1, "task": task, "split": SplitSpec(kind="random"), **changes}
    return RunSpec(**asked)


def set_status(store, run, status):
    with store.catalogue.transaction() as connection:
        connection.execute("update runs set status = ? where id = ?", (status, run.id))
        connection.execute("update jobs set status = 'done' where run = ?", (run.id,))


def test_a_dataset_moves_in_whole_and_is_listed(store):
    folder = store.incoming()
    write_json(folder / "meta.json", {"name": "wine", "modality": "table", "rows": 3, "bytes": 12})
    dataset = store.add_dataset(folder)
    assert not folder.exists()
    assert dataset.meta["id"] == dataset.id
    assert [(row["id"], row["name"], row["rows"], row["runs"]) for row in store.datasets()] == [
        (dataset.id, "wine", 3, 0)
    ]


def test_an_unfinished_import_is_refused(store, tmp_path):
    with pytest.raises(DataError, match="not a finished import"):
        store.add_dataset(tmp_path)


def test_an_id_from_a_link_never_leaves_the_workspace(store):
    run = store.create_run(a_spec(a_dataset(store)))
    for ask in (store.dataset, store.run):
        with pytest.raises(NotFoundError):
            ask("../runs")
    for name in ("../../x", "/etc", "..", "", "a/b"):
        with pytest.raises(NotFoundError):
            run.model(name)
        with pytest.raises(NotFoundError):
            run.explanations(name)


def test_renaming_shows_in_the_list_and_in_the_folder(store):
    dataset = a_dataset(store)
    store.rename_dataset(dataset.id, "  red \n wine ")
    assert store.datasets()[0]["name"] == store.dataset(dataset.id).meta["name"] == "red wine"
    with pytest.raises(SpecError):
        store.rename_dataset(dataset.id, "   ")


def test_a_new_run_waits_with_its_spec_and_its_first_decisions(store):
    dataset = a_dataset(store)
    spec = a_spec(dataset, budget=Budget(seconds=90))
    run = store.create_run(spec, decisions=[{"key": "metric", "what": "RMSE", "why": "usual", "alternatives": ["mae"]}])
    assert run.spec == spec
    assert run.row["status"] == "queued" and run.row["seconds"] == 90
    assert run.row["name"] == "wine · price" and run.row["dataset_name"] == "wine"
    assert [decision["key"] for decision in run.decisions()] == ["metric"]
    assert run.events() == ([], 0) and run.trials() == [] and run.leaderboard() is None and run.spent == 0
    assert store.datasets()[0]["runs"] == 1


def test_places_in_the_queue_follow_the_order_of_asking(store):
    dataset = a_dataset(store)
    first, second, third = (store.create_run(a_spec(dataset)) for _ in range(3))
    assert [store.place(run.id) for run in (first, second, third)] == [1, 2, 3]
    store.request_cancel(first.id)
    assert [store.place(run.id) for run in (first, second, third)] == [0, 1, 2]
    assert [row["id"] for row in store.runs(dataset.id)] == [third.id, second.id, first.id]


@pytest.mark.parametrize("ask", ["request_stop", "request_cancel"])
def test_a_run_that_has_not_begun_is_cancelled_at_once(store, ask):
    run = store.create_run(a_spec(a_dataset(store)))
    getattr(store, ask)(run.id)
    assert store.run(run.id).status == "cancelled"
    assert store.run(run.id).events()[0][-1]["status"] == "cancelled"


def test_requests_reach_a_running_run_and_the_first_one_counts(store):
    run = store.create_run(a_spec(a_dataset(store), budget=Budget(seconds=60)))
    set_status(store, run, "running")
    store.request_stop(run.id)
    store.add_time(run.id, 600)
    control = store.control(run.id)
    assert (control.stop, control.cancel, control.seconds) == (True, False, 660)
    store.request_cancel(run.id)
    asked = store.run(run.id).row["cancel"]
    store.request_cancel(run.id)
    assert store.run(run.id).row["cancel"] == asked > 0


def test_adding_time_to_an_ended_run_queues_it_again_without_its_old_requests(store):
    run = store.create_run(a_spec(a_dataset(store), budget=Budget(seconds=60)))
    set_status(store, run, "running")
    store.request_stop(run.id)
    set_status(store, run, "stopped")
    store.add_time(run.id, 30)
    again = store.run(run.id)
    assert again.status == "queued" and again.row["seconds"] == 90 and store.place(run.id) == 1
    assert not store.control(run.id).stop
    store.request_cancel(run.id)
    assert store.run(run.id).status == "stopped" and store.run(run.id).row["seconds"] == 60


def test_time_added_twice_makes_one_job(store):
    run = store.create_run(a_spec(a_dataset(store)))
    set_status(store, run, "done")
    store.add_time(run.id, 30)
    store.add_time(run.id, 30)
    waiting = store.catalogue.query("select * from jobs where run = ? and status = 'queued'", run.id)
    assert len(waiting) == 1 and store.run(run.id).row["seconds"] == 120


def test_a_deleted_run_is_asked_to_cancel(store):
    run = store.create_run(a_spec(a_dataset(store)))
    store.delete_run(run.id)
    assert store.control(run.id).cancel
    assert not run.folder.exists() and store.runs() == []


def test_what_is_in_use_is_not_deleted(store):
    dataset, tested = a_dataset(store), a_dataset(store, "held out")
    run = store.create_run(a_spec(dataset, split=SplitSpec(kind="file", test_dataset=tested.id)), name="mine")
    for held in (dataset, tested):
        with pytest.raises(DeepboardError, match="in use by the run 'mine'"):
            store.delete_dataset(held.id)
    with store.catalogue.transaction() as connection:
        connection.execute("update jobs set status = 'running' where run = ?", (run.id,))
    with pytest.raises(DeepboardError, match="Cancel it first"):
        store.delete_run(run.id)


def test_a_run_outlives_its_dataset(store):
    dataset = a_dataset(store)
    run = store.create_run(a_spec(dataset))
    set_status(store, run, "done")
    store.delete_dataset(dataset.id)
    assert store.datasets() == [] and not dataset.folder.exists()
    assert store.run(run.id).row["dataset_name"] is None
    with pytest.raises(NotFoundError):
        _ = store.run(run.id).dataset
    with pytest.raises(NotFoundError):
        store.add_time(run.id, 30)
    assert store.run(run.id).status == "done"


def test_a_torn_event_is_read_once_it_is_whole(store):
    run = store.create_run(a_spec(a_dataset(store)))
    append_line(run.folder / "events.jsonl", event="phase", phase="prepare")
    with open(run.folder / "events.jsonl", "a") as stream:
        stream.write('{"event": "ep')
        stream.flush()
        events, offset = run.events()
        assert [event["event"] for event in events] == ["phase"]
        stream.write('och"}\n')
    events, end = run.events(offset)
    assert [event["event"] for event in events] == ["epoch"]
    assert run.events(end) == ([], end)


def test_disk_counts_every_byte_once(store):
    dataset = a_dataset(store)
    run = store.create_run(a_spec(dataset))
    (run.folder / "models").mkdir()
    (run.folder / "models" / "weights.npz").write_bytes(b"x" * 5000)
    disk = store.disk()
    assert disk["datasets"][dataset.id] > 1000 and disk["runs"][run.id] > 5000
    everything = sum(path.stat().st_size for path in store.workspace.rglob("*") if path.is_file())
    assert disk["total"] == everything and disk["free"] > 0


def test_sweeping_removes_only_what_no_row_names(store):
    dataset = a_dataset(store)
    kept = store.create_run(a_spec(dataset))
    (store.workspace / "runs" / "orphan").mkdir()
    (store.workspace / "trash" / "left").mkdir()
    job = store.submit("explain", {})
    with store.catalogue.transaction() as connection:
        connection.execute("update jobs set status = 'done', ended = 1 where id = ?", (job,))
    store.sweep(older_than=-1)
    assert [path.name for path in (store.workspace / "runs").iterdir()] == [kept.id]
    assert list((store.workspace / "trash").iterdir()) == []
    assert dataset.folder.exists() and store.place(kept.id) == 1
    with pytest.raises(NotFoundError):
        store.job(job)


def test_waiting_for_a_job_is_bounded_and_says_what_went_wrong(store):
    job = store.submit("explain", {"run": "r"})
    assert store.job(job)["payload"] == {"run": "r"}
    with pytest.raises(DeepboardError, match="still waits for its turn"):
        store.wait(job, timeout=0)
    with store.catalogue.transaction() as connection:
        connection.execute("update jobs set status = 'failed', error = 'No such model.' where id = ?", (job,))
    with pytest.raises(DeepboardError, match="No such model."):
        store.wait(job, timeout=0)


def test_lists_of_hundreds_take_about_a_millisecond(store):
    dataset = a_dataset(store)
    row = store.create_run(a_spec(dataset)).row
    columns = [name for name in row if name not in ("id", "dataset_name", "modality")]
    with store.catalogue.transaction() as connection:
        connection.executemany(
            f"insert into runs (id, {', '.join(columns)}) values ({', '.join('?' * (len(columns) + 1))})",
            [(f"r{number}", *(row[name] for name in columns)) for number in range(300)],
        )
    assert len(store.runs()) == 301

    def best(call):
        def once():
            start = time.perf_counter()
            call()
            return time.perf_counter() - start

        return min(once() for _ in range(20))

    assert best(store.runs) < 0.005  # 1 ms when nothing else runs
    assert best(lambda: store.control(row["id"])) < 0.001


def test_many_threads_and_processes_write_at_once(store):
    dataset = a_dataset(store)
    runs = []

    def work():
        for _ in range(5):
            runs.append(store.create_run(a_spec(dataset)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    script = "import sys; from dl_core.store import Store\nfor _ in range(20): Store(sys.argv[1]).submit('explain', {})"
    processes = [subprocess.Popen([sys.executable, "-c", script, str(store.workspace)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert sorted(store.place(run.id) for run in runs) == list(range(1, 21))
    assert len(store.catalogue.query("select * from jobs where kind = 'explain'")) == 40


def test_many_processes_make_one_workspace_at_the_same_time(tmp_path):
    script = "import sys; from dl_core.store import Store; Store(sys.argv[1]).submit('explain', {})"
    command = [sys.executable, "-c", script, str(tmp_path / "new")]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    assert len(Store(tmp_path / "new").catalogue.query("select * from jobs")) == 4


def test_a_workspace_of_a_newer_deepboard_is_left_alone(store):
    with store.catalogue.transaction() as connection:
        connection.execute("insert into schema_version values (?)", (len(MIGRATIONS) + 1,))
    with pytest.raises(DeepboardError, match="newer Deepboard"):
        Store(store.workspace)


def test_an_error_inside_a_transaction_leaves_nothing_behind(store):
    with pytest.raises(sqlite3.IntegrityError), store.catalogue.transaction() as connection:
        connection.execute("insert into jobs (id, kind, lane, payload, status, created, owner) values (1,1,1,1,1,1,1)")
        connection.execute("insert into jobs (id) values (2)")
    assert store.catalogue.query("select * from jobs") == []
    assert store.submit("explain", {})


def test_the_store_loads_no_data_frames_and_no_tensorflow():
    script = (
        "import sys, json; from dl_core.store import Store;"
        "print(json.dumps([name for name in ('pandas', 'duckdb', 'tensorflow', 'keras') if name in sys.modules]))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []

"""A real run whose worker is killed at ten moments and whose supervisor is killed at three: it ends as it should, and
every trial counts once."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from dl_core.data.importing import import_file
from dl_core.jobs import ensure_supervisor
from dl_core.records import read_json
from dl_core.store import Run, Store
from dl_core.workflow.plan import Wishes, plan
from tests import background, examples
from tests.finished import until_ended

TRIALS = 6  # two more than the portfolio has
Moment = Callable[[Run, list[dict]], bool]  # whether it has come, by the events since the last kill


def event(name: str, **facts) -> Moment:
    """The moment an event of this name with these facts is written."""
    return lambda run, events: any({"event": name, **facts}.items() <= found.items() for found in events)


def bundle_written(run: Run, events: list[dict]) -> bool:
    return any(run.folder.glob("models/*/bundle/bundle.json"))


def queued(run: Run, events: list[dict]) -> bool:
    return True


# Three deaths in a row that get a run no further end it, on purpose; so these are spread over three runs.
TEN_MOMENTS = {
    "at its beginning": [
        event("phase", phase="prepare"),
        event("model", kind="baseline"),
        event("trial_start", trial="t001"),
        event("epoch", trial="t001"),
    ],
    "in its middle": [
        event("trial_end", trial="t001"),
        event("phase", phase="search"),
        event("trial_start", source="oracle"),
        bundle_written,
    ],
    "near its end": [
        event("phase", phase="judge"),
        event("phase", phase="deliver"),
    ],
}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "workspace")
    yield store
    background.end_all(store.workspace)


def start(store: Store, folder) -> Run:
    dataset = store.add_dataset(import_file(examples.write("table", folder), store.incoming()))
    spec, decisions = plan(dataset, Wishes(targets=["income"], seconds=120, trials=TRIALS, epochs=20))
    return store.create_run(spec, decisions=decisions)


def wait_for(store: Store, run: Run, moment: Moment, offset: int, patience: float = 120.0) -> int:
    """Wait for a moment among the events behind byte `offset`; the offset behind the last one seen."""
    deadline = time.monotonic() + patience
    seen: list[dict] = []
    while True:
        events, offset = run.events(offset)
        seen += events
        if moment(run, seen):
            return offset
        assert not store.run(run.id).ended, f"The run ended before the moment came.\n{run.log_tail()}"
        assert time.monotonic() < deadline, f"The moment did not come.\n{run.log_tail()}"
        ensure_supervisor(store.workspace, keep_warm=False)
        time.sleep(0.005)


def assert_ended_well(store: Store, run: Run, attempts: int) -> None:
    run = until_ended(store, run)
    assert run.status == "done", f"{run.row['error']}\n{run.log_tail()}"
    events, _ = run.events()
    assert [found["attempt"] for found in events if found["event"] == "attempt"] == list(range(1, attempts + 1))

    ended = Counter(found["trial"] for found in events if found["event"] == "trial_end")
    trials = run.trials()
    assert ended == Counter(trial["trial"] for trial in trials)
    assert set(ended.values()) == {1}
    assert len(trials) == TRIALS
    assert {trial["status"] for trial in trials} == {"done"}
    assert len({str((trial["family"], trial["params"])) for trial in trials}) == TRIALS

    board = run.leaderboard()
    models = Counter(row["model"] for row in board["rows"])
    assert set(models.values()) == {1}
    assert {"dummy", "linear", "trees"} <= set(models)
    decisions = Counter(decision["key"] for decision in run.decisions())
    assert set(decisions.values()) == {1}
    result = run.result()
    assert result["receipt"]["passed"]
    assert read_json(run.folder / "clock.json")["spent"] < run.row["seconds"]
    assert [found["status"] for found in events if found["event"] == "end"][-1] == "done"


@pytest.mark.parametrize("moments", TEN_MOMENTS.values(), ids=TEN_MOMENTS.keys())
def test_a_run_survives_the_death_of_its_worker(store, tmp_path, moments):
    run = start(store, tmp_path)
    offset = 0
    for moment in moments:
        offset = wait_for(store, run, moment, offset)
        job = store.catalogue.first("select pid from jobs where run = ? and kind = 'train'", run.id)
        os.kill(job["pid"], signal.SIGKILL)
    assert_ended_well(store, run, attempts=len(moments) + 1)


def test_a_run_survives_the_death_of_its_supervisor(store, tmp_path):
    run = start(store, tmp_path)
    ensure_supervisor(store.workspace, keep_warm=False)
    offset = 0
    for moment in (queued, event("epoch"), event("phase", phase="deliver")):
        offset = wait_for(store, run, moment, offset)
        kill_supervisor(store)
    assert_ended_well(store, run, attempts=1)


def kill_supervisor(store: Store) -> None:
    deadline = time.monotonic() + 30
    while not ((boss := background.supervisor(store.workspace)) and boss.alive):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(boss.pid, signal.SIGKILL)
    while boss.alive:
        time.sleep(0.01)

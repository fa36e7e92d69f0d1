"""The search: what it makes of the trials it finds."""

import threading
import time
from types import SimpleNamespace

import pytest

from dl_core.errors import Interrupted
from dl_core.records import read_json, write_json
from dl_core.runspec import Budget

pytestmark = pytest.mark.heavy  # the search imports TensorFlow


def search(folder, statuses, source="oracle", seconds=1e6, trials=None):
    from dl_core.tuning.executors.threads import Threads
    from dl_core.tuning.search import Search

    signature = SimpleNamespace(options={"train_size": 2000, "task": "classification"}, inputs={})
    for number, status in enumerate(statuses, start=1):
        record = {"trial": f"t{number:03d}", "family": "mlp", "status": status, "score": None, "source": source}
        record |= {"params": {"number": number}, "share": 9.0}
        write_json(folder / record["trial"] / "trial.json", record)
    return Search(
        folder,
        SimpleNamespace(budget=Budget(trials=trials), search="bayesian", seed=0),
        SimpleNamespace(
            prepared=SimpleNamespace(signature=signature), metric=SimpleNamespace(direction="max", sign=1), members=1
        ),
        ["mlp"],
        remaining=lambda: seconds,
        stopping=lambda: False,
        emit=lambda *_, **__: None,
        executor=Threads(2),
    )


def test_trials_are_in_start_order_beyond_a_thousand(tmp_path):
    found = search(tmp_path, ["failed"] * 1002).trials()
    assert [record["trial"] for record in found[-3:]] == ["t1000", "t1001", "t1002"]


def test_a_family_that_only_fails_ends_the_search_instead_of_filling_the_disk(tmp_path):
    from dl_core.tuning.search import MOST_FAILURES

    search(tmp_path, ["failed"] * MOST_FAILURES).run_oracle()
    assert len(list(tmp_path.iterdir())) == MOST_FAILURES


def test_a_trial_that_a_kill_interrupted_is_ended_whoever_asked_for_it(tmp_path, monkeypatch):
    from dl_core.tuning import search as module

    orders = []

    def ended(bench, folder, order, **_):
        orders.append(order)
        return {**read_json(folder / "trial.json"), "status": "done", "score": 0.5}

    monkeypatch.setattr(module, "run_trial", ended)
    found = search(tmp_path, ["done", "running", "done"], source="portfolio")
    found.remaining = lambda: 0.0
    found.run_portfolio(0.0)
    assert [(order.trial, order.source, order.seconds) for order in orders] == [("t002", "portfolio", 9.0)]
    assert [record["status"] for record in found.trials()] == ["done"] * 3


@pytest.mark.parametrize(("cores", "together"), [(1.02, 2), (1.9, 1)])
def test_trials_that_keep_one_core_busy_run_side_by_side(tmp_path, monkeypatch, cores, together):
    """The first one runs alone and shows how many cores it keeps busy."""
    from dl_core.tuning import search as module

    lock, running, seen = threading.Lock(), [], []

    def work(bench, folder, order, **_):
        with lock:
            running.append(order.trial)
            seen.append(len(running))
        time.sleep(0.05)
        with lock:
            running.remove(order.trial)
        return {**order.to_record(), "status": "done", "score": 0.5, "seconds": 0.05, "cores": cores, "curve": []}

    monkeypatch.setattr(module, "run_trial", work)
    found = search(tmp_path, [], trials=6)
    found.run_oracle()
    assert seen[0] == 1
    assert max(seen) == together
    assert [record["status"] for record in found.trials()] == ["done"] * 6


def test_what_a_trial_raises_is_raised_once_no_other_one_writes_any_more(tmp_path, monkeypatch):
    from dl_core.tuning import search as module

    finished = []

    def work(bench, folder, order, **_):
        if order.trial == "t001":
            return {**order.to_record(), "status": "done", "score": 0.5, "seconds": 0.1, "cores": 1.0, "curve": []}
        if order.trial == "t002":
            time.sleep(0.05)
            raise Interrupted("cancel")
        time.sleep(0.3)
        finished.append(order.trial)
        return {**order.to_record(), "status": "done", "score": 0.5, "seconds": 0.3, "cores": 1.0, "curve": []}

    monkeypatch.setattr(module, "run_trial", work)
    with pytest.raises(Interrupted):
        search(tmp_path, []).run_oracle()
    assert finished == ["t003"]

"""The search: what it makes of the trials it finds."""

import threading
import time
from types import SimpleNamespace

import pytest

from dl_core.errors import Interrupted
from dl_core.records import read_json, write_json
from dl_core.runspec import Budget

pytestmark = pytest.mark.heavy  # the search imports TensorFlow


def search(folder, statuses, source="oracle", seconds=1e6, trials=None, members=1):
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
            prepared=SimpleNamespace(signature=signature),
            metric=SimpleNamespace(direction="max", sign=1),
            members=members,
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


@pytest.mark.parametrize(("cores", "together"), [(1.02, 2), (1.75, 2), (1.95, 1)])
def test_trials_that_leave_a_core_room_run_side_by_side(tmp_path, monkeypatch, cores, together):
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


def test_a_cancel_that_the_search_hears_first_ends_the_trials_under_way(tmp_path, monkeypatch):
    """Nobody writes into the run after its end was told: not a trial that would have gone on for a minute either."""
    from dl_core.tuning import search as module

    running, ended = threading.Event(), []

    def work(bench, folder, order, *, stopping, **_):
        if order.trial == "t001":
            return {**order.to_record(), "status": "done", "score": 0.5, "seconds": 0.1, "cores": 1.0, "curve": []}
        running.set()
        end = time.monotonic() + 60
        try:
            while time.monotonic() < end:
                stopping()
                time.sleep(0.01)
        finally:
            ended.append(order.trial)

    def propose(self, name):
        if self.trials() and running.wait(0.1):
            raise ValueError("the oracle breaks")
        return real(self, name)

    real = module.Search._propose
    monkeypatch.setattr(module, "run_trial", work)
    monkeypatch.setattr(module.Search, "_propose", propose)
    began = time.monotonic()
    with pytest.raises(ValueError, match="the oracle breaks"):
        search(tmp_path, []).run_oracle()
    assert ended == ["t002"] and time.monotonic() - began < 30


def test_what_a_kill_interrupted_counts_towards_the_trials_asked_for(tmp_path, monkeypatch):
    from dl_core.tuning import search as module

    def ended(bench, folder, order, **_):
        return {**order.to_record(), "status": "done", "score": 0.5, "seconds": 0.1, "cores": 1.0, "curve": []}

    monkeypatch.setattr(module, "run_trial", ended)
    found = search(tmp_path, ["done", "done", "running"], trials=3)
    found.run_portfolio(100.0)
    found.run_oracle()
    assert [record["trial"] for record in found.trials()] == ["t001", "t002", "t003"]


def test_a_new_trial_never_takes_the_folder_of_another(tmp_path, monkeypatch):
    """Of two trials that began together, a kill may leave the record of the second alone."""
    from dl_core.tuning import search as module

    def ended(bench, folder, order, **_):
        return {**order.to_record(), "status": "done", "score": 0.5, "seconds": 0.1, "cores": 1.0, "curve": []}

    monkeypatch.setattr(module, "run_trial", ended)
    search(tmp_path, ["done", "done"])
    (tmp_path / "t001" / "trial.json").unlink()
    found = search(tmp_path, [], trials=2)
    found.run_oracle()
    assert [record["trial"] for record in found.trials()] == ["t002", "t003"]


def test_a_trial_is_never_given_less_than_its_members_take(tmp_path):
    from dl_core.tuning.search import LEAST_SECONDS

    one, five = search(tmp_path, []), search(tmp_path, [], members=5)
    assert one.least == LEAST_SECONDS < five.least


def test_the_portfolio_gets_half_of_the_search_once_however_often_a_run_is_resumed(tmp_path):
    found = search(tmp_path, ["done", "done"], source="portfolio", seconds=20.0)
    assert found.portfolio_seconds() == 10.0
    for record in found.trials():
        record["seconds"] = 10.0  # the search had forty seconds, of which the portfolio took its half
    assert found.portfolio_seconds() == 0.0
    found.trials()[1]["source"] = "oracle"
    assert found.portfolio_seconds() == 10.0

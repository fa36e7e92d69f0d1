"""The search: what it makes of the trials it finds."""

from types import SimpleNamespace

import pytest

from dl_core.records import read_json, write_json
from dl_core.runspec import Budget

pytestmark = pytest.mark.heavy  # the search imports TensorFlow


def search(folder, statuses, source="oracle"):
    from dl_core.tuning.search import Search

    for number, status in enumerate(statuses, start=1):
        record = {"trial": f"t{number:03d}", "family": "mlp", "status": status, "score": None, "source": source}
        record |= {"params": {"number": number}, "share": 9.0}
        write_json(folder / record["trial"] / "trial.json", record)
    return Search(
        folder,
        SimpleNamespace(budget=Budget(), seed=0),
        SimpleNamespace(),
        ["mlp"],
        remaining=lambda: 1e6,
        stopping=lambda: False,
        emit=lambda *_, **__: None,
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
    found.run_oracle()
    assert [(order.trial, order.source, order.seconds) for order in orders] == [("t002", "portfolio", 9.0)]
    assert [record["status"] for record in found.trials()] == ["done"] * 3

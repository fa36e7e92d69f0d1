"""A parameter set that cannot be trained is a row with its reason, and the run goes on without it."""

import pytest

from dl_core.data.importing import import_file
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan
from tests import examples

pytestmark = pytest.mark.heavy
COMMON = {"dropout": 0.1, "learning_rate": 2e-3, "weight_decay": 1e-2}
PORTFOLIO = [{"width": 128, "layers": 2, **COMMON}, {"width": 64, "layers": 1, **COMMON}]
REASON = "a layer of this width does not fit into memory"


def test_a_failing_trial_is_a_row_with_its_reason(tmp_path, monkeypatch):
    from dl_core.families.mlp import MLP
    from dl_core.workflow import train as story

    real_build, failing = MLP.build, {"width": 128, "layers": 2}

    def build(self, signature, params, seed):
        if failing.items() <= params.items():
            raise MemoryError(REASON)
        return real_build(self, signature, params, seed)

    monkeypatch.setattr(MLP, "build", build)
    monkeypatch.setattr(MLP, "portfolio", lambda self, signature: PORTFOLIO)
    monkeypatch.setattr(story, "deliver", lambda context, bench, board: None)
    store = Store(tmp_path / "workspace")
    dataset = store.add_dataset(import_file(examples.write("table", tmp_path), store.incoming()))
    spec, _ = plan(dataset, Wishes(targets=["income"], seconds=60, trials=3, epochs=3, families=["mlp"]))
    run = store.create_run(spec)

    assert story.train(store, {"run": run.id}, {"attempts": 1})["status"] == "done"
    failed, trained = run.trials()[0], run.trials()[1:]
    assert failed["status"] == "failed"
    assert REASON in failed["error"]
    assert [trial["status"] for trial in trained] == ["done", "done"]
    told = {event["trial"]: event["error"] for event in run.events()[0] if event["event"] == "trial_end"}
    assert REASON in told.pop("t001")
    assert set(told.values()) == {None}
    assert "t001" not in [row["model"] for row in run.leaderboard()["rows"]]

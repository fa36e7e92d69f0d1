"""A parameter set that cannot be trained is a row with its reason, and the run goes on without it."""

import pytest

from dl_core.data.importing import import_file
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan
from tests import examples

pytestmark = pytest.mark.heavy
REASON = "a layer of this width does not fit into memory"


def test_a_failing_trial_is_a_row_with_its_reason(tmp_path, monkeypatch):
    from dl_core.families.mlp import MLP
    from dl_core.workflow import train as story

    real_build, builds = MLP.build, []

    def build(self, signature, params, seed):
        builds.append(params)
        if len(builds) == 2:
            raise MemoryError(REASON)
        return real_build(self, signature, params, seed)

    monkeypatch.setattr(MLP, "build", build)
    monkeypatch.setattr(story, "deliver", lambda context, bench, board: None)
    store = Store(tmp_path / "workspace")
    dataset = store.add_dataset(import_file(examples.write("table", tmp_path), store.incoming()))
    spec, _ = plan(dataset, Wishes(targets=["income"], seconds=30, trials=3, families=["mlp"]))
    run = store.create_run(spec)

    assert story.train(store, {"run": run.id}, {"attempts": 1})["status"] == "done"
    statuses = [trial["status"] for trial in run.trials()]
    assert statuses == ["done", "failed", "done"]
    assert REASON in run.trials()[1]["error"]
    events, _ = run.events()
    assert [REASON in (event["error"] or "") for event in events if event["event"] == "trial_end"] == [
        False,
        True,
        False,
    ]
    assert "t002" not in [row["model"] for row in run.leaderboard()["rows"]]

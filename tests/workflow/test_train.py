"""The story of a run, in this process: what it leaves behind, and that it can be entered again at any point."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from dl_core.data.importing import import_file
from dl_core.errors import DeepboardError
from dl_core.records import read_json, write_json
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan
from tests import examples

pytestmark = pytest.mark.heavy


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


@pytest.fixture(scope="module")
def dataset_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    store = Store(folder / "workspace")
    dataset = store.add_dataset(import_file(examples.write("table", folder), store.incoming()))
    return store, dataset


@pytest.fixture
def start(dataset_of, monkeypatch):
    """A function that queues a run of three quick trials and gives (store, run, train)."""
    from dl_core.workflow import train as story

    monkeypatch.setattr(story, "deliver", lambda context, bench, board: None)
    store, dataset = dataset_of

    def started(**wishes):
        wishes = {"targets": ["income"], "seconds": 60, "trials": 3, "epochs": 3, "families": ["mlp"], **wishes}
        run = store.create_run(plan(dataset, Wishes(**wishes))[0])
        return store, run, lambda attempt=1: story.train(store, {"run": run.id}, {"attempts": attempt})

    return started


def test_a_run_leaves_a_board_a_log_and_every_prediction(start):
    _, run, train = start()
    assert train()["status"] == "done"
    board = run.leaderboard()
    kinds = Counter(row["kind"] for row in board["rows"])
    assert kinds == {"baseline": 3, "network": 1}
    assert board["looks"] == 1
    for row in board["rows"]:
        assert row["interval"][0] <= row["test"] <= row["interval"][1]
        assert (run.model_folder(row["model"]) / "test.npy").exists()
    decided = {decision["key"] for decision in run.decisions()}
    assert {"split", "families", "plan", "choice.1"} <= decided
    assert all(decision["why"] for decision in run.decisions())
    sources = [trial["source"] for trial in run.trials()]
    assert "portfolio" in sources and "oracle" in sources


def test_a_network_better_than_guessing_comes_out(start):
    _, run, train = start(epochs=20)
    train()
    rows = {row["model"]: row for row in run.leaderboard()["rows"]}
    assert rows[run.leaderboard()["best_network"]]["test"] > rows["dummy"]["test"] + 0.2


@pytest.mark.parametrize("event", ["phase", "model", "trial_start", "epoch", "trial_end", "plan"])
def test_a_run_that_dies_goes_on_and_every_trial_counts_once(start, monkeypatch, event):
    from dl_core.workflow.context import RunContext

    _, run, train = start()
    emit, seen = RunContext.emit, Counter()

    def dying(self, name, /, **fact):
        emit(self, name, **fact)
        seen[name] += 1
        if name == event and seen[name] == 2 - (event in ("plan",)):
            raise Killed

    monkeypatch.setattr(RunContext, "emit", dying)
    with pytest.raises(Killed):
        train()
    monkeypatch.setattr(RunContext, "emit", emit)
    assert train(2)["status"] == "done"
    ended = Counter(e["trial"] for e in run.events()[0] if e["event"] == "trial_end")
    assert ended == Counter(["t001", "t002", "t003"])
    assert [trial["status"] for trial in run.trials()] == ["done"] * 3
    assert len({str(trial["params"]) for trial in run.trials()}) == 3
    keys = Counter(decision["key"] for decision in run.decisions())
    assert set(keys.values()) == {1}


def test_a_death_between_a_trials_record_and_its_event_is_mended(start, monkeypatch):
    from dl_core.workflow.context import RunContext

    _, run, train = start()
    emit = RunContext.emit

    def dying(self, name, /, **fact):
        if name == "trial_end":
            raise Killed
        emit(self, name, **fact)

    monkeypatch.setattr(RunContext, "emit", dying)
    with pytest.raises(Killed):
        train()
    monkeypatch.setattr(RunContext, "emit", emit)
    train(2)
    ended = [e["trial"] for e in run.events()[0] if e["event"] == "trial_end"]
    assert ended[0] == "t001" and sorted(ended) == ["t001", "t002", "t003"]  # later ones run side by side


def test_stop_keeps_the_best_and_cancel_keeps_nothing(start, monkeypatch):
    from dl_core.workflow.context import RunContext

    emit = RunContext.emit

    def run_and(request):
        store, run, train = start(trials=None, epochs=None)
        with store.catalogue.transaction() as connection:
            connection.execute("update jobs set status = 'running', attempts = 1 where run = ?", (run.id,))

        def asking(self, name, /, **fact):
            emit(self, name, **fact)
            if name == "trial_end":
                getattr(store, request)(run.id)

        monkeypatch.setattr(RunContext, "emit", asking)
        return train(), run

    result, run = run_and("request_stop")
    assert result["status"] == "stopped"
    assert run.leaderboard()["best_network"].startswith("t")
    result, run = run_and("request_cancel")
    assert result == {"status": "cancelled"}
    assert run.leaderboard() is None


def test_added_time_continues_the_search_and_the_looks_are_counted(start, monkeypatch):
    from dl_core.workflow.context import RunContext

    store, run, train = start(trials=None, seconds=12)
    train()
    before, emit = len(run.trials()), RunContext.emit

    def stopping(self, name, /, **fact):
        emit(self, name, **fact)
        if name == "trial_end":  # one more trial is enough, however long a slow machine takes for it
            store.request_stop(run.id)

    monkeypatch.setattr(RunContext, "emit", stopping)
    with store.catalogue.transaction() as connection:
        connection.execute("update runs set seconds = seconds + 300 where id = ?", (run.id,))
        connection.execute("update jobs set status = 'running' where run = ?", (run.id,))
    train(2)
    assert len(run.trials()) > before
    assert run.leaderboard()["looks"] == 2


def test_a_run_that_dies_right_after_judging_has_looked_once(start, monkeypatch):
    from dl_core.workflow import train as story

    def dying(context, bench, board):
        raise Killed

    _, run, train = start()
    with monkeypatch.context() as patched:
        patched.setattr(story, "deliver", dying)
        with pytest.raises(Killed):
            train()
    first = run.leaderboard()
    assert first["looks"] == 1
    train(2)
    assert run.leaderboard() == first
    assert [d["key"] for d in run.decisions() if d["key"].startswith("choice.")] == ["choice.1"]


def test_a_stop_during_the_baselines_fits_no_further_ones(start, monkeypatch):
    from dl_core.workflow import context

    store, run, train = start()
    with store.catalogue.transaction() as connection:
        connection.execute("update jobs set status = 'running', attempts = 1 where run = ?", (run.id,))
    emit = context.RunContext.emit

    def asking(self, name, /, **fact):
        emit(self, name, **fact)
        if name == "model":
            store.request_stop(run.id)

    monkeypatch.setattr(context.RunContext, "emit", asking)
    monkeypatch.setattr(context, "CONTROL_SECONDS", 0.0)
    with pytest.raises(DeepboardError, match="stopped before a network was trained"):
        train()
    assert len(list(run.folder.glob("models/*/model.json"))) == 1


def test_a_first_network_stands_on_the_board_before_slow_baselines(start):
    _, run, train = start()
    train()
    told = [event for event in run.events()[0] if event["event"] in ("model", "trial_start", "trial_end")]
    names = [event.get("model") or event["trial"] for event in told]
    assert names.index("linear") < names.index("t001") < names.index("trees")
    assert [event["event"] for event in told if event.get("trial") == "t001"] == ["trial_start", "trial_end"]
    assert told[names.index("trees") - 1]["event"] == "trial_end"


def test_a_baseline_that_a_kill_left_half_written_does_not_stand_on_the_board(start):
    _, run, train = start()
    train()
    (run.model_folder("dummy") / "model.json").unlink()
    from dl_core.workflow.context import RunContext
    from dl_core.workflow.deliver import bench_of
    from dl_core.workflow.judge import judge

    board = judge(RunContext(Store(run.workspace), run, 2), bench_of(run))
    assert "dummy" not in {row["model"] for row in board["rows"]}


def test_preparing_already_counts_on_the_clock(start, monkeypatch):
    from dl_core.workflow.context import RunContext

    store, run, _ = start()
    context = RunContext(store, run, 1)
    context.decide("split", "by hand", "a test")
    assert (run.folder / "clock.json").exists()


@pytest.mark.parametrize(("budget", "kept"), [(5, 2.5), (20, 6), (60, 15), (600, 20)])
def test_no_more_than_half_of_a_budget_is_kept_for_the_delivery(start, budget, kept):
    from dl_core.workflow.context import RunContext
    from dl_core.workflow.train import plan_phases

    store, run, _ = start(seconds=budget)
    plan = plan_phases(RunContext(store, run, 1))
    assert plan["deliver"] == kept and plan["portfolio"] == plan["search"] > 0


def test_a_bundle_and_its_download_are_written_anew_when_the_board_is(start, monkeypatch):
    from dl_core.workflow import deliver

    _, run, train = start()
    train()
    packed = []

    def export(bundle, target, **_):
        packed.append(read_json(bundle / "bundle.json")["meta"]["board"])
        write_json(target, {})
        write_json(target.with_suffix(".receipt.json"), {"passed": True})
        return target, {"passed": True}

    monkeypatch.setattr(deliver, "export", export)
    first = run.leaderboard()
    for _ in range(2):
        deliver.write_download(run, "dummy")
    assert packed == [first["rows"]]
    write_json(run.folder / "leaderboard.json", {**first, "rows": first["rows"][:1], "looks": 2})
    for _ in range(2):
        deliver.write_download(run, "dummy")
    assert packed == [first["rows"], first["rows"][:1]]
    deliver._withdraw(run.folder / "exports", keep="dummy")
    assert len(list(run.folder.glob("exports/*"))) == 2
    deliver._withdraw(run.folder / "exports", keep="t001")
    assert list(run.folder.glob("exports/*")) == []
    assert [path.name for path in run.model_folder("dummy").iterdir() if path.name.startswith(".")] == []


def test_rows_without_weight_teach_no_model(tmp_path, monkeypatch):
    from dl_core.workflow import train as story

    monkeypatch.setattr(story, "deliver", lambda context, bench, board: None)
    random = np.random.default_rng(0)
    size, part = random.normal(size=900), np.repeat(["train", "valid", "test"], 300)
    lying = (part == "train") & (random.random(900) < 0.7)
    frame = pd.DataFrame({"size": size, "part": part, "weight": np.where(lying, 0, 3), "answer": (size > 0) != lying})
    frame.to_csv(tmp_path / "lies.csv", index=False)
    store = Store(tmp_path / "workspace")
    dataset = store.add_dataset(import_file(tmp_path / "lies.csv", store.incoming()))
    dataset.add_schema(dataset.schema.edited({"weight": {"role": "weight"}}))
    wishes = {"targets": ["answer"], "split": "part", "trials": 1, "epochs": 20, "families": ["mlp"]}
    run = store.create_run(plan(dataset, Wishes(**wishes))[0])
    story.train(store, {"run": run.id}, {"attempts": 1})
    scores = {row["family"]: row["test"] for row in run.leaderboard()["rows"]}
    assert min(scores[name] for name in ("linear", "trees", "mlp")) > 0.95, scores

"""The refit: the delivered network has learned from every labelled row, whatever interrupts it on the way there."""

import json

import numpy as np
import pytest

from dl_core.data.importing import import_file
from dl_core.errors import TrialError
from dl_core.records import read_json, write_json
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan
from tests import examples

pytestmark = pytest.mark.heavy


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refit")
    examples.table(80).to_csv(folder / "people.csv", index=False)
    store = Store(folder / "workspace")
    return store, store.add_dataset(import_file(folder / "people.csv", store.incoming()))


@pytest.fixture
def start(workspace, monkeypatch):
    """A function that queues a run of one quick trial and gives (run, train, delivered): the last is what each delivery
    found written, in place of a delivery."""
    from dl_core.workflow import train as story

    delivered = []

    def deliver(context, bench, board):
        delivered.append(written(context.run))

    monkeypatch.setattr(story, "deliver", deliver)
    store, dataset = workspace

    def started(**wishes):
        wishes = {"targets": ["income"], "seconds": 60, "trials": 1, "epochs": 3, "families": ["mlp"], **wishes}
        run = store.create_run(plan(dataset, Wishes(**wishes))[0])
        return run, lambda attempt=1: story.train(store, {"run": run.id}, {"attempts": attempt}), delivered

    return started


def written(run):
    """(what the board's network says of its refit, whether there are weights of one)"""
    folder = run.model_folder("t001")
    return read_json(folder / "model.json").get("refit"), (folder / "refit.npz").exists()


def said(run) -> list[str]:
    return [decision["what"] + ": " + decision["why"] for decision in run.decisions() if "refit" in decision["key"]]


def weights(run, name: str):
    from dl_core.training.trainer import Outcome

    return Outcome.load(run.folder / name).weights


def test_the_best_network_is_trained_again_on_every_labelled_row(start):
    from dl_core.workflow.deliver import bench_of, trained_network

    run, train, _ = start()
    train()
    refit, exists = written(run)
    assert exists and refit["samples"] == 80 == run.prepared.size("train") + run.prepared.size("test")
    assert [line.split(":")[0] for line in said(run)] == [
        "The delivered network is trained again on all 80 labelled samples"
    ]
    again = weights(run, "models/t001/refit.npz")
    for member in ("weights.npz", "weights-1.npz"):
        assert not np.allclose(again[0], weights(run, f"trials/t001/{member}")[0], atol=1e-4)
    network = trained_network(run, "t001", bench_of(run))
    assert len(network.trainable_variables) == len(again)
    assert all(np.array_equal(v.numpy(), w) for v, w in zip(network.trainable_variables, again, strict=True))
    row = next(row for row in run.leaderboard()["rows"] if row["model"] == "t001")
    assert refit["parameters"] == network.count_params() == row["parameters"] / 5
    assert not list(run.model_folder("t001").glob("*checkpoint*"))


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [({"refit": False}, "you switched the refit off"), ({"seconds": 0.1}, "s are left for it")],
)
def test_a_refit_that_is_not_wanted_or_takes_too_long_is_left_out_with_its_reason(start, wishes, sentence):
    from dl_core.workflow.deliver import bench_of, trained_network

    run, train, _ = start(**wishes)
    train()
    assert written(run) == (None, False)
    assert len(said(run)) == 1 and sentence in said(run)[0]
    assert trained_network(run, "t001", bench_of(run)).count_params() > 4 * len(weights(run, "trials/t001/weights.npz"))


def test_a_stopped_run_is_delivered_as_it_was_scored_and_refitted_when_it_goes_on(start, workspace, monkeypatch):
    from dl_core.workflow import context

    store, _ = workspace
    run, train, _ = start()
    emit = context.RunContext.emit

    def stopping(self, name, /, **fact):
        emit(self, name, **fact)
        if (name, fact.get("phase")) == ("phase", "judge"):
            store.request_stop(run.id)

    monkeypatch.setattr(context, "CONTROL_SECONDS", 0.0)
    monkeypatch.setattr(context.RunContext, "emit", stopping)
    with store.catalogue.transaction() as connection:
        connection.execute("update jobs set status = 'running', attempts = 1 where run = ?", (run.id,))
    assert train()["status"] == "stopped"
    assert written(run) == (None, False)
    assert "you stopped the run" in said(run)[0]
    monkeypatch.setattr(context.RunContext, "emit", emit)
    with store.catalogue.transaction() as connection:
        connection.execute("update runs set stop = 0 where id = ?", (run.id,))
    assert train(2)["status"] == "done"
    assert written(run)[1]
    assert "trained again" in said(run)[-1]


def test_a_refit_that_fails_costs_nothing_but_itself(start, monkeypatch):
    from dl_core.tuning import trial

    def failing(*_, **__):
        raise TrialError("The loss was no number after 3 steps; the learning rate is too high.")

    monkeypatch.setattr(trial.trainer, "refit", failing)
    run, train, _ = start()
    assert train()["status"] == "done"
    assert written(run) == (None, False)
    assert "no number after 3 steps" in said(run)[0]


@pytest.mark.parametrize("moment", ["in its middle", "before its weights", "after its weights"])
def test_a_kill_in_a_refit_leaves_a_run_that_ends_as_if_nothing_had_been(start, monkeypatch, moment):
    from dl_core.training import trainer
    from dl_core.workflow import refit as module

    run, train, delivered = start(epochs=60)
    calls = []

    def dying(call, when):
        def die(*args, **named):
            calls.append(when)
            if when == "after its weights" or len(calls) < 2:
                result = call(*args, **named)
                if when == "before its weights":
                    raise Killed
                return result
            raise Killed

        return die

    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(trainer, "SEGMENT_SECONDS", 1e-6)
    with monkeypatch.context() as patch:
        if moment == "in its middle":
            patch.setattr(trainer._Refit, "_save_if_due", dying(trainer._Refit._save_if_due, moment))
        elif moment == "before its weights":
            patch.setattr(trainer, "refit", dying(trainer.refit, moment))
        else:
            patch.setattr(module, "write_json", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            train()
    weights_there = moment == "after its weights"
    assert written(run) == (None, weights_there) and delivered == []
    checkpoint = run.model_folder("t001") / "refit.checkpoint.npz"
    assert checkpoint.exists()
    steps = []
    segment = trainer._Refit._segment
    with monkeypatch.context() as patch:
        patch.setattr(trainer._Refit, "_segment", lambda self, n: (steps.append(self.state.step), segment(self, n)))
        assert train(2)["status"] == "done"
    assert all(step > 0 for step in steps), "it goes on from the checkpoint"
    assert bool(steps) == (moment == "in its middle")
    assert delivered == [written(run)] and delivered[0][0]["samples"] == 80
    assert not checkpoint.exists() and len(said(run)) == 1
    assert run.leaderboard()["looks"] == 1


def test_a_bundle_that_was_written_before_the_refit_is_written_anew(start):
    from dl_core.workflow.deliver import bench_of, write_bundle

    run, train, _ = start()
    train()
    refit = read_json(run.model_folder("t001") / "model.json")
    bench = bench_of(run)
    (run.model_folder("t001") / "refit.npz").rename(kept := run.folder / "kept.npz")
    write_json(run.model_folder("t001") / "model.json", {k: v for k, v in refit.items() if k != "refit"})
    before = read_json(write_bundle(run, "t001", bench) / "bundle.json")["meta"]
    kept.rename(run.model_folder("t001") / "refit.npz")
    write_json(run.model_folder("t001") / "model.json", refit)
    after = read_json(write_bundle(run, "t001", bench) / "bundle.json")["meta"]
    assert before["refit"] is None and after["refit"]["samples"] == 80
    assert before["parameters"] == 5 * after["parameters"]


def test_the_download_answers_with_the_refitted_network(start, monkeypatch):
    from dl_core.bundle.predictor import Predictor
    from dl_core.workflow.deliver import bench_of, trained_network, write_download

    run, train, _ = start()
    train()
    archive, receipt = write_download(run, "t001")
    assert receipt["passed"] and archive.exists()
    assert written(run)[1]
    prepared = run.prepared
    inputs = {name: np.asarray(array) for name, array in prepared.inputs("test").items()}
    bench = bench_of(run)
    refitted = bench.decode(trained_network(run, "t001", bench)(inputs).numpy())
    frame = run.dataset.table(rows=prepared.rows("test").tolist())
    answers = Predictor.load(run.model_folder("t001") / "bundle").predict(frame)
    np.testing.assert_allclose(answers, refitted, atol=1e-5)
    assert not np.allclose(answers, np.load(run.model_folder("t001") / "test.npy"), atol=1e-3)
    assert json.loads((run.model_folder("t001") / "bundle" / "bundle.json").read_text())["meta"]["refit"]


@pytest.mark.parametrize("modality", ["image", "series"])
def test_pictures_and_series_are_refitted_on_all_their_parts(tmp_path, modality, monkeypatch):
    from dl_core.workflow import train as story

    monkeypatch.setattr(story, "deliver", lambda context, bench, board: None)
    file = examples.write(modality, tmp_path)
    store = Store(tmp_path / "workspace")
    dataset = store.add_dataset(import_file(file, store.incoming()))
    wishes = {
        "image": {"families": ["resnet"]},
        "series": {"targets": ["sales"], "horizon": 7, "families": ["dlinear"]},
    }
    run = store.create_run(plan(dataset, Wishes(seconds=120, trials=1, epochs=1, **wishes[modality]))[0])
    story.train(store, {"run": run.id}, {"attempts": 1})
    refit, exists = written(run)
    parts = sum(run.prepared.size(part) for part in ("train", "valid", "test"))
    assert exists and (refit["samples"] == parts if modality == "image" else refit["samples"] > parts)
    assert not np.array_equal(weights(run, "models/t001/refit.npz")[0], weights(run, "trials/t001/weights.npz")[0])

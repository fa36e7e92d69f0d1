"""A trial on a small table: a network for every fold, judged by what it did not learn from, all of them together."""

from collections import Counter

import numpy as np
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.errors import Interrupted
from dl_core.metrics import METRICS
from dl_core.prepared import load_prepared
from dl_core.records import read_json
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec
from dl_core.samples.rows import prepare
from dl_core.tasks import TASKS
from tests import examples

pytestmark = pytest.mark.heavy

PARAMS = {"width": 16, "layers": 1, "dropout": 0.0, "learning_rate": 5e-3, "weight_decay": 0.0}


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


def _prepared(folder, frame, task: TaskSpec):
    frame.to_csv(folder / "data.csv", index=False)
    dataset = Dataset(import_file(folder / "data.csv", folder / "dataset", layout="table"))
    spec = RunSpec(dataset=dataset.id, schema_version=1, task=task, split=SplitSpec(kind="stratified", test_share=0.25))
    prepare(dataset, spec, None, folder / "prepared", lambda *_: None)
    return load_prepared(folder / "prepared")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    task = TaskSpec(kind="classification", targets=("income",), metric="roc_auc")
    return _prepared(tmp_path_factory.mktemp("people"), examples.table(80), task)


@pytest.fixture(scope="module")
def bench(people):
    """The trials of this module share the compiled programs."""
    return _bench(people, "classification", "roc_auc")


def _bench(prepared, kind, metric):
    from dl_core.tuning.trial import Bench

    return Bench(prepared=prepared, task=TASKS.load(kind)(), metric=METRICS.load(metric), seed=0)


def _trial(bench, folder, *, stopping=lambda: False, emit=lambda *_, **__: None, epochs=3, poor=None, trial="t001"):
    from dl_core.tuning.trial import Order, run_trial

    folder.mkdir(exist_ok=True)
    order = Order(trial=trial, family="mlp", params=PARAMS, source="portfolio", seconds=60.0, epochs=epochs)
    poor = {} if poor is None else {"poor": poor}
    return run_trial(bench, folder, order, deadline=lambda: 60.0, stopping=stopping, emit=emit, **poor)


@pytest.fixture(scope="module")
def done(bench, tmp_path_factory):
    """(record, folder) of a trial that nothing disturbed."""
    folder = tmp_path_factory.mktemp("t001")
    return _trial(bench, folder), folder


def test_every_row_is_judged_by_the_member_that_did_not_learn_from_it(bench, done):
    record, folder = done
    assert record["status"] == "done" and record["members"] == bench.members == 5
    answers = np.load(folder / "valid.npy")
    codes, inputs = bench.prepared.fold_codes, bench.prepared.inputs("train")
    assert len(answers) == len(codes) == 60
    for member in range(5):
        learned, own = bench.member_feeds(member)
        assert not set(learned.rows) & set(own.rows) and len(learned.rows) + len(own.rows) == 60
        np.testing.assert_array_equal(np.flatnonzero(codes == member), own.rows)
        alone = bench.decode(_raw(bench, folder, member, inputs))
        np.testing.assert_allclose(answers[codes == member], alone[codes == member], atol=1e-5)
        assert not np.allclose(answers[codes != member], alone[codes != member], atol=1e-3)
    truth = bench.prepared.truth("valid")
    assert record["score"] == pytest.approx(bench.metric.compute(truth, answers))


def _member(bench, folder, member):
    from dl_core.tuning.trial import _load_state, _ordered

    model = bench.network(_ordered(folder), member)
    _load_state(folder, member).assign_to(model)
    return model


def _raw(bench, folder, member, inputs):
    return np.asarray(_member(bench, folder, member)({name: np.asarray(array) for name, array in inputs.items()}))


def test_rows_in_the_fold_of_a_member_do_not_change_what_it_learns(bench, done, monkeypatch):
    """The target of a fold's rows is poisoned: the member that is judged by them stays as it was, the others change."""
    from dl_core.records import read_arrays

    _, folder = done
    poisoned = _bench(bench.prepared, "classification", "roc_auc")
    inside = bench.prepared.fold_codes == 0
    target = np.array(bench.prepared.target("train"))
    target[inside] = 1 - target[inside]
    monkeypatch.setattr(type(bench.prepared), "target", lambda self, part: target)
    _trial(poisoned, other := folder.parent / "poisoned")
    monkeypatch.undo()
    for member in range(5):
        name = f"weights-{member}.npz" if member else "weights.npz"
        before, after = (read_arrays(each / name) for each in (folder, other))
        curves = [np.array(each["raw"]) for each in (before, after)]
        if member == 0:  # the best moment is chosen by the score on the true answers, which are the same
            np.testing.assert_allclose(*curves, atol=1e-5)
        else:
            assert not np.allclose(*curves, atol=1e-5)


def test_the_members_answer_with_their_mean_as_one_network(bench, done):
    from dl_core.tuning.trial import load_network, predict_part

    _, folder = done
    inputs = {name: np.asarray(array) for name, array in bench.prepared.inputs("test").items()}
    raws = [_raw(bench, folder, member, inputs) for member in range(5)]
    assert np.ptp(raws, axis=0).max() > 1e-3  # they differ
    network = load_network(bench, folder)
    np.testing.assert_allclose(np.asarray(network(inputs)), np.mean(raws, axis=0), atol=1e-5)
    np.testing.assert_allclose(predict_part(bench, folder, "test"), bench.decode(np.mean(raws, axis=0)), atol=1e-5)
    assert set(network.input) == set(bench.prepared.signature.inputs)


def test_the_network_of_all_members_answers_the_same_from_a_bundle(bench, done, tmp_path):
    from dl_core.bundle.folder import save_bundle
    from dl_core.bundle.predictor import Predictor
    from dl_core.tuning.trial import load_network, predict_part

    _, folder = done
    dataset = Dataset(bench.prepared.folder.parent / "dataset")
    save_bundle(
        tmp_path / "bundle",
        network=load_network(bench, folder),
        prepared_state=bench.prepared.state,
        task_spec=TaskSpec(kind="classification", targets=("income",), metric="roc_auc"),
        schema=dataset.schema,
        meta={"name": "mlp"},
    )
    frame = dataset.table(rows=bench.prepared.rows("test").tolist())
    answers = Predictor.load(tmp_path / "bundle").predict(frame)
    np.testing.assert_allclose(answers, predict_part(bench, folder, "test"), atol=1e-5)


@pytest.mark.parametrize("when", ["in a member", "between two", "before the record"])
def test_a_killed_trial_trains_no_finished_member_again_and_gives_the_same(bench, done, tmp_path, monkeypatch, when):
    from dl_core.training.trainer import Outcome
    from dl_core.tuning import trial as module

    told, died = [], []

    def emit(name, **fact):
        if name == "epoch":
            told.append(fact["member"])
            if when == "in a member" and fact["member"] == 2 and fact["epoch"] == 2 and not died:
                died.append(1)
                raise Killed

    save, describe = Outcome.save, module._described

    def saving(self, path):
        save(self, path)
        if when == "between two" and path.name == "weights-1.npz" and not died:
            died.append(1)
            raise Killed

    def describing(*args):
        if when == "before the record" and not died:
            died.append(1)
            raise Killed
        return describe(*args)

    monkeypatch.setattr(Outcome, "save", saving)
    monkeypatch.setattr(module, "_described", describing)
    with pytest.raises(Killed):
        _trial(bench, tmp_path / "t001", emit=emit)
    assert read_json(tmp_path / "t001" / "trial.json")["status"] == "running"
    before = Counter(told)
    told.clear()
    events = []
    record = _trial(bench, tmp_path / "t001", emit=lambda name, **fact: (events.append(name), emit(name, **fact)))
    again = Counter(told)
    expected = {"in a member": {2, 3, 4}, "between two": {2, 3, 4}, "before the record": set()}[when]
    assert set(again) == expected
    assert set(before) - expected == set(range(5)) - expected
    assert events.count("trial_start") == 0 and events.count("trial_end") == 1
    np.testing.assert_allclose(np.load(tmp_path / "t001" / "valid.npy"), np.load(done[1] / "valid.npy"), atol=1e-5)
    assert record["score"] == pytest.approx(done[0]["score"])
    assert record["seconds"] > 0 and not list((tmp_path / "t001").glob("checkpoint*"))


def test_what_finished_members_took_counts_towards_the_share_of_the_trial(bench, done, monkeypatch):
    """A trial whose share is used up by what it did before a kill gets no second one."""
    from dl_core.training.trainer import Outcome
    from dl_core.tuning import trial as module

    _, folder = done
    left = []

    def train(bench, folder, order, model, remaining, *_):
        left.append(remaining())
        raise Killed

    monkeypatch.setattr(module, "_train", train)
    monkeypatch.setattr(module, "write_json", lambda *_: None)
    with pytest.raises(Killed):
        _trial(bench, folder)
    spent = [Outcome.load(path).seconds for path in folder.glob("weights*.npz")]
    assert len(spent) == 5 and left[0] <= 60.0 - sum(spent)


def test_a_stop_in_the_middle_of_a_trial_leaves_all_members_trained(bench, tmp_path):
    from dl_core.training.trainer import Outcome

    members = []

    def emit(name, **fact):
        members.append(fact.get("member"))

    record = _trial(bench, tmp_path / "t001", stopping=lambda: 1 in members, emit=emit, epochs=10**5)
    assert record["status"] == "stopped" and record["members"] == 5
    for path in (tmp_path / "t001").glob("weights*.npz"):
        last = Outcome.load(path).curve[-1]
        assert 10 < last["step"] < 10**5, "each member learned for a moment, none for the whole schedule"
    assert np.load(tmp_path / "t001" / "valid.npy").shape == (60, 2)


def test_a_cancel_in_the_middle_of_a_trial_ends_it_at_once(bench, tmp_path):
    members = []

    def stopping():
        if 1 in members:
            raise Interrupted("cancel")
        return False

    with pytest.raises(Interrupted):
        _trial(
            bench, tmp_path / "t001", stopping=stopping, emit=lambda name, **fact: members.append(fact.get("member"))
        )
    assert read_json(tmp_path / "t001" / "trial.json")["status"] == "running"
    assert (tmp_path / "t001" / "weights.npz").exists() and 2 not in members


def test_a_poor_trial_trains_one_member_alone_and_is_never_delivered(bench, tmp_path):
    from dl_core.workflow.judge import best_of_each_family

    record = _trial(bench, tmp_path / "t001", poor=lambda share, score: True)
    assert (record["status"], record["members"]) == ("pruned", 1)
    assert not (tmp_path / "t001" / "valid.npy").exists()
    assert best_of_each_family([record], 1) == []


def test_folds_that_show_one_class_are_trained_to_their_smallest_loss(tmp_path):
    """Thirty rows with four of a class: not every fold can be scored by an area, the whole can."""
    frame = examples.table(40)
    frame["income"] = np.where(np.arange(40) % 13 == 0, ">50K", "<=50K")
    task = TaskSpec(kind="classification", targets=("income",), metric="roc_auc")
    bench = _bench(_prepared(tmp_path, frame, task), "classification", "roc_auc")
    record = _trial(bench, tmp_path / "t001", epochs=5)
    assert record["status"] == "done", record["error"]
    assert 0.0 <= record["score"] <= 1.0
    assert record["length"] > 0.2


def test_several_targets_are_answered_out_of_fold(tmp_path):
    random = np.random.default_rng(0)
    frame = examples.table(60).assign(price=random.normal(size=60), height=random.normal(10, 3, 60))
    task = TaskSpec(kind="regression", targets=("price", "height"), metric="rmse")
    bench = _bench(_prepared(tmp_path, frame, task), "regression", "rmse")
    record = _trial(bench, tmp_path / "t001")
    assert record["status"] == "done", record["error"]
    assert np.load(tmp_path / "t001" / "valid.npy").shape == bench.prepared.truth("valid").shape == (45, 2)


def test_a_refit_learns_from_every_row_and_answers_otherwise(bench, done, tmp_path):
    from dl_core.training.trainer import Outcome
    from dl_core.tuning.trial import refit, refitted_network

    record, folder = done
    outcome = refit(bench, folder, tmp_path / "refit.npz", lambda: 60.0, lambda: False)
    assert outcome.epochs == pytest.approx(record["planned"] * record["length"], abs=1.0)
    outcome.save(tmp_path / "weights.npz")
    network = refitted_network(bench, folder, Outcome.load(tmp_path / "weights.npz"))
    assert network.count_params() * 5 == record["parameters"]
    inputs = {name: np.asarray(array) for name, array in bench.prepared.inputs("test").items()}
    assert not np.allclose(np.asarray(network(inputs)), _raw(bench, folder, 0, inputs), atol=1e-3)


@pytest.mark.parametrize(("seconds", "speed", "probes"), [(60.0, 1.0, 1), (2.0, 1.0, 0), (60.0, 1e9, 0)])
def test_xla_is_measured_once_a_width_where_trials_are_long(people, monkeypatch, seconds, speed, probes):
    """The first network of a run waits for no probe, nor does one that is trained before a probe would end."""
    from dl_core.training.probe import Probed
    from dl_core.tuning import trial

    said = []
    bench = _bench(people, "classification", "roc_auc")
    bench.decide = lambda key, what, why: said.append((key, what))
    monkeypatch.setattr(trial, "speed_of", lambda *_: speed)
    monkeypatch.setattr(trial, "faster", lambda program, other, feed, speed: Probed(other, 1.0, 2.0))
    for layers in (1, 2, 3):
        params = {**PARAMS, "layers": layers}
        order = trial.Order(trial="t001", family="mlp", params=params, source="portfolio", seconds=seconds)
        program = bench.program(order, bench.network(order))
        assert program.jit == (layers == 1 or not probes)
    assert said == [("xla.mlp.16", "MLP of width 16 is compiled without XLA")] * probes

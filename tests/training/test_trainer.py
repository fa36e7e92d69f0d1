"""Training one network: it learns, keeps its time, resumes where it was, and says so when it cannot."""

import keras
import numpy as np
import pytest

from dl_core.errors import Interrupted, TrialError
from dl_core.layers import losses
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.training import trainer
from dl_core.training.feeds import RowFeed
from dl_core.training.program import Program, TrainState
from dl_core.training.recipe import Recipe
from dl_core.training.trainer import Goal, Outcome, refit, seconds_spent, train
from tests.contracts.signatures import Memorised

pytestmark = pytest.mark.heavy

ROWS = 512


def _setting(learning_rate: float = 0.05, epochs: int = 30):
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3)).astype(np.float32)
    y = (x @ np.array([[1.0], [-2.0], [0.5]]) + 0.1).astype(np.float32)
    signature = ModelSignature(inputs={"numeric": TensorSpec(shape=(3,))}, output=(1,))
    feed = RowFeed(Memorised(signature, {"numeric": x}, y), "train")
    keras.utils.set_random_seed(0)
    inputs = {"numeric": keras.Input((3,), name="numeric")}
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs["numeric"]))
    recipe = Recipe(batch_size=64, epochs=epochs, learning_rate=learning_rate)
    program = Program(model, losses.squared_error, feed, recipe)
    goal = Goal(score=lambda raw: float(np.sqrt(np.mean((raw - y) ** 2))), sign=-1)
    return program, model, recipe, feed, goal


def _train(folder, *, stopping=lambda: False, remaining=lambda: 60.0, tell=lambda record: None, **changes):
    folder.mkdir(exist_ok=True)
    program, model, recipe, feed, goal = _setting(**changes)
    return train(
        program, model, recipe, feed, feed, goal, seed=0, checkpoint=folder / "checkpoint.npz",
        remaining=remaining, stopping=stopping, tell=tell,
    )  # fmt: skip


def test_a_linear_problem_is_solved_and_every_epoch_is_told(tmp_path):
    told = []
    outcome = _train(tmp_path, tell=told.append)
    assert outcome.score < 0.05
    assert [record["epoch"] for record in told] == list(range(1, 31))
    assert told == outcome.curve
    assert told[-1]["train_loss"] < told[0]["train_loss"]


def test_the_best_weights_are_kept_not_the_last(tmp_path):
    outcome = _train(tmp_path)
    assert outcome.score == min(record["score"] for record in outcome.curve)


def test_ties_go_to_the_smaller_loss(tmp_path):
    program, model, recipe, feed, goal = _setting(epochs=5)
    flat = Goal(score=lambda raw: 1.0, sign=1)
    outcome = train(
        program, model, recipe, feed, feed, flat, seed=0, checkpoint=tmp_path / "checkpoint.npz",
        remaining=lambda: 60.0, stopping=lambda: False, tell=lambda record: None,
    )  # fmt: skip
    losses = [record["valid_loss"] for record in outcome.curve]
    assert goal.score(outcome.raw) == pytest.approx(np.sqrt(min(losses)), rel=1e-3)
    assert losses[-1] < losses[0]


def test_the_same_seed_gives_the_same_training(tmp_path):
    first, second = _train(tmp_path / "a", epochs=5), _train(tmp_path / "b", epochs=5)
    assert [r["score"] for r in first.curve] == [r["score"] for r in second.curve]


def test_training_ends_with_its_time_and_has_a_score(tmp_path):
    outcome = _train(tmp_path, remaining=lambda: 0.0, epochs=10**6)
    assert outcome.seconds < 30
    assert np.isfinite(outcome.score)


def test_stop_keeps_the_best_so_far(tmp_path):
    looks = iter([False] * 6)
    outcome = _train(tmp_path, stopping=lambda: next(looks, True), epochs=10**6)
    assert outcome.stopped
    assert outcome.curve[-1]["epoch"] < 10**5
    assert np.isfinite(outcome.score)


def test_what_is_stopped_before_it_began_is_trained_for_a_moment(tmp_path):
    """The members of a trial answer together: one that learned nothing would spoil them."""
    outcome = _train(tmp_path, stopping=lambda: True, epochs=10**6)
    assert outcome.stopped
    assert outcome.curve[-1]["step"] == outcome.curve[-1]["steps"]  # annealed to its end
    assert outcome.score < 0.5 < _untrained()


def _untrained() -> float:
    program, model, _, feed, goal = _setting()
    state = TrainState.of(model)
    return goal.score(program.predict(state.weights, state.others, feed, ROWS)[0])


def test_where_no_score_can_be_told_the_loss_decides(tmp_path):
    program, model, recipe, feed, goal = _setting(epochs=5)
    nothing = Goal(score=lambda raw: float("nan"), sign=1)
    outcome = train(
        program, model, recipe, feed, feed, nothing, seed=0, checkpoint=tmp_path / "checkpoint.npz",
        remaining=lambda: 60.0, stopping=lambda: False, tell=lambda record: None,
    )  # fmt: skip
    losses = [record["valid_loss"] for record in outcome.curve]
    assert goal.score(outcome.raw) == pytest.approx(np.sqrt(min(losses)), rel=1e-3)
    assert outcome.length > 0.5


def test_an_outcome_survives_the_way_through_a_file(tmp_path):
    outcome = _train(tmp_path, epochs=3)
    outcome.save(tmp_path / "weights.npz")
    again = Outcome.load(tmp_path / "weights.npz")
    pairs = zip(
        [*again.weights, *again.others, again.raw], [*outcome.weights, *outcome.others, outcome.raw], strict=True
    )
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert {**vars(again), "weights": 0, "others": 0, "raw": 0} == {
        **vars(outcome),
        "weights": 0,
        "others": 0,
        "raw": 0,
    }
    assert seconds_spent(tmp_path / "weights.npz") == outcome.seconds
    assert Outcome.load(tmp_path / "nothing.npz") is None


def _refit(folder, *, remaining=lambda: 60.0, stopping=lambda: False, epochs=10, length=0.5):
    program, model, recipe, feed, _ = _setting(learning_rate=0.01)
    return refit(
        program, model, recipe, feed, epochs=epochs, length=length, seed=0, checkpoint=folder / "refit.npz",
        remaining=remaining, stopping=stopping,
    )  # fmt: skip


def test_a_refit_takes_the_length_it_is_told_and_goes_on_after_a_death(tmp_path, monkeypatch):
    whole = _refit(tmp_path)
    assert whole.epochs == 5
    assert not np.array_equal(whole.weights[0], _refit(tmp_path, length=0.1).weights[0])
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    looks = iter([False] * 3)

    def stopping():
        if next(looks, True):
            raise Interrupted("cancel")
        return False

    with pytest.raises(Interrupted):
        _refit(tmp_path, stopping=stopping)
    with np.load(tmp_path / "refit.npz") as left:
        assert 0 < int(left["state/step"]) < 40
    again = []
    resumed = _refit(tmp_path, stopping=lambda: bool(again.append(1)))
    assert len(again) == 2  # of five epochs; three were trained before
    np.testing.assert_allclose(resumed.weights[0], whole.weights[0], rtol=1e-5)


def test_a_refit_that_is_stopped_or_would_come_too_late_gives_nothing(tmp_path):
    assert _refit(tmp_path, stopping=lambda: True) is None
    assert _refit(tmp_path, remaining=lambda: 0.0) is None
    assert _refit(tmp_path, remaining=lambda: 1.0, epochs=10**9) is None


def test_a_cancelled_training_leaves_a_checkpoint_and_the_next_one_goes_on_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    looks = iter([False] * 10)

    def stopping():
        if next(looks, True):
            raise Interrupted("cancel")
        return False

    first = []
    with pytest.raises(Interrupted):
        _train(tmp_path, stopping=stopping, tell=first.append)
    second = []
    outcome = _train(tmp_path, tell=second.append)
    epochs = [record["epoch"] for record in outcome.curve]
    assert epochs == list(range(1, 31))
    assert second[0]["epoch"] > 5
    uninterrupted = _train(tmp_path / "other")
    assert outcome.score == pytest.approx(uninterrupted.score, rel=1e-4)


def test_a_loss_that_is_no_number_ends_the_trial_with_a_sentence(tmp_path):
    with pytest.raises(TrialError, match="no number"):
        _train(tmp_path, learning_rate=1e30)


def test_trials_that_differ_in_runtime_parameters_share_one_trace():
    program, model, recipe, feed, _ = _setting()
    state = TrainState.of(model)
    order = np.arange(ROWS)
    for rate in (0.01, 0.02, 0.3):
        hyper = {"learning_rate": rate, "weight_decay": rate, "label_smoothing": 0.0, "total_steps": 10.0 / rate}
        program.advance(state, feed, order, 0, 2, hyper)
    assert program._segment.experimental_get_tracing_count() == 1


def test_a_training_state_survives_the_way_through_a_file(tmp_path):
    _, model, _, _, _ = _setting()
    state = TrainState.of(model)
    trainer.save_arrays(tmp_path / "state.npz", state.to_arrays())
    again = TrainState.from_arrays(trainer.read_arrays(tmp_path / "state.npz"))
    assert again.step == state.step
    for name in ("weights", "others"):
        pairs = zip(getattr(again, name), getattr(state, name), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    assert np.array_equal(again.momentum, state.momentum) and np.array_equal(again.velocity, state.velocity)

"""The general path trains what has a training step of its own; without one, it does what the compiled program does."""

import keras
import numpy as np
import pytest

from dl_core.layers import losses
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.training.feeds import RowFeed
from dl_core.training.general import FitProgram, has_own_step
from dl_core.training.program import Program, TrainState
from dl_core.training.recipe import Recipe
from dl_core.training.trainer import Goal, train
from tests.contracts.signatures import Memorised

pytestmark = pytest.mark.heavy

ROWS = 512
HYPER = {"learning_rate": 0.05, "weight_decay": 0.1, "label_smoothing": 0.0, "total_steps": 64.0}


class Noisy(keras.Model):
    """A network whose training step counts itself and adds noise to its inputs."""

    steps = 0

    def train_step(self, data):
        inputs, target, weight = keras.utils.unpack_x_y_sample_weight(data)
        Noisy.steps += 1
        noise = keras.random.normal(inputs["numeric"].shape, stddev=0.01, seed=0)
        return super().train_step(({"numeric": inputs["numeric"] + noise}, target, weight))


@pytest.fixture
def feed() -> RowFeed:
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3)).astype(np.float32)
    y = (x @ np.array([[1.0], [-2.0], [0.5]]) + 0.1).astype(np.float32)
    return RowFeed(
        Memorised(ModelSignature(inputs={"numeric": TensorSpec(shape=(3,))}, output=(1,)), {"numeric": x}, y), "train"
    )


def network(kind: type[keras.Model] = keras.Model) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = {"numeric": keras.Input((3,), name="numeric")}
    return kind(inputs, keras.layers.Dense(1)(keras.layers.Dense(8, "relu")(inputs["numeric"])))


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_fit_takes_the_steps_that_the_compiled_program_takes(feed, clip_norm):
    recipe = Recipe(batch_size=64, epochs=8, learning_rate=0.05, clip_norm=clip_norm)
    order = np.random.default_rng(1).permutation(ROWS)
    ends = []
    for program in (Program, FitProgram):
        model = network()
        state, trainer = TrainState.of(model), program(model, losses.squared_error, feed, recipe)
        for first in (0, 4):  # the optimiser's memory passes from one segment to the next
            state, loss = trainer.advance(state, feed, order, first, 4, HYPER)
        ends.append((state, loss))
    (compiled, compiled_loss), (fitted, fitted_loss) = ends
    assert fitted.step == compiled.step == 8
    assert fitted_loss == pytest.approx(compiled_loss, rel=1e-3)
    for ours, keras_ in zip(compiled.weights, fitted.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(keras_), rtol=0, atol=2e-3)
    for name in ("momentum", "velocity"):
        np.testing.assert_allclose(np.asarray(getattr(compiled, name)), getattr(fitted, name), rtol=0, atol=2e-3)


def test_a_training_step_of_its_own_is_used(feed, tmp_path):
    model, recipe = network(Noisy), Recipe(batch_size=64, epochs=10, learning_rate=0.05)
    assert has_own_step(model)
    assert not has_own_step(network())
    truth = np.asarray(feed.tensors["target"])
    outcome = train(
        FitProgram(model, losses.squared_error, feed, recipe), model, recipe, feed, feed,
        Goal(score=lambda raw: float(np.sqrt(np.mean((raw - truth) ** 2))), sign=-1), seed=0,
        checkpoint=tmp_path / "checkpoint.npz", remaining=lambda: 60.0, stopping=lambda: False,
        tell=lambda record: None,
    )  # fmt: skip
    assert Noisy.steps > 0
    assert outcome.score < 0.5 * outcome.curve[0]["score"]

"""XLA is chosen by a measurement, and never measured where it would take minutes."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from dl_core.layers import losses
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.training import probe
from dl_core.training.feeds import RowFeed
from dl_core.training.program import Program, TrainState
from dl_core.training.recipe import Recipe
from tests.contracts.signatures import Memorised

pytestmark = pytest.mark.heavy

RECIPE = Recipe(batch_size=16, epochs=1, learning_rate=0.1)


@pytest.fixture
def setting():
    """A network and the feed it learns from."""
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    signature = ModelSignature(inputs={"numeric": TensorSpec(shape=(3,))}, output=(1,))
    inputs = {"numeric": keras.Input((3,), name="numeric")}
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs["numeric"]))
    return model, RowFeed(Memorised(signature, {"numeric": x}, x[:, :1]), "train")


def programs(setting, usual=True):
    """The program of the recipe's choice, and the other one."""
    model, feed = setting
    return [Program(model, losses.squared_error, feed, replace(RECIPE, jit=jit)) for jit in (usual, not usual)]


@pytest.mark.parametrize(
    ("usual", "speed", "other", "chosen"),
    [(True, 100, 50, True), (True, 100, 110, True), (True, 100, 130, False), (False, 100, 130, True)],
)
def test_the_recipe_is_overruled_by_what_is_clearly_faster(setting, monkeypatch, usual, speed, other, chosen):
    monkeypatch.setattr(probe, "speed_of", lambda *_: other)
    probed = probe.faster(*programs(setting, usual), setting[1], speed)
    assert probed.program.jit == chosen
    assert (probed.xla, probed.plain) == ((speed, other) if usual else (other, speed))


def test_a_probe_leaves_the_network_as_it_was(setting):
    model, feed = setting
    before = TrainState.of(model)
    assert all(probe.speed_of(program, feed) > 0 for program in programs(setting))
    for weight, now in zip(before.weights, TrainState.of(model).weights, strict=True):
        np.testing.assert_array_equal(weight, now)


def test_convolutions_are_found_wherever_they_lie(setting):
    picture = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.layers.Conv2D(2, 3)])
    assert probe.convolves(keras.Model(picture, inner(picture)))
    assert not probe.convolves(setting[0])

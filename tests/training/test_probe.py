"""XLA is chosen by a measurement, and never measured where it would take minutes."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from dl_core.layers import losses
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.training import probe
from dl_core.training.feeds import RowFeed
from dl_core.training.program import TrainState
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


@pytest.mark.parametrize(
    ("usual", "xla", "plain", "chosen"),
    [(True, 100, 50, True), (True, 100, 110, True), (True, 100, 130, False), (False, 130, 100, True)],
)
def test_the_recipe_is_overruled_by_what_is_clearly_faster(setting, monkeypatch, usual, xla, plain, chosen):
    speeds = iter([xla, plain])
    monkeypatch.setattr(probe, "_speed", lambda *_: next(speeds))
    model, feed = setting
    probed = probe.faster(model, losses.squared_error, feed, replace(RECIPE, jit=usual))
    assert (probed.jit, probed.xla, probed.plain) == (chosen, xla, plain)


def test_a_probe_measures_both_and_leaves_the_network_as_it_was(setting):
    model, feed = setting
    before = TrainState.of(model)
    probed = probe.faster(model, losses.squared_error, feed, RECIPE)
    assert probed.xla > 0
    assert probed.plain > 0
    for weight, now in zip(before.weights, TrainState.of(model).weights, strict=True):
        np.testing.assert_array_equal(weight, now)


def test_convolutions_are_found_wherever_they_lie(setting):
    picture = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.layers.Conv2D(2, 3)])
    assert probe.convolves(keras.Model(picture, inner(picture)))
    assert not probe.convolves(setting[0])

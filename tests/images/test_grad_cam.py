"""Grad-CAM points at what speaks for the answer, and at nothing where nothing does."""

import base64
import io

import keras
import numpy as np
import pytest
from PIL import Image

from dl_core.explain.grad_cam import heat_maps, overlay

pytestmark = pytest.mark.heavy


def _network():
    """Red speaks for class 0, blue for class 2, nothing for class 1."""
    picture = keras.Input((8, 8, 3), dtype="uint8", name="image")
    colours = keras.layers.Rescaling(1 / 255)(picture)
    features = keras.layers.AveragePooling2D(2, name="features")(colours)
    dense = keras.layers.Dense(3, use_bias=False, name="output")
    model = keras.Model({"image": picture}, dense(keras.layers.GlobalAveragePooling2D()(features)))
    dense.set_weights([np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1.0]])])
    return model


def test_the_heat_lies_where_the_class_is():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4, :4] = (255, 0, 0)
    picture[4:, 4:] = (0, 0, 255)
    red, nothing, blue = heat_maps(_network(), np.stack([picture] * 3), np.array([0, 1, 2]))
    corner = np.zeros((4, 4))
    corner[:2, :2] = 1
    np.testing.assert_allclose(red, corner, atol=1e-6)
    np.testing.assert_allclose(blue, corner[::-1, ::-1], atol=1e-6)
    assert not nothing.any()


@pytest.mark.parametrize("name", ["resnet", "cct"])
def test_both_families_can_be_asked(name):
    from tests.images.test_networks import _network as built

    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), dtype=np.uint8)
    model = built(name, (20, 20, 3))
    heat = heat_maps(model, pictures, np.array([0, 1, 2]))
    assert heat.shape == (3, *model.get_layer("features").output.shape[1:3])
    assert heat.min() >= 0 and heat.max() <= 1 + 1e-6
    alone = heat_maps(model, pictures[1:2], np.array([1]))
    np.testing.assert_allclose(heat[1:2], alone, atol=1e-4)  # pictures do not touch each other


def test_an_overlay_brightens_what_is_hot_and_dims_what_is_cold():
    grey = Image.new("RGB", (40, 20), (128, 128, 128))
    heat = np.zeros((20, 40))
    heat[:, 20:] = 1
    drawn = np.asarray(overlay(grey, heat)).mean(axis=(0, 2))
    assert drawn[:20].max() < 128 < drawn[20:].min()


def test_a_test_picture_of_a_finished_run_is_explained(finished):
    from dl_core.workflow.answer import explain

    run = finished.run("image")
    network = run.leaderboard()["best_network"]
    payload = {"run": run.id, "model": network, "name": "grad_cam", "sample": 0}
    (panel,) = explain(finished.store, payload, {})["panels"]
    classes = run.prepared.state["task"]["classes"]
    assert panel["kind"] == "images"
    assert panel["data"]["images"][0]["caption"] == classes[run.prepared.truth("test")[0]]
    for drawn in panel["data"]["images"]:
        kind, content = drawn["source"].split(",")
        assert kind == "data:image/png;base64"
        assert max(Image.open(io.BytesIO(base64.b64decode(content))).size) == 256

"""Picture networks see grey and colourful, small and large pictures, and keep what Grad-CAM needs."""

import keras
import numpy as np
import pytest

from dl_core import families
from dl_core.signature import ModelSignature, TensorSpec
from dl_core.space import defaults

pytestmark = pytest.mark.heavy

SHAPES = [(28, 28, 1), (64, 64, 3), (20, 20, 3)]


def _signature(shape, classes=3, pictures=100):
    spec = TensorSpec(shape=shape, dtype="uint8")
    return ModelSignature(inputs={"image": spec}, output=(classes,), options={"train_size": pictures})


def _network(name, shape, **changes):
    signature = _signature(shape)
    family = families.load(name)
    return family.build(signature, {**family.portfolio(signature)[0], **changes}, 0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["resnet", "cct"])
def test_features_are_a_small_map_over_the_picture(name, shape):
    model = _network(name, shape)
    _, rows, columns, channels = model.get_layer("features").output.shape
    assert 4 <= rows == columns <= 16
    assert channels >= 32
    pictures = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    assert model({"image": pictures}).shape == (2, 3)


@pytest.mark.parametrize("name", ["resnet", "cct"])
def test_random_views_change_training_only(name):
    model = _network(name, (20, 20, 3), views="strong")
    pictures = np.random.default_rng(0).integers(0, 256, (4, 20, 20, 3), dtype=np.uint8)
    calm = [keras.ops.convert_to_numpy(model({"image": pictures}, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    views = keras.Model(model.inputs, model.get_layer("views").output)
    plain = pictures / 64.0 - 2.0
    np.testing.assert_allclose(views([pictures], training=False), plain, atol=1e-6)
    assert not np.allclose(views([pictures], training=True), plain, atol=0.1)


@pytest.mark.parametrize("name", ["resnet", "cct"])
def test_pictures_without_colours_are_not_mirrored_by_default(name):
    family = families.load(name)
    grey, coloured = (defaults(family.space(_signature(shape))) for shape in ((28, 28, 1), (28, 28, 3)))
    assert (grey["views"], coloured["views"]) == ("shift", "mirror")


def test_fewer_pictures_are_trained_in_smaller_batches_and_more_epochs():
    family = families.load("resnet")
    recipes = [
        family.recipe(_signature((32, 32, 3), pictures=count), defaults(family.space(_signature((32, 32, 3)))))
        for count in (100, 1_000, 5_000, 100_000)
    ]
    assert [recipe.batch_size for recipe in recipes] == [16, 32, 64, 64]
    assert [recipe.epochs for recipe in recipes] == [120, 120, 120, 30]
    assert not any(recipe.jit for recipe in recipes)

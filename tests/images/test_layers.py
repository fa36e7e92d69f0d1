"""The layers of picture networks: the encoder's second face, random views, and the parts of a small transformer."""

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from dl_core.encoders import image
from dl_core.layers.image import (
    PictureEncoder,
    PositionEmbedding,
    RandomView,
    SelfAttention,
    SequencePooling,
    StochasticDepth,
)
from tests.images.pictures import noise

pytestmark = pytest.mark.heavy

SIDES = st.one_of(st.integers(1, 40), st.integers(1, 300))


@settings(max_examples=60, deadline=None)
@given(
    width=SIDES,
    height=SIDES,
    size=st.sampled_from([16, 28, 32, 45]),
    channels=st.sampled_from([1, 3]),
    fit=st.sampled_from(["letterbox", "squash"]),
    seed=st.integers(0, 9),
)
@example(width=1, height=300, size=16, channels=3, fit="letterbox", seed=0)
@example(width=32, height=32, size=32, channels=1, fit="squash", seed=0)
def test_numpy_and_keras_agree_on_any_picture(width, height, size, channels, fit, seed):
    pixels = noise(width, height, seed)
    state = {"kind": "image", "size": size, "channels": channels, "fit": fit}
    expected = image.to_square(state, Image.fromarray(pixels))
    actual = keras.ops.convert_to_numpy(PictureEncoder(size, channels, fit)(pixels[None]))[0]
    assert actual.dtype == np.uint8
    np.testing.assert_allclose(actual.astype(float), expected.astype(float), rtol=0, atol=1.5)


def test_the_encoder_takes_pictures_of_any_size_in_one_saved_model(tmp_path):
    pixels = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(pixels, PictureEncoder(20, 3, "letterbox")(pixels))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for width, height in ((20, 20), (33, 7), (120, 240)):
        pictures = np.stack([noise(width, height, seed) for seed in (1, 2)])
        squares = keras.ops.convert_to_numpy(again(pictures))
        assert squares.shape == (2, 20, 20, 3)
        np.testing.assert_array_equal(squares, keras.ops.convert_to_numpy(model(pictures)))


def test_an_encoder_without_a_sensible_shape_is_refused():
    with pytest.raises(ValueError, match="channels=4"):
        PictureEncoder(32, 4)


def _batch(count=64, side=16, channels=3):
    return np.random.default_rng(0).normal(size=(count, side, side, channels)).astype(np.float32)


def _view(pictures, **options):
    return keras.ops.convert_to_numpy(RandomView(**options, seed=3)(pictures, training=True))


def test_views_do_nothing_outside_training():
    pictures = _batch()
    layer = RandomView(0.5, 0.25, 0.3, 0.5, seed=0)
    np.testing.assert_array_equal(layer(pictures), pictures)
    np.testing.assert_array_equal(layer(pictures, training=False), pictures)


def test_mirroring_turns_about_half_of_the_pictures():
    pictures = _batch(400, side=6)
    seen = _view(pictures, mirror=0.5, shift=0.0)
    same = np.isclose(seen, pictures, atol=1e-5).all(axis=(1, 2, 3))
    turned = np.isclose(seen, pictures[:, :, ::-1], atol=1e-5).all(axis=(1, 2, 3))
    assert (same ^ turned).all()
    assert 0.4 < turned.mean() < 0.6


def test_shifting_moves_by_whole_pixels_and_mirrors_at_the_border():
    pictures = _batch(200, side=8)
    seen = _view(pictures, mirror=0.0, shift=0.25)
    padded = np.pad(pictures, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="symmetric")
    places = set()
    for picture, around in zip(seen, padded, strict=True):
        found = [
            (y, x) for y in range(5) for x in range(5) if np.allclose(picture, around[y : y + 8, x : x + 8], atol=1e-5)
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) == 25  # every move up to a quarter of the side, in both directions


def test_zooming_keeps_the_middle_and_the_range():
    ramp = np.broadcast_to(np.linspace(-1, 1, 16, dtype=np.float32)[None, :, None, None], (50, 16, 16, 1))
    seen = _view(ramp, mirror=0.0, shift=0.0, zoom=0.3)
    assert np.abs(seen).max() <= 1 + 1e-5
    np.testing.assert_allclose(seen[:, 7:9].mean(axis=(1, 2, 3)), 0, atol=1e-5)
    slopes = np.diff(seen[:, 6:10, 0, 0], axis=1).mean(axis=1) / (2 / 15)
    assert slopes.min() < 0.85 and slopes.max() > 1.15


def test_covering_blanks_one_square():
    seen = _view(np.ones((100, 20, 20, 3), np.float32), mirror=0.0, shift=0.0, cover=0.3)
    blank = (seen == 0).all(axis=3)
    assert (blank.any(axis=(1, 2))).mean() > 0.9
    assert blank.any(axis=1).sum(axis=1).max() == 6 and blank.any(axis=2).sum(axis=1).max() == 6


def test_each_batch_is_seen_differently_and_the_same_seed_alike():
    pictures = _batch()
    first, second = RandomView(seed=1), RandomView(seed=1)
    a, b = (keras.ops.convert_to_numpy(first(pictures, training=True)) for _ in range(2))
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(a, second(pictures, training=True))


def test_stochastic_depth_drops_whole_samples_and_keeps_the_mean():
    branch = np.ones((4000, 3, 2), np.float32)
    layer = StochasticDepth(0.25, seed=0)
    np.testing.assert_array_equal(layer(branch), branch)
    dropped = keras.ops.convert_to_numpy(layer(branch, training=True))
    per_sample = dropped.reshape(4000, -1)
    assert (per_sample == per_sample[:, :1]).all()
    np.testing.assert_allclose(np.unique(per_sample), [0, 4 / 3], rtol=1e-6)
    assert abs(per_sample.mean() - 1) < 0.04


def test_sequence_pooling_is_a_weighted_average():
    tokens = _batch(5, side=4)[:, :, 0]
    layer = SequencePooling(seed=0)
    pooled = keras.ops.convert_to_numpy(layer(tokens))
    scores = tokens @ layer.score.get_weights()[0]
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pooled, (weights * tokens).sum(axis=1), rtol=1e-5, atol=1e-6)


def test_attention_is_what_keras_computes_from_the_same_weights():
    width, heads = 12, 3
    tokens = np.random.default_rng(0).normal(size=(2, 5, width)).astype(np.float32)
    ours = SelfAttention(heads, seed=0)
    actual = keras.ops.convert_to_numpy(ours(tokens))
    kernel, bias = ours.mixing.get_weights()
    joining, joining_bias = ours.joining.get_weights()
    theirs = keras.layers.MultiHeadAttention(heads, width // heads)
    theirs.build(tokens.shape, tokens.shape)
    split = [part.reshape(width, heads, -1) for part in np.split(kernel, 3, axis=1)]
    biases = [part.reshape(heads, -1) for part in np.split(bias, 3)]
    weights = [array for pair in zip(split, biases, strict=True) for array in pair]
    theirs.set_weights([*weights, joining.reshape(heads, width // heads, width), joining_bias])
    np.testing.assert_allclose(actual, keras.ops.convert_to_numpy(theirs(tokens, tokens)), rtol=1e-4, atol=1e-5)


def test_attention_refuses_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match="Received: 10 and 3"):
        SelfAttention(3)(np.zeros((1, 2, 10), np.float32))


@pytest.mark.parametrize(
    "layer",
    [
        PictureEncoder(24, 1, "squash"),
        RandomView(0.5, 0.1, 0.2, 0.3, seed=4),
        StochasticDepth(0.2, seed=1),
        PositionEmbedding(seed=2),
        SequencePooling(seed=3),
        SelfAttention(4, seed=5),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_come_back_from_their_config(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()

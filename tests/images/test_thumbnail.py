"""The thumbnail baseline averages areas and learns from them alone."""

import json
from types import SimpleNamespace

import numpy as np

from dl_core.baselines.thumbnail import SIDE, Thumbnail, thumbnails
from dl_core.tasks.classification import Classification


def _prepared(count: int, classes: int, side: int = 18):
    """Pictures whose class is where they are bright."""
    random = np.random.default_rng(0)
    parts = {}
    for part in ("train", "valid"):
        truth = random.permutation(np.arange(count) % classes)
        pictures = random.integers(0, 120, (count, side, side, 3), dtype=np.uint8)
        for picture, place in zip(pictures, truth, strict=True):
            picture[:, place * side // classes : (place + 1) * side // classes] += 100
        parts[part] = (pictures, truth.astype(np.int32))
    state = {"task": {"classes": [f"class {number}" for number in range(classes)]}}
    return SimpleNamespace(
        state=state,
        inputs=lambda part: {"image": parts[part][0]},
        truth=lambda part: parts[part][1],
        weight=lambda part: None,
    )


def test_a_thumbnail_is_the_mean_of_each_area():
    picture = np.arange(16 * 24 * 3).reshape(1, 16, 24, 3).astype(np.uint8)
    expected = picture.reshape(1, SIDE, 2, SIDE, 3, 3).mean(axis=(2, 4)).reshape(1, -1)
    np.testing.assert_allclose(thumbnails(picture), expected, rtol=1e-5)


def test_areas_that_cut_through_pixels_keep_the_mean():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 19, 5, 1), dtype=np.uint8)
    small = thumbnails(pictures)
    assert small.shape == (3, SIDE * SIDE)
    np.testing.assert_allclose(small.mean(axis=1), pictures.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_it_learns_where_pictures_are_bright_and_comes_back_from_json():
    for classes in (2, 3):
        prepared = _prepared(90, classes)
        state = Thumbnail().fit(prepared, Classification(), 5.0)
        answers = Thumbnail().predict(json.loads(json.dumps(state)), prepared.inputs("valid"))
        assert answers.shape == (90, classes)
        np.testing.assert_allclose(answers.sum(axis=1), 1)
        assert (answers.argmax(axis=1) == prepared.truth("valid")).mean() > 0.95


def test_it_ignores_all_but_the_train_part_for_its_weights():
    prepared = _prepared(60, 3)
    state = Thumbnail().fit(prepared, Classification(), 5.0)
    poisoned = SimpleNamespace(
        state=prepared.state,
        inputs=lambda part: {"image": prepared.inputs(part)["image"] if part == "train" else np.zeros((60, 18, 18, 3))},
        truth=prepared.truth,
        weight=prepared.weight,
    )
    assert Thumbnail().fit(poisoned, Classification(), 5.0)["centre"] == state["centre"]


def test_no_pictures_give_no_answers():
    state = Thumbnail().fit(_prepared(30, 2), Classification(), 5.0)
    assert Thumbnail().predict(state, {"image": np.zeros((0, 18, 18, 3), np.uint8)}).shape == (0, 2)

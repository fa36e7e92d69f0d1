"""The picture encoder sees how large, colourful and shaped the train pictures are, and squares any picture alike."""

import json

import numpy as np
import pytest
from PIL import Image

from dl_core.encoders import image
from dl_core.errors import DataError
from tests.images.pictures import noise, save

STATE = {"kind": "image", "size": 32, "channels": 3, "fit": "letterbox"}


@pytest.mark.parametrize(
    "side, size", [(8, 16), (28, 28), (30, 32), (32, 32), (64, 64), (80, 80), (150, 96), (400, 96)]
)
def test_small_pictures_keep_their_size_and_photographs_become_96(tmp_path, side, size):
    state = image.fit(save(tmp_path, [(side, side)] * 3))
    assert state["size"] == size
    assert json.loads(json.dumps(state)) == state


def test_many_photographs_are_seen_smaller(tmp_path):
    (path,) = save(tmp_path, [(200, 150)])
    assert [image.fit([path] * count)["size"] for count in (10, 15_000, 80_000)] == [96, 80, 32]


def test_many_small_pictures_keep_their_size(tmp_path):
    (path,) = save(tmp_path, [(32, 32)])
    assert image.fit([path] * 200_000)["size"] == 32


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_grey_pictures_saved_in_colour_get_one_channel(tmp_path, suffix):
    paths = save(tmp_path, [(40, 40)] * 5, grey=True, suffix=suffix)
    state = image.fit(paths)
    assert state["channels"] == 1
    assert image.transform(state, paths)["image"].shape == (5, 40, 40, 1)


def test_one_picture_with_colours_keeps_them_all(tmp_path):
    paths = save(tmp_path, [(40, 40)] * 9, grey=True)
    coloured = np.zeros((40, 40, 3), np.uint8)
    coloured[:6, :6] = (200, 30, 30)
    Image.fromarray(coloured).save(paths[4])
    assert image.fit(paths)["channels"] == 3


def test_pictures_of_one_shape_are_squashed_and_others_letterboxed(tmp_path):
    (tmp_path / "a").mkdir()
    alike = save(tmp_path / "a", [(120, 80), (60, 40), (300, 201)])
    mixed = save(tmp_path, [(120, 80), (80, 120), (100, 100)])
    assert image.fit(alike)["fit"] == "squash"
    assert image.fit(mixed)["fit"] == "letterbox"
    assert all(state["why"][key] for state in (image.fit(alike), image.fit(mixed)) for key in ("size", "fit"))


def test_a_letterboxed_picture_keeps_its_shape_on_grey():
    white = Image.new("RGB", (60, 20), "white")
    square = image.to_square(STATE, white)
    lit = (square == 255).all(axis=(1, 2))
    assert lit.sum() == 11  # a third of 32 rows, rounded
    assert (square[~lit] == image.MID_GREY).all()
    assert abs((31 - np.flatnonzero(lit)[-1]) - np.flatnonzero(lit)[0]) <= 1  # in the middle


def test_shrinking_averages_instead_of_picking():
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    square = image.to_square(STATE, Image.fromarray(np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)))
    assert square.min() > 110 and square.max() < 145


def test_pictures_come_in_the_order_of_the_rows_in_memory_and_on_disk(tmp_path):
    paths = save(tmp_path, [(32, 32)] * 70)
    order = np.random.default_rng(1).permutation(70)
    files = np.array(paths, dtype=object)[order]
    there = image.transform(STATE, files)["image"]
    assert there.dtype == np.uint8
    for place, number in enumerate(order):
        np.testing.assert_array_equal(there[place], noise(32, 32, seed=number))
    streamed = image.transform(STATE, files, out=tmp_path / "pixels.npy")["image"]
    assert isinstance(streamed, np.memmap)
    np.testing.assert_array_equal(np.load(tmp_path / "pixels.npy"), there)


def test_a_damaged_picture_is_named(tmp_path):
    paths = save(tmp_path, [(32, 32)] * 5)
    paths[3].write_bytes(paths[3].read_bytes()[:60])
    for ask in (lambda: image.fit(paths), lambda: image.transform(STATE, paths)):
        with pytest.raises(DataError, match=r"0003\.png.*cannot be read"):
            ask()


def test_a_row_without_a_picture_and_a_table_without_rows_get_a_sentence(tmp_path):
    with pytest.raises(DataError, match="Picture 2 .*cannot be read"):
        image.transform(STATE, [*save(tmp_path, [(32, 32)]), None])
    with pytest.raises(DataError, match="no pictures"):
        image.fit([])


def test_no_rows_give_no_pictures():
    assert image.transform(STATE, [])["image"].shape == (0, 32, 32, 3)

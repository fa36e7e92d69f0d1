"""Whatever a picture file holds, it becomes upright RGB, or a sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dl_core.encoders.pixels import MAX_PIXELS, UnreadablePicture, read_picture
from tests.images.pictures import noise


def _file(image: Image.Image, kind: str, **options) -> io.BytesIO:
    content = io.BytesIO()
    image.save(content, kind, **options)
    content.seek(0)
    return content


def _pixels(image: Image.Image, kind: str = "PNG", **options) -> np.ndarray:
    picture = read_picture(_file(image, kind, **options))
    assert picture.mode == "RGB"
    return np.asarray(picture).astype(int)


RGB = noise(24, 16)


def test_plain_pictures_keep_their_pixels():
    np.testing.assert_array_equal(_pixels(Image.fromarray(RGB)), RGB)
    grey = RGB[:, :, 0]
    np.testing.assert_array_equal(_pixels(Image.fromarray(grey)), np.repeat(grey[:, :, None], 3, axis=2))


def test_a_palette_and_a_bilevel_picture_get_their_colours_back():
    palette = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(_pixels(palette), np.asarray(palette.convert("RGB")))
    np.testing.assert_array_equal(np.unique(_pixels(Image.fromarray(RGB).convert("1"))), [0, 255])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_shows_white_paper(mode):
    image = Image.fromarray(RGB).convert(mode)
    alpha = np.full((16, 24), 255, np.uint8)
    alpha[:, :12] = 0
    image.putalpha(Image.fromarray(alpha))
    pixels = _pixels(image)
    assert (pixels[:, :12] == 255).all()
    np.testing.assert_array_equal(pixels[:, 12:], np.asarray(image.convert("RGB"))[:, 12:])


def test_a_transparent_palette_entry_shows_white_paper():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 1)
    pixels = _pixels(image, transparency=0)
    assert pixels[0, 0].tolist() == [200, 100, 50]
    assert pixels[3, 3].tolist() == [255, 255, 255]


def test_sixteen_bits_become_eight():
    words = (np.arange(16 * 16, dtype=np.uint16) * 257).reshape(16, 16)
    np.testing.assert_array_equal(_pixels(Image.fromarray(words))[:, :, 0], np.arange(256).reshape(16, 16))


def test_floats_become_bytes_by_their_range():
    shares = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    levels = np.linspace(-500, 1500, 64, dtype=np.float32).reshape(8, 8)
    for values in (shares, levels, shares * 255):
        pixels = _pixels(Image.fromarray(values), "TIFF")[:, :, 0]
        np.testing.assert_allclose(pixels, shares * 255, atol=0.51)


def test_cmyk_is_converted():
    pixels = _pixels(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF")
    assert pixels[0, 0].tolist() == [255, 0, 0]


def test_a_picture_turned_in_its_metadata_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn a quarter clockwise
    pixels = _pixels(Image.fromarray(RGB), exif=exif)
    np.testing.assert_array_equal(pixels, np.rot90(RGB, -1))


def test_the_first_frame_counts():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    pixels = _pixels(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels[4, 4].tolist() == [255, 0, 0]


def test_a_large_photograph_is_read_smaller_but_never_too_small():
    content = _file(Image.fromarray(noise(1600, 1200)), "JPEG", quality=90)
    assert read_picture(content).size == (1600, 1200)
    content.seek(0)
    width, height = read_picture(content, at_least=192).size
    assert min(width, height) >= 192
    assert (width, height) == (400, 300)
    content.seek(0)
    assert read_picture(content, at_least=5000).size == (1600, 1200)


def test_damaged_files_and_texts_get_a_sentence():
    whole = _file(Image.fromarray(noise(64, 64)), "JPEG").getvalue()
    for content in (whole[: len(whole) // 2], b"", b"name,label\na,b\n", whole[:3]):
        with pytest.raises(UnreadablePicture, match="damaged or not a picture"):
            read_picture(io.BytesIO(content))


def test_no_file_at_all_gets_a_sentence(tmp_path):
    for source in (tmp_path / "gone.png", None, float("nan")):
        with pytest.raises(UnreadablePicture):
            read_picture(source)


def test_a_header_that_promises_too_much_is_refused_before_anything_is_decoded():
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    for side in (8_000, 20_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
        assert side**2 > MAX_PIXELS
        with pytest.raises(UnreadablePicture, match="pixels"):
            read_picture(io.BytesIO(bomb))

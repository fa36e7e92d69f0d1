"""Pictures, looked at before they are believed: header first, then a cheap decode that shows whether they are whole."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image

PIXEL_LIMIT = 50_000_000
PICTURE_LIMIT_BYTES = 64 << 20
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
ENDINGS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "GIF": "gif", "WEBP": "webp", "TIFF": "tif", "PPM": "ppm"}
EXTENSIONS = ("jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm", "jfif")
UNREAD = ("heic", "heif", "avif", "svg", "psd", "raw", "cr2", "nef", "dng", "jp2", "jxl", "ico")
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Picture:
    """What the header says. `width` and `height` are pixels as stored; `turned` says that EXIF turns it for display."""

    format: str
    width: int
    height: int
    mode: str
    frames: int
    turned: bool


class BrokenPictureError(Exception):
    """The bytes are no picture that can be used. The message says why, to stand behind the file's name."""


def examine(content: bytes) -> Picture:
    """The header of a picture that decodes. Raises BrokenPictureError for what is too large, cut off or no picture."""
    if len(content) > PICTURE_LIMIT_BYTES:
        raise BrokenPictureError(f"is larger than {PICTURE_LIMIT_BYTES >> 20} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are checked below; other warnings are about metadata
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
                if width * height > PIXEL_LIMIT:
                    raise BrokenPictureError(
                        f"has {width:,} × {height:,} pixels, over the limit of {PIXEL_LIMIT // 1_000_000} million"
                    )
                picture = Picture(
                    format=image.format or "",
                    width=width,
                    height=height,
                    mode=image.mode,
                    frames=getattr(image, "n_frames", 1),
                    turned=image.getexif().get(ORIENTATION, 1) not in (0, 1),
                )
                image.seek(0)
                image.draft("RGB", (32, 32))  # a JPEG decodes at an eighth: enough to see that it is whole
                image.load()
                return picture
    except BrokenPictureError:
        raise
    except Image.DecompressionBombError as error:
        raise BrokenPictureError(f"declares more than {PIXEL_LIMIT // 1_000_000} million pixels") from error
    except Exception as error:  # decoders raise whatever they like on hostile bytes
        raise BrokenPictureError("is cut off or damaged") from error


def looks_like_picture(content: bytes, path: str) -> bool:
    """By its first bytes, or by its name where it claims to be one."""
    first = content[:16]
    known = first.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"))
    webp = first[:4] == b"RIFF" and first[8:12] == b"WEBP"
    return known or webp or path.rsplit(".", 1)[-1].lower() in EXTENSIONS

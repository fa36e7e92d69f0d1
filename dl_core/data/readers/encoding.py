"""Any text file as UTF-8: byte order marks, UTF-16, gzip, and the old code pages."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import charset_normalizer

from dl_core.errors import ReadError
from dl_core.problems import Problem

CHUNK = 1 << 20
SAMPLE_BYTES = 200_000
GZIP_RATIO, GZIP_FLOOR_BYTES = 200, 1 << 30
BROKEN_SHARE = 0.05
"""Up to this share of its foreign letters may be broken in a file that still counts as UTF-8."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CODE_PAGES = (
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "iso8859_2", "iso8859_5",
    "iso8859_7", "iso8859_9", "koi8_r", "koi8_u", "cp437", "cp850", "cp852", "cp866", "mac_roman", "tis_620",
    "cp932", "euc_jp", "cp949", "gb18030", "big5",
)  # fmt: skip
"""Those in wide use; the rare ones win too often on short samples."""
LATIN = (
    "cp1250", "cp1252", "cp1254", "cp1257", "cp1258", "iso8859_2", "iso8859_9", "cp437", "cp850", "cp852", "mac_roman",
)  # fmt: skip
_ESCAPED, _FOREIGN = re.compile("[\udc80-\udcff]"), re.compile("[^\x00-\x7f]")


@dataclass(frozen=True)
class Text:
    """A UTF-8 file and what was found on the way to it."""

    path: Path
    encoding: str
    problems: list[Problem] = field(default_factory=list)


def as_utf8(path: Path, folder: Path) -> Text:
    """`path` itself where it is plain UTF-8, else a copy of it in `folder`.

    Raises ReadError for an empty file, a file that is no text, and a gzip file that is damaged or a bomb.
    """
    encoding, problems = _encoding(path)
    if encoding in ("utf-8", "utf-8-sig") and not problems and not is_gzip(path):
        return Text(path, encoding)
    target = folder / "text.utf8"
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace" if problems else "strict")
        with open(target, "wb") as stream:
            for chunk in chunks(path):
                stream.write(decoder.decode(chunk).encode())
            stream.write(decoder.decode(b"", final=True).encode())
    except UnicodeDecodeError as error:
        raise ReadError(
            f"The file looks like {encoding} text, but it cannot be decoded ({error.reason} at byte {error.start}). "
            "Save it as UTF-8 and upload it again."
        ) from error
    return Text(target, encoding, problems)


def is_gzip(path: Path) -> bool:
    with open(path, "rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def chunks(path: Path) -> Iterator[bytes]:
    """The content of a plain or gzipped file, with the bytes that come out of gzip counted."""
    if not is_gzip(path):
        with open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
        return
    limit = max(GZIP_FLOOR_BYTES, GZIP_RATIO * path.stat().st_size)
    counted = 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(CHUNK):
                counted += len(chunk)
                if counted > limit:
                    raise ReadError(
                        f"The gzip file unpacks to more than {limit >> 20:,} MB, over {GZIP_RATIO} times its size, and "
                        "was refused. Unpack it yourself and upload the text file."
                    )
                yield chunk
    except (EOFError, zlib.error, OSError) as error:
        raise ReadError("The gzip file is damaged or cut off. Pack it again and upload it again.") from error


def head(path: Path, size: int = 1 << 16) -> bytes:
    """The first bytes of the content, out of gzip where needed."""
    found = b""
    for chunk in chunks(path):
        found += chunk
        if len(found) >= size:
            break
    return found[:size]


def _encoding(path: Path) -> tuple[str, list[Problem]]:
    first = head(path)
    if not first.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise ReadError("The file is empty. A table needs a header row and at least one row of values.")
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    if marked in ("utf-16", "utf-32"):
        return marked, []
    if b"\0" in first:
        return _wide(first), []
    good, broken, sample = _foreign(path)
    if not broken:
        return marked or "utf-8", []
    if broken <= BROKEN_SHARE * good:
        message = f"{broken:,} characters are not valid UTF-8 and are shown as \N{REPLACEMENT CHARACTER}."
        return marked or "utf-8", [Problem("warning", message, fix="Save the file as UTF-8 and upload it again.")]
    return _code_page(sample), []


def _wide(first: bytes) -> str:
    """UTF-16 without a mark shows as a zero in every other byte."""
    even, odd = first[0::2].count(0), first[1::2].count(0)
    if odd > 0.4 * len(first) / 2 and even < 0.1 * odd:
        return "utf-16-le"
    if even > 0.4 * len(first) / 2 and odd < 0.1 * even:
        return "utf-16-be"
    raise ReadError(
        "The file is not text: it holds bytes that no text has. Upload a CSV, TSV, Excel, Parquet or JSON lines file, "
        "or a ZIP of pictures."
    )


def _foreign(path: Path) -> tuple[int, int, bytes]:
    """How many non-ASCII characters are valid UTF-8, how many bytes are not, and the lines that hold them."""
    good = broken = 0
    sample = bytearray()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    for chunk in chunks(path):
        if b"\0" in chunk:
            raise ReadError(
                "The file is not text: it holds bytes that no text has. Upload a text, Excel or Parquet file."
            )
        if chunk.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(chunk)
        wrong = len(_ESCAPED.findall(text))
        broken += wrong
        good += len(_FOREIGN.findall(text)) - wrong
        if len(sample) < SAMPLE_BYTES:
            sample += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:SAMPLE_BYTES]
    broken += len(decoder.decode(b"", final=True))
    return good, broken, bytes(sample)


def _code_page(sample: bytes) -> str:
    """The likeliest code page. Of the Latin ones cp1252 wins unless another reads more letters out of the bytes; and no
    other alphabet stands in the middle of Latin words."""
    best = charset_normalizer.from_bytes(sample, cp_isolation=list(CODE_PAGES)).best()
    if best is None:
        return "latin-1"
    if best.encoding == "cp1254" and best.language == "Turkish":
        return best.encoding
    if best.encoding not in LATIN and not _in_latin_words(sample.decode(best.encoding, errors="replace")):
        return best.encoding
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return best.encoding
    latin = best.encoding in LATIN
    return best.encoding if latin and _letters(sample, best.encoding) > _letters(sample, "cp1252") else "cp1252"


def _in_latin_words(text: str) -> bool:
    """Whether most of the foreign letters touch an ASCII letter."""
    foreign = len(re.findall(r"[^\W\d_a-zA-Z]", text))
    touching = len(re.findall(r"(?<=[a-zA-Z])[^\W\d_a-zA-Z]|[^\W\d_a-zA-Z](?=[a-zA-Z])", text))
    return touching > 0.5 * foreign


def _letters(sample: bytes, encoding: str) -> float:
    foreign = [character for character in sample.decode(encoding, errors="replace") if not character.isascii()]
    return sum(character.isalpha() for character in foreign) / max(1, len(foreign))

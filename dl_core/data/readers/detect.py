"""What an upload is, by its content: names and extensions are only believed where the content cannot tell."""

import json
import tarfile
import zipfile
from pathlib import Path

from dl_core.data.readers.encoding import head, is_gzip
from dl_core.errors import ReadError

PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"{\\rtf", "an RTF document"),
    (b"RIFF", "an audio or video file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
ACCEPTED = "Upload a CSV, TSV, Excel, Parquet or JSON lines file, or a ZIP of pictures."


def detect(path: Path) -> str:
    """The name of the reader for `path`, a file or a folder. Raises ReadError for what nobody here reads."""
    if path.is_dir():
        return "images"
    if not path.stat().st_size:
        raise ReadError(f"The file is empty (0 bytes). {ACCEPTED}")
    with open(path, "rb") as stream:
        first = stream.read(64)
    if first.startswith(b"PAR1"):
        return "parquet"
    if first.startswith(b"PK"):
        return _in_zip(path)
    if first.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "excel"
    if _is_picture(first):
        return "images"
    for magic, what in FOREIGN:
        if first.startswith(magic):
            raise ReadError(f"{path.name} is {what}, which cannot be read. {ACCEPTED}")
    if _is_tar(path):
        return "images"
    return _in_text(path)


def _is_picture(first: bytes) -> bool:
    return (
        first.startswith(PICTURES[:4] + PICTURES[5:])
        or (first[:4] == b"RIFF" and first[8:12] == b"WEBP")
        or (first[:2] == b"BM" and first[6:10] == b"\0\0\0\0")
    )


def _in_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise ReadError(f"{path.name} is a damaged ZIP file ({error}). Pack it again and upload it again.") from error
    if any(name.startswith(("xl/", "Index/")) for name in names) and "[Content_Types].xml" in names:
        return "excel"
    if "content.xml" in names and "mimetype" in names:
        return "excel"
    if any(name.startswith("word/") for name in names) and "[Content_Types].xml" in names:
        raise ReadError(f"{path.name} is a Word document, which cannot be read. {ACCEPTED}")
    return "images"


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError, tarfile.TarError):
        return False


def _in_text(path: Path) -> str:
    first = head(path, 1 << 14).lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = first[:512].lower()
    if lowered.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml", b"<meta", b"<head")):
        packed = " inside" if is_gzip(path) else ""
        raise ReadError(
            f"{path.name} holds a web page or XML{packed}, not a table. Open it in a spreadsheet program, save it as "
            "CSV or .xlsx, and upload that."
        )
    if first.startswith(b"[") and first[1:].lstrip().startswith(b"{"):
        return "jsonl"
    if first.startswith(b"{"):
        line = first.split(b"\n", 1)[0].strip()
        try:
            if isinstance(json.loads(line), dict):
                return "jsonl"
        except ValueError:
            return "jsonl" if line in (b"{",) or b'":' in line else "text"
    return "text"

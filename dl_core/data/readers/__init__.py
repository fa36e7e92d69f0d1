"""Readers of upload formats: a file per format, each turning an upload into one table of texts.

A reader is `read(upload: Upload) -> Raw`. What an upload is decides its content (readers/detect.py), never its name.
"""

from dl_core.data.readers.raw import Raw, Upload
from dl_core.registry import Registry

READERS = Registry(
    "file format",
    {
        "text": "dl_core.data.readers.text:read",
        "excel": "dl_core.data.readers.excel:read",
        "parquet": "dl_core.data.readers.parquet:read",
        "jsonl": "dl_core.data.readers.jsonl:read",
        "images": "dl_core.data.readers.images:read",
    },
)

__all__ = ["READERS", "Raw", "Upload"]

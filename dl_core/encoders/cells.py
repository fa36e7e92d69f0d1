"""From the cells of a file to what an encoder eats, in two steps: as a dataset stores them, then by the column's kind.

Carried by kits; needs numpy and the grammar of raw values only. `parse` is Column.parse: how the file writes values.
"""

import re

import numpy as np

from dl_core.data.values import canonical_text, clean_text, parse_numbers, parse_times

USUAL_TIMES = "%Y-%m-%d"
_WHOLE = re.compile(r"\s*[+-]?[0-9]{16,}\s*")


def stored(texts, storage, kind, parse):
    """Cells as text -> values as Dataset.table holds them: float64 with NaN for numbers and times (epoch seconds), text
    with None otherwise."""
    if storage == "number":
        if kind in ("category", "boolean"):  # float64 would merge labels of more than fifteen digits
            long = [str(int(text)) if isinstance(text, str) and _WHOLE.fullmatch(text) else None for text in texts]
            if any(long):
                numbers = canonical_text(_numbers(texts, parse))
                return np.array([one or other for one, other in zip(long, numbers, strict=True)], dtype=object)
        return _numbers(texts, parse)
    if storage == "time":
        return parse_times(texts, parse.get("format", USUAL_TIMES))
    return clean_text(texts)


def eaten(values, kind, parse):
    """Stored values -> float64 with NaN for numbers and times, text with "" for missing for categories. Texts in a
    column of numbers or times are read as the file writes them; those that are none become missing."""
    if kind in ("numeric", "datetime"):
        if values.dtype.kind in "iufb":
            return values.astype(np.float64)
        if kind == "datetime" and "format" in parse:
            return parse_times(values, parse["format"])
        return _numbers(values, parse)
    return np.array([text or "" for text in canonical_text(values)], dtype=object)


def _numbers(texts, parse):
    return parse_numbers(texts, parse.get("decimal", "."), parse.get("thousands", ""))

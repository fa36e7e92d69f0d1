"""From values as the reader yields them to what an encoder of the column's kind eats."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dl_core.data.schema import Column
from dl_core.data.values import canonical_text, parse_numbers, parse_times

Files = Callable[[str], Path]


def typed(values: pd.Series, column: Column, files: Files | None = None) -> np.ndarray:
    """Numeric and datetime columns as float64 with NaN for missing; categories and booleans as text with "" for
    missing; pictures as paths of stored files (`files` leads from a picture's name to its file). A kind that was
    changed by hand may not fit the storage: words in a numeric column become missing."""
    if column.kind in ("numeric", "datetime"):
        if column.storage != "text" or pd.api.types.is_numeric_dtype(values):
            return values.to_numpy(np.float64, na_value=np.nan)
        strings = values.to_numpy(object)
        if column.kind == "numeric":
            return parse_numbers(strings, column.parse.get("decimal", "."))
        return parse_times(strings, column.parse.get("format", "%Y-%m-%d"))
    if column.kind == "image":
        names = values.to_numpy(object)
        return np.array([files(name) for name in names], dtype=object) if files else names
    texts = canonical_text(values.to_numpy())
    return np.where(pd.isna(texts), "", texts).astype(object)

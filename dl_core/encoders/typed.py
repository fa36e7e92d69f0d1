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
    missing; pictures as paths of stored files (`files` leads from a picture's name to its file). Texts in a numeric
    or datetime column are read as the file's numbers and times are; those that are none become missing."""
    if column.kind in ("numeric", "datetime"):
        if pd.api.types.is_numeric_dtype(values):
            return values.to_numpy(np.float64, na_value=np.nan)
        texts = values.to_numpy(object)
        if column.kind == "datetime" and "format" in column.parse:
            return parse_times(texts, column.parse["format"])
        return parse_numbers(texts, column.parse.get("decimal", "."), column.parse.get("thousands", ""))
    if column.kind == "image":
        names = values.to_numpy(object)
        return np.array([files(name) for name in names], dtype=object) if files else names
    texts = canonical_text(values.to_numpy(object))
    return np.where(pd.isna(texts), "", texts).astype(object)

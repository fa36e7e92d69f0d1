"""From values as the reader yields them to what an encoder of the column's kind eats."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dl_core.data.schema import Column
from dl_core.encoders.cells import eaten

Files = Callable[[str], Path]


def typed(values: pd.Series, column: Column, files: Files | None = None) -> np.ndarray:
    """Numeric and datetime columns as float64 with NaN for missing; categories and booleans as text with "" for
    missing; pictures as paths of stored files (`files` leads from a picture's name to its file)."""
    if column.kind == "image":
        names = values.to_numpy(object)
        return np.array([files(name) for name in names], dtype=object) if files else names
    if column.kind in ("numeric", "datetime") and pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    if column.kind in ("numeric", "datetime"):
        return eaten(values.to_numpy(object), column.kind, column.parse)
    numbers, distinct = pd.factorize(values.to_numpy(object))  # each distinct label is spelled once
    labels = eaten(np.asarray(distinct, object), column.kind, column.parse)
    return np.append(labels, np.array([""], object))[numbers]

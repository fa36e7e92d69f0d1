"""Categories and booleans: a vocabulary by frequency. 0 is missing, 1 is unseen or rare, 2 and up were seen."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.schema import Column

State = dict[str, Any]

TENSOR = "category"

MOST_LEVELS = 10_000
# With this many levels, those met once are pooled: they carry nothing, and pooled they teach what "unseen" means.
FEW_LEVELS = 32

# Marks the unseen slot in the Keras face; a value that looks like it counts as unseen in both.
UNSEEN = "\ue000unseen"


def fit(values: np.ndarray, column: Column) -> State:
    """Learn the vocabulary from train values (rows,) of text, "" for missing. Ties go by alphabet."""
    counts = Counter(values.tolist())
    missing = counts.pop("", 0) > 0
    levels = [level for level in counts if level != UNSEEN and "\0" not in level]
    if len(levels) > FEW_LEVELS:
        levels = [level for level in levels if counts[level] > 1]
    levels.sort(key=lambda level: (-counts[level], level))
    constant = len(counts) + missing < 2 or not levels
    return {"missing": missing, "vocabulary": levels[:MOST_LEVELS], "constant": constant}


def transform(state: State, values: np.ndarray) -> dict[str, np.ndarray]:
    """text (rows,) -> {"category": int32 (rows, 1)}, or (rows, 0) where train held one value only, or none twice."""
    if state["constant"]:
        return {"category": np.zeros((len(values), 0), np.int32)}
    codes = pd.Index(state["vocabulary"], dtype=object).get_indexer(pd.Index(values, dtype=object)) + 2
    codes[values == ""] = 0
    return {"category": codes.astype(np.int32)[:, None]}


def labels(state: State) -> list[str]:
    return [] if state["constant"] else [""]


def cardinality(state: State) -> int:
    """How many numbers the encoded column may hold."""
    return len(state["vocabulary"]) + 2

"""Numbers: median centre, robust scale and a smooth clip, so that no outlier and no constant column can do harm."""

from typing import Any

import numpy as np

from dl_core.data.schema import Column

State = dict[str, Any]

TENSOR = "numeric"

# Beyond these, arithmetic overflows or a processor rounds subnormal numbers to zero; a smooth clip cannot tell the
# difference. layers/encoders.py holds the same numbers.
LARGEST = 1e150
SMALLEST_SCALE = 1e-150
LARGEST_SCORE = 1e6


def fit(values: np.ndarray, column: Column) -> State:
    """Learn centre and scale from train values (rows,) float64, NaN for missing."""
    missing = bool(np.isnan(values).any())
    return {"missing": missing, **(measure(values) or {"constant": True})}


def measure(values: np.ndarray) -> State | None:
    """Median and interquartile range (half of the whole range where that is zero); None where nothing varies."""
    known = np.clip(values[~np.isnan(values)], -LARGEST, LARGEST)
    if not len(known):
        return None
    low, quarter, center, three_quarters, high = np.percentile(known, [0, 25, 50, 75, 100])
    scale = three_quarters - quarter or 0.5 * (high - low)
    # a range of a few rounding errors is not variation
    if scale < max(SMALLEST_SCALE, 1e-13 * max(abs(low), abs(high))):
        return None
    return {"center": float(center), "scale": float(scale)}


def squash(values: np.ndarray, center: float, scale: float) -> np.ndarray:
    """Standardise, then clip smoothly to (-3, 3): x / sqrt(1 + (x / 3)^2) (Holzmüller et al., 2024). NaN stays NaN."""
    scores = (np.clip(values, -LARGEST, LARGEST) - center) / scale
    scores = np.clip(scores, -LARGEST_SCORE, LARGEST_SCORE)
    return scores / np.sqrt(1.0 + np.square(scores / 3.0))


def transform(state: State, values: np.ndarray) -> dict[str, np.ndarray]:
    """float64 (rows,) -> {"numeric": float32 (rows, 0 to 2)}: the score, then 1 where missing if train had gaps."""
    missing = np.isnan(values)
    parts = []
    if "scale" in state:
        parts.append(np.where(missing, 0.0, squash(values, state["center"], state["scale"])))
    if state["missing"]:
        parts.append(missing)
    return {"numeric": stacked(parts, len(values))}


def labels(state: State) -> list[str]:
    """What each of the encoder's tensor columns holds; "" is the value itself."""
    return [""] * ("scale" in state) + ["missing"] * state["missing"]


def stacked(parts: list[np.ndarray], rows: int) -> np.ndarray:
    return np.stack(parts, axis=1).astype(np.float32) if parts else np.zeros((rows, 0), np.float32)

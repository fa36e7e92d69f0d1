"""Moments: the hour, the weekday and the time of year as points on circles, where they vary, and the time elapsed."""

from typing import Any

import numpy as np

from dl_core.data.schema import Column
from dl_core.encoders import numeric

State = dict[str, Any]

TENSOR = "numeric"

DAY = 86_400.0
WEEK = 7.0
# The mean Gregorian year in days: at most two days off the calendar within a century, and no leap rules in two faces.
YEAR = 365.2425
# Thirty thousand years around 1970; float64 counts seconds exactly there.
LARGEST = 1e12


def fit(values: np.ndarray, column: Column) -> State:
    """Learn from train values (rows,) of seconds since 1970-01-01 UTC, NaN for missing, which parts vary."""
    turns = _turns(values[~np.isnan(values)])
    parts = [part for part, turn in turns.items() if len(turn) and np.ptp(turn) > 0]
    return {"missing": bool(np.isnan(values).any()), "parts": parts, **(numeric.measure(values) or {})}


def transform(state: State, values: np.ndarray) -> dict[str, np.ndarray]:
    """float64 (rows,) -> {"numeric": float32 (rows, k)}: sine and cosine of each part, elapsed, missing."""
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    turns = _turns(known)
    columns = []
    for part in state["parts"]:
        angle = 2.0 * np.pi * turns[part]
        columns += [np.where(missing, 0.0, np.sin(angle)), np.where(missing, 0.0, np.cos(angle))]
    if "scale" in state:
        columns.append(np.where(missing, 0.0, numeric.squash(known, state["center"], state["scale"])))
    if state["missing"]:
        columns.append(missing)
    return {"numeric": numeric.stacked(columns, len(values))}


def labels(state: State) -> list[str]:
    circles = [f"{part} ({function})" for part in state["parts"] for function in ("sin", "cos")]
    return circles + ["elapsed"] * ("scale" in state) + ["missing"] * state["missing"]


def _turns(seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Where in the day, week and year each moment lies, 0 to 1. Monday opens the week."""
    days = np.clip(seconds, -LARGEST, LARGEST) / DAY
    whole = np.floor(days)
    week = (whole + 3.0) / WEEK  # 1970-01-01 was a Thursday
    year = whole / YEAR
    return {"hour": days - whole, "weekday": week - np.floor(week), "day of year": year - np.floor(year)}

"""What comes next: the latest history of a series and its forecast, for which nothing is known yet."""

import numpy as np

from dl_core.data.panel import STEP, Grid
from dl_core.evaluation.reports.forecasting import MEDIAN, bands
from dl_core.records import read_json
from dl_core.report import Panel, significant
from dl_core.runspec import TaskSpec
from dl_core.samples.windows import PreparedWindows

_HISTORY_HORIZONS = 5
_FEWEST_STEPS = 24


def grid_of(prepared: PreparedWindows) -> Grid:
    state = prepared.state["preprocessor"]
    return Grid.of(state["frequency"], state["step"])


def axis_kind(prepared: PreparedWindows, task: TaskSpec) -> str:
    """Whether a figure's x is a 'time' (epoch seconds) or a 'number' (steps)."""
    return "number" if task.time is None or prepared.state["preprocessor"]["frequency"] == STEP else "time"


def known_history(prepared: PreparedWindows, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of a series from its first to its last known step, the user's own test rows included."""
    start, end = int(prepared.blocks[number]), int(prepared.blocks[number + 1])
    values = np.asarray(prepared.values[start:end], np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.empty(0), np.empty(0)
    inside = np.arange(known[0], known[-1] + 1)
    last = float(read_json(prepared.folder / "keys.json")["last"][number])  # of the step before the future begins
    steps = inside - (end - start - prepared.horizon - 1)
    return grid_of(prepared).ahead(np.full(len(inside), last), steps), values[inside]


def upcoming(prepared: PreparedWindows, task: TaskSpec, number: int, quantiles: np.ndarray, name: str) -> Panel:
    """The forecast (horizon, 9) that follows a series, behind its latest history."""
    times, values = known_history(prepared, number)
    horizon = len(quantiles)
    shown = max(_HISTORY_HORIZONS * horizon, _FEWEST_STEPS)
    ahead = grid_of(prepared).ahead(np.full(horizon, times[-1]), np.arange(1, horizon + 1))
    middle, low, high = quantiles[:, MEDIAN], quantiles[:, 0], quantiles[:, -1]
    start, end = significant(float(middle[0])), significant(float(middle[-1]))
    wide = f"At the last step, eight of ten outcomes lie between {significant(float(low[-1]))} and "
    way = f"From {start} to {end} in {horizon} steps. " if horizon > 1 else ""
    return Panel(
        kind="fan",
        title=f"What comes next in {name or task.targets[0]}",
        note=f"{way}{wide}{significant(float(high[-1]))}.",
        help="The line is the middle of the forecast; the dark band holds half of the outcomes, the light one 80 %.",
        data={
            "x_kind": axis_kind(prepared, task),
            "y_title": task.targets[0],
            "series": [
                {
                    "name": name,
                    "history": {
                        "x": times[-shown:].tolist(),
                        "y": [float(value) if np.isfinite(value) else None for value in values[-shown:]],
                    },
                    "x": ahead.tolist(),
                    "median": middle.tolist(),
                    "bands": bands(quantiles),
                }
            ],
        },
    )

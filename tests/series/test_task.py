"""The forecasting task: what it refuses, and its three spaces."""

import numpy as np
import pandas as pd
import pytest

from dl_core.runspec import TaskSpec
from dl_core.tasks import TASKS

TASK = TASKS.load("forecasting")()


def spec(*targets: str) -> TaskSpec:
    return TaskSpec(kind="forecasting", targets=targets, metric="mase", time="t", series=("id",))


@pytest.mark.parametrize(
    "targets, says",
    [
        (("y", "id"), "one column"),
        (("t",), "'t' tells time or series apart"),
        (("empty",), "'empty' is missing"),
        (("words",), "'words' is kept as text"),
        (("flat",), "'flat' is the same"),
    ],
)
def test_a_target_that_cannot_be_forecast_is_named(targets, says):
    table = pd.DataFrame(
        {"t": [1, 2], "id": ["a", "b"], "y": [1.0, 2.0], "empty": [np.nan] * 2, "words": ["a", "b"], "flat": [3, 3]}
    )
    (problem,) = TASK.check(table[list(targets)], spec(*targets))
    assert problem.severity == "error" and says in problem.message and problem.fix
    assert TASK.check(table[["y"]], spec("y")) == []


def test_targets_keep_their_unit_and_their_gaps():
    targets = pd.DataFrame([[1.0, np.nan, 3.0]])
    state = TASK.fit(targets)
    assert TASK.output(state) == (3, 9)
    np.testing.assert_array_equal(TASK.encode(state, targets), targets.to_numpy(np.float32))
    np.testing.assert_array_equal(TASK.truth(state, targets), targets)


def test_quantiles_come_out_in_order():
    raw = np.random.default_rng(0).normal(size=(2, 3, 9)).astype(np.float32)
    forecast = TASK.decode({"horizon": 3}, raw)
    assert (np.diff(forecast, axis=2) >= 0).all()

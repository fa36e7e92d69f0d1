"""Shuffling tells what a model reads from what it ignores."""

import numpy as np
import pandas as pd

from dl_core.explain.importance import panel, shuffled_losses
from dl_core.seeds import generator


def linear_world(rows=500):
    draw = generator(0, "importance")
    frame = pd.DataFrame({name: draw.normal(0, 1, rows) for name in ("strong", "weak", "idle")})
    frame["word"] = draw.choice(["a", "b"], rows)
    truth = 3 * frame["strong"] + frame["weak"]
    return frame, truth


def losses(seconds=30.0):
    frame, truth = linear_world()
    return shuffled_losses(
        lambda table: float(np.sqrt(np.mean((3 * table["strong"] + table["weak"] - truth) ** 2))),
        frame,
        sign=-1,
        seed=0,
        seconds=seconds,
    )


def test_columns_rank_by_what_the_model_makes_of_them():
    found = {name: values.mean() for name, values in losses().items()}
    assert found["strong"] > found["weak"] > 0
    assert found["idle"] == found["word"] == 0


def test_the_known_cost_of_shuffling_a_linear_feature():
    # y - y' = 3 (x - x'), so the mean squared error is 9 * 2 var(x)
    expected = 3 * np.sqrt(2)
    assert abs(losses()["strong"].mean() - expected) / expected < 0.1


def test_every_column_is_shuffled_once_even_when_time_is_over():
    assert all(len(values) == 1 for values in losses(seconds=0.0).values())
    assert all(len(values) == 5 for values in losses().values())


def test_the_panel_says_what_could_be_left_out():
    shown = panel(losses(), "RMSE", "500 validation rows")
    assert shown.data["labels"][:2] == ["strong", "weak"]
    assert "“strong” costs" in shown.note and "on 500 validation rows, more than any other" in shown.note
    assert "has learned from these rows" not in shown.help
    assert "has learned from these rows" in panel(losses(), "RMSE", "500 test rows", learned=True).help
    assert "2 of 4 columns make no measurable difference" in shown.note
    assert shown.data["roles"] == ["accent", "accent", "baseline", "baseline"]

"""The median rule: who is given up, and who is left alone."""

import pytest

from dl_core.tuning.pruning import LEAST_CURVES, poor


def finished(*ends: float, status: str = "done") -> list[dict]:
    """Trials whose score rises in ten equal steps to its end."""
    steps = range(1, 11)
    return [
        {"status": status, "curve": [{"step": 10 * i, "steps": 100, "score": end * i / 10} for i in steps]}
        for end in ends
    ]


OTHERS = finished(0.6, 0.7, 0.8, 0.9)


@pytest.mark.parametrize(
    ("share", "score", "ended"),
    [(0.5, 0.36, True), (0.5, 0.39, False), (1.0, 0.74, True), (1.0, 0.76, False), (0.1, 0.0, False)],
)
def test_a_trial_worse_than_the_median_at_its_share_is_given_up(share, score, ended):
    assert poor(OTHERS, share, score, sign=1) is ended


def test_smaller_scores_are_better_where_the_metric_says_so():
    falling = [{"status": "done", "curve": [{"step": 1, "steps": 1, "score": value}]} for value in (1, 2, 3, 4)]
    assert poor(falling, 1.0, 3.5, sign=-1)
    assert not poor(falling, 1.0, 1.5, sign=-1)


def test_few_curves_and_trials_that_did_not_end_by_themselves_decide_nothing():
    assert not poor(OTHERS[: LEAST_CURVES - 1], 1.0, 0.0, sign=1)
    assert not poor(OTHERS[:1] + finished(0.7, 0.8, 0.9, status="failed"), 1.0, 0.0, sign=1)

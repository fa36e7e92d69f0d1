"""Events folded into what a page shows."""

import pytest

from tests.pages import worlds
from ui.live import Progress


def folded(facts, direction="max"):
    progress = Progress(direction)
    for fact in facts:
        progress.apply(fact)
    return progress


def test_the_best_trial_and_the_best_baseline_lead():
    progress = folded(worlds.events())
    assert progress.best_trial.id == max(progress.trials.values(), key=lambda trial: trial.score or 0).id
    assert progress.baseline["name"] == "Boosted trees (LightGBM)"
    assert progress.phase == "search"


def test_less_is_better_where_the_metric_says_so():
    facts = [
        {"event": "trial_start", "trial": name, "family": "mlp", "source": "oracle", "params": {}, "t": 0.0}
        for name in ("t001", "t002")
    ]
    facts += [
        {"event": "trial_end", "trial": name, "status": "done", "score": score, "seconds": 1.0, "error": None}
        for name, score in (("t001", 4.0), ("t002", 3.0))
    ]
    assert folded(facts, "min").best_trial.id == "t002"
    assert folded(facts, "max").best_trial.id == "t001"


def test_a_failed_trial_never_leads_and_keeps_its_reason():
    progress = folded(worlds.events(fail=7))
    assert progress.trials["t007"].status == "failed"
    assert "out of memory" in progress.trials["t007"].error
    assert progress.best_trial.id != "t007"


def test_epochs_repeated_after_a_crash_count_once():
    epoch = {"event": "epoch", "trial": "t001", "epochs": 4, "steps": 40, "train_loss": 1.0, "valid_loss": 1.0}
    facts = [
        {"event": "attempt", "attempt": 1, "pid": 1},
        {"event": "trial_start", "trial": "t001", "family": "mlp", "source": "oracle", "params": {}, "t": 0.0},
        *({**epoch, "epoch": number, "step": 10 * number, "score": 0.1 * number} for number in (1, 2, 3)),
        {"event": "attempt", "attempt": 2, "pid": 2},
        *({**epoch, "epoch": number, "step": 10 * number, "score": 0.1 * number} for number in (2, 3, 4)),
    ]
    progress = folded(facts)
    assert [point.step for point in progress.trials["t001"].points] == [10, 20, 30, 40]
    assert progress.attempts == 2
    assert progress.trials["t001"].score == pytest.approx(0.4)


def test_events_nobody_knows_are_passed_over():
    assert folded([{"event": "from_the_future"}, {"event": "end", "status": "done"}]).ended == "done"

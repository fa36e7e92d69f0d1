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


def start(trial, t=0.0):
    return {"event": "trial_start", "trial": trial, "family": "mlp", "source": "portfolio", "params": {}, "t": t}


def epoch(trial, number, score, member=0, members=5):
    return {"event": "epoch", "trial": trial, "epoch": number, "epochs": 3, "step": 10 * number, "steps": 30,
            "train_loss": 1.0, "valid_loss": 1.0, "score": score, "member": member, "members": members}  # fmt: skip


def end(trial, score, status="done"):
    return {"event": "trial_end", "trial": trial, "status": status, "score": score, "seconds": 3.0, "error": None}


def test_two_trials_at_once_keep_their_curves_apart():
    progress = folded(
        [
            start("t001"),
            start("t002"),
            *(epoch(trial, number, 0.1 * number, members=1) for number in (1, 2) for trial in ("t001", "t002")),
        ]
    )
    assert [trial.id for trial in progress.under_way] == ["t001", "t002"]
    assert [[point.epoch for point in trial.points] for trial in progress.trials.values()] == [[1, 2], [1, 2]]
    progress.apply(end("t001", 0.2))
    assert [trial.doing for trial in progress.under_way] == ["epoch 2 of 3"]


def test_the_curve_of_a_trial_with_folds_is_that_of_its_first():
    facts = [start("t001"), *(epoch("t001", number, 0.1 * number + member, member) for member in (0, 1)
                              for number in (1, 2, 3))]  # fmt: skip
    trial = folded(facts).trials["t001"]
    assert [point.score for point in trial.points] == pytest.approx([0.1, 0.2, 0.3])
    assert trial.score == pytest.approx(0.3), "what another fold reached is no score of this curve"
    assert trial.doing == "fold 2 of 5, epoch 3 of 3"


def test_the_score_of_one_fold_leads_only_while_there_is_no_other():
    facts = [start("t001"), epoch("t001", 1, 0.8), start("t002"), epoch("t002", 1, 0.99)]
    assert folded(facts).best_trial.id == "t002" and not folded(facts).best_trial.whole
    progress = folded([*facts, end("t001", 0.7)])
    assert progress.best_trial.id == "t001" and progress.best_trial.whole and progress.folds == 5


def test_a_trial_that_was_stopped_early_never_leads():
    progress = folded([start("t001"), start("t002"), end("t001", 0.7), end("t002", 0.9, "pruned")])
    assert progress.best_trial.id == "t001" and progress.under_way == []


def test_nothing_is_under_way_once_a_run_has_ended():
    assert folded([start("t001"), {"event": "end", "status": "cancelled"}]).under_way == []


def test_events_nobody_knows_are_passed_over():
    assert folded([{"event": "from_the_future"}, {"event": "end", "status": "done"}]).ended == "done"

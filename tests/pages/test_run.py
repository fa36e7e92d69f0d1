"""A run's page in every state a run can be in."""

import time

import pytest

from dl_core.records import append_line
from tests.pages import worlds
from tests.pages.conftest import said


@pytest.fixture
def dataset(store, tmp_path):
    return worlds.add_table(store, tmp_path)


def test_without_a_run_the_page_leads_to_the_way_in(open_page):
    page = open_page("run")
    assert page.title[0].value == "There is no run yet"
    assert page.button[0].label == "Bring data"


def test_an_unknown_run_is_said_to_be_gone(open_page, dataset):
    assert "There is no run &#x27;nosuchrun1&#x27;" in said(open_page("run", run="nosuchrun1"))


def test_a_waiting_run_shows_its_place_and_asks_for_somebody_to_work(open_page, store, dataset, started):
    worlds.add_run(store, dataset, "queued")
    second = worlds.add_run(store, dataset, "queued")
    text = said(open_page("run", run=second.id))
    assert "Place 2" in text
    assert "1 run before it." in text and "left at most" not in text
    assert started


def test_a_waiting_run_says_how_long_the_run_at_work_may_take(open_page, store, dataset):
    worlds.add_run(store, dataset, "running", seconds=600)
    text = said(open_page("run", run=worlds.add_run(store, dataset, "queued").id))
    assert "Place 2 in the queue" in text
    assert "The one at work has 9 min" in text


def test_a_run_at_work_shows_time_left_best_against_baseline_and_why(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    page = open_page("run", run=run.id)
    text = said(page)
    assert page.title[0].value == "Looking for the best network"
    assert "Trying what the tuner proposes" in text
    assert "Boosted trees (LightGBM)" in text
    assert "behind the baseline" in text
    assert "Column country is left out" in text
    assert "it has one value only" in text


def test_a_failed_trial_is_a_row_with_its_reason(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    frame = open_page("run", run=run.id).dataframe[0].value
    failed = frame[frame["Trial"] == "t004"].iloc[0]
    assert failed["State"] == "failed"
    assert "out of memory" in failed["Settings"]
    assert list(frame["State"]) == ["finished", "finished", "finished", "failed", "training"]


def test_stop_asks_the_run_to_keep_the_best_and_the_page_says_so_at_once(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    page = open_page("run", run=run.id).button(key="stop").click().run()
    assert store.control(run.id).stop
    assert page.title[0].value == "Keeping the best network"
    assert "Stopping: the best model so far is judged and packed, about 15 s" in said(page)
    assert page.button(key="stop").disabled and page.button(key="stop").label == "Stopping …"


def test_a_stop_asked_for_elsewhere_redraws_the_page(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    page = open_page("run", run=run.id)
    store.request_stop(run.id)
    assert page.run().title[0].value == "Keeping the best network"


def test_a_run_is_cancelled_only_after_a_second_click_and_the_question_outlives_a_redraw(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    page = open_page("run", run=run.id).button(key="cancel").click().run()
    page.run()
    assert not store.control(run.id).cancel
    page.button(key="cancel_confirmed").click().run()
    assert store.control(run.id).cancel
    page.run()
    assert "cancel_confirmed" not in {button.key for button in page.button}


def test_a_run_can_be_left_to_go_on(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    page = open_page("run", run=run.id).button(key="cancel").click().run()
    page.button(key="cancel_not").click().run()
    page.run()
    assert not store.control(run.id).cancel
    assert "cancel_not" not in {button.key for button in page.button}


def test_a_finished_run_is_its_own_record(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "done")
    page = open_page("run", run=run.id)
    text = said(page)
    assert "MLP is best; RealMLP draws with it" in text
    assert "0.929 ± 0.011" in text
    assert len(page.dataframe[0].value) == 7


def test_a_failed_run_says_why(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "failed")
    page = open_page("run", run=run.id)
    assert page.title[0].value == "This run ended without a model"
    assert "No network could be trained: out of memory" in said(page)


def test_a_cancelled_run_says_that_nothing_was_kept(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "cancelled")
    assert "Nothing was kept." in said(open_page("run", run=run.id))


def test_the_link_of_a_run_chooses_its_dataset(open_page, store, dataset, tmp_path):
    run = worlds.add_run(store, dataset, "done")
    worlds.add_table(store, tmp_path, name="newer")
    page = open_page("run", run=run.id)
    assert page.query_params["dataset"] == dataset.id


def start(trial, t):
    return {"event": "trial_start", "trial": trial, "family": "mlp", "source": "oracle", "params": {}, "t": t}


def epoch(trial, number, score, member, t):
    return {"event": "epoch", "trial": trial, "epoch": number, "epochs": 9, "step": number, "steps": 9, "score": score,
            "train_loss": 1.0, "valid_loss": 1.0, "member": member, "members": 5, "t": t}  # fmt: skip


def test_two_trials_in_folds_are_shown_side_by_side(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    now = time.time()
    ended = {"event": "trial_end", "status": "pruned", "trial": "t008", "score": 0.7, "seconds": 1.0, "error": None}
    facts = [start("t006", now), start("t007", now), start("t008", now), epoch("t008", 1, 0.7, 0, now), ended]
    for number in (1, 2, 3):
        facts += [epoch("t006", number, 0.6 + number / 10, 0, now), epoch("t007", number, 0.6, 0, now)]
    facts += [epoch("t006", 1, 0.99, 1, now)]
    for fact in facts:
        append_line(run.folder / "events.jsonl", **fact)
    page = open_page("run", run=run.id)
    assert "MLP t006: fold 2 of 5, epoch 1 of 9" in said(page) and "MLP t007: fold 1 of 5, epoch 3 of 9" in said(page)
    assert "0.99" not in said(page), "a score of one fold is not the best so far"
    frame = page.dataframe[0].value.set_index("Trial")
    assert list(frame["State"][["t006", "t007", "t008"]]) == [
        "training, fold 2 of 5", "training, fold 1 of 5", "stopped early",
    ]  # fmt: skip
    assert list(frame["Curve"]["t006"]) == pytest.approx([0.7, 0.8, 0.9])
    assert frame["Score"][["t006", "t007", "t008"]].isna().all(), "none of them has a score of all folds"


def test_the_refit_is_a_phase_with_words(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "running", seconds=600)
    assert "All rows" not in said(open_page("run", run=run.id))
    text = "Training the best network again, on all 600 labelled samples"
    append_line(run.folder / "events.jsonl", event="phase", phase="refit", text=text)
    page = said(open_page("run", run=run.id))
    assert text in page and "All rows" in page
    append_line(run.folder / "events.jsonl", event="phase", phase="deliver", text="Packing the best network")
    page = said(open_page("run", run=run.id))
    assert "Packing the best network" in page and "All rows" in page


def test_a_trial_that_did_not_end_is_not_said_to_be_training(open_page, store, dataset):
    run = worlds.add_run(store, dataset, "cancelled")
    states = list(open_page("run", run=run.id).dataframe[0].value["State"])
    assert states[-1] == "unfinished" and "training" not in states

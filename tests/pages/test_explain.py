"""Explain: every kind of model shows how good it is, and asks the worker why."""

import pytest

from dl_core.records import write_json
from dl_core.store import Store
from tests.charts.examples import examples
from tests.pages.conftest import said
from tests.pages.judged import Worker, judged

BARS = next(panel for panel in examples() if panel.kind == "bars").to_json()
SHEET = next(panel for panel in examples() if panel.kind == "images").to_json()


@pytest.fixture
def worker(store, monkeypatch):
    def answering(**answers):
        made = Worker(store, **answers)
        monkeypatch.setattr(Store, "wait", lambda *args, **more: made.wait(*args, **more))
        return made

    return answering


def view(test, name):
    test.session_state["explain_view"] = name
    test.run()
    assert not test.exception, test.exception[0].value
    return said(test)


@pytest.mark.parametrize(
    ("modality", "telling"),
    [
        ("table", "Who is taken for whom"),
        ("quantity", "actual against predicted"),
        ("image", "Who is taken for whom"),
        ("series", "What was forecast and what happened"),
    ],
)
def test_how_good_it_is_is_told_from_stored_predictions(open_page, store, tmp_path, worker, modality, telling):
    run = judged(store, tmp_path, modality)
    asked = worker()
    test = open_page("explain", run=run.id)
    assert telling in said(test)
    assert f"On {run.prepared.size('test')} test samples that no model has seen" in said(test)
    assert not asked.asked, "no worker is needed for that"


def test_importance_is_asked_of_the_worker_once(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker(explain={"panels": [BARS]})
    test = open_page("explain", run=run.id)
    assert "What the model relies on" in view(test, "Why in general")
    test.run()
    assert asked.asked == [("explain", {"run": run.id, "model": "t007", "name": "importance"})]


def test_an_explanation_kept_with_the_run_is_not_asked_again(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    write_json(run.folder / "explanations" / "t007" / "importance.json", [BARS])
    asked = worker()
    assert "What the model relies on" in view(open_page("explain", run=run.id), "Why in general")
    assert not asked.asked


def test_while_the_worker_thinks_the_page_says_so(open_page, store, tmp_path, worker, started):
    run = judged(store, tmp_path)
    worker()
    assert "asking the model" in view(open_page("explain", run=run.id), "Why in general")
    assert started, "somebody was asked to work on it"


def test_a_failed_explanation_is_a_sentence_and_can_be_tried_again(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    worker(explain="The bundle is damaged. Export the model again.")
    test = open_page("explain", run=run.id)
    assert "The bundle is damaged" in view(test, "Why in general")
    assert "Try again" in [button.label for button in test.button]


def test_the_worst_rows_come_first_and_the_first_is_explained(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker(explain={"panels": [BARS]})
    test = open_page("explain", run=run.id)
    page = view(test, "Why here")
    assert "The truth" in page and "wrong" in page
    shown = test.dataframe[0].value
    assert {"Truth", "Said", "age", "workclass"} <= set(shown.columns) and "income" not in shown
    assert asked.asked[0][1]["name"] == "attribution" and "sample" in asked.asked[0][1]


def test_pictures_are_explained_by_grad_cam(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path, "image")
    asked = worker(explain={"panels": [SHEET]})
    view(open_page("explain", run=run.id), "Why here")
    assert asked.asked[0][1]["name"] == "grad_cam"


def test_series_are_chosen_the_worst_forecast_first(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path, "series")
    asked = worker(explain={"panels": [BARS]})
    test = open_page("explain", run=run.id)
    view(test, "Series by series")
    box = next(box for box in test.selectbox if box.label == "Series")
    assert len(box.options) == 4 and all("MASE" in option for option in box.options)
    assert asked.asked[0][1] == {"run": run.id, "model": "t007", "name": "components", "sample": box.value}


def test_a_baseline_is_not_asked_for_gradients(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker()
    test = open_page("explain", run=run.id, model="linear")
    assert "cannot be asked why it answers so here" in view(test, "Why here")
    assert not asked.asked


def test_where_a_baseline_is_best_it_is_shown_as_on_every_page_and_the_best_network_is_a_click_away(
    open_page, store, tmp_path, worker
):
    run = judged(store, tmp_path, skill=0.7, rival=3.0)
    board = run.leaderboard()
    worker(explain={"panels": [BARS]}, predict={"answers": []})
    test = open_page("explain", run=run.id)
    assert board["winner"] == "linear" and "Linear model: ROC AUC" in said(test)
    view(test, "Why here")
    test.button(key="ask_network").click().run()
    assert "RealMLP: ROC AUC" in said(test)
    assert test.query_params["model"] == board["best_network"]

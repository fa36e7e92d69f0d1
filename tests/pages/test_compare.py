"""Compare in its three worlds: nothing yet, a run at work, a board."""

import pytest

from dl_core.records import read_json, write_json
from tests.pages import worlds
from tests.pages.conftest import said
from tests.pages.judged import judged
from ui import board as boards


def component(test, name="deepboard_board"):
    """The HTML that the board's component got."""
    import json

    found = [element for element in test.main if name in str(getattr(element, "proto", ""))]
    assert found, "the board was not drawn"
    return json.dumps(str(found[0].proto))


def test_without_data_the_page_leads_to_the_overview(open_page):
    test = open_page("compare")
    assert "There is nothing to compare yet" in said(test)
    assert [button.label for button in test.button] == ["Bring data"]


def test_a_run_at_work_has_no_board_yet(open_page, store, tmp_path):
    run = worlds.add_run(store, worlds.add_table(store, tmp_path), "running")
    assert "This run is still at work" in said(open_page("compare", run=run.id))


def test_the_board_says_its_sentence_and_what_its_numbers_are(open_page, store, tmp_path):
    run = judged(store, tmp_path)
    test = open_page("compare", run=run.id)
    assert test.title[0].value == "Which model is best?"
    assert run.leaderboard()["sentence"].split(":")[0] in said(test)
    samples = run.prepared.size("test")
    assert f"The scores are from the test part: {samples} rows no model has seen." in said(test)
    assert "It was scored once, at the end, and chose nothing." in said(test)
    assert [tab.label for tab in test.tabs] == ["Curves", "Trials", "All scores", "Against another run"]


def test_every_row_shows_place_score_and_gain(store, tmp_path):
    board = judged(store, tmp_path).leaderboard()
    html = boards.board_html(board)
    for row in board["rows"]:
        assert f'data-model="{row["model"]}"' in html
    assert html.count("<b style=") == len(board["rows"]), "a dot for every model"
    assert "the one to beat" in html and "best network" in html
    assert html.index('data-model="t007"') < html.index('data-model="linear"')


def test_every_row_shows_what_the_model_costs(store, tmp_path):
    board = judged(store, tmp_path).leaderboard()
    html = boards.board_html(board)
    for label in ("Training", "One row", "Size"):
        assert html.count(f'data-label="{label}"') == len(board["rows"])


def test_names_from_a_file_are_not_markup(store, tmp_path):
    board = judged(store, tmp_path).leaderboard()
    board["rows"][0]["name"] = "<img src=x onerror=alert(1)>"
    assert "<img" not in boards.board_html(board)


def test_who_always_says_the_same_does_not_squeeze_the_scale():
    def row(family, test):
        return {"family": family, "test": test, "interval": [test - 0.01, test + 0.01], "valid": test}

    low, high = boards.scale([row("mlp", 0.92), row("linear", 0.9), row("dummy", 0.5)])
    assert low > 0.8 and high < 1
    assert boards.scale([row("dummy", 0.5)])[0] < 0.5


def test_models_that_draw_are_called_so(store, tmp_path):
    board = judged(store, tmp_path).leaderboard()
    for row in board["rows"]:
        row["tier"] = 1
    assert "These three draw: the differences are within noise" in boards.board_html(board)


@pytest.mark.parametrize("view", ["Trials", "All scores", "Against another run"])
def test_every_view_opens(open_page, store, tmp_path, view):
    run = judged(store, tmp_path)
    test = open_page("compare", run=run.id)
    test.session_state["compare_view"] = view
    test.run()
    assert not test.exception
    expected = {"Trials": "Which settings pay", "All scores": None, "Against another run": "no other finished run"}
    if expected[view]:
        assert expected[view] in said(test)
    else:
        assert {"Accuracy", "Log loss"} <= set(test.dataframe[0].value.columns)


def against(open_page, run):
    test = open_page("compare", run=run.id)
    test.session_state["compare_view"] = "Against another run"
    test.run()
    assert not test.exception, test.exception[0].value
    return said(test)


def test_runs_on_the_same_samples_are_compared_as_pairs(open_page, store, tmp_path):
    first = judged(store, tmp_path, skill=3.0)
    judged(store, tmp_path, skill=0.7, dataset=first.dataset)
    page = against(open_page, first)
    assert "Both runs on one scale" in page
    assert "ahead of the other" in page
    assert "Both runs were asked for the same" in page


def test_two_runs_that_answer_the_same_draw(open_page, store, tmp_path):
    first = judged(store, tmp_path)
    judged(store, tmp_path, dataset=first.dataset)
    assert "the best of both draw" in against(open_page, first)


def test_runs_on_other_samples_are_not_compared_closely(open_page, store, tmp_path):
    first = judged(store, tmp_path)
    judged(store, tmp_path, dataset=first.dataset, seed=1)
    page = against(open_page, first)
    assert "tested on different samples, so small differences mean nothing" in page


def test_the_board_as_a_file_holds_every_model_and_metric(store, tmp_path):
    board = judged(store, tmp_path).leaderboard()
    frame = boards.record(board)
    assert list(frame["model"]) == [row["model"] for row in board["rows"]]
    assert {"roc_auc_test", "log_loss_valid", "interval_low", "gain_interval_high"} <= set(frame.columns)


def trained_again(run):
    path = run.model_folder("t007") / "model.json"
    write_json(path, {**read_json(path), "refit": {"samples": 600, "seconds": 2.0, "epochs": 9, "parameters": 1_800}})


def test_scores_out_of_fold_are_called_so(open_page, store, tmp_path):
    run = judged(store, tmp_path)
    test = open_page("compare", run=run.id)
    assert "Ranked out of fold: each model is trained 5 times" in said(test)
    test.session_state["compare_view"] = "All scores"
    test.run()
    assert test.segmented_control(key="scores_part").options == ["Test part", "Out of fold"]
    test.segmented_control(key="scores_part").set_value("Out of fold").run()
    assert "judged by the fold that it has not seen" in said(test)
    assert "alidation" not in said(test)


def test_a_validation_part_is_called_so(open_page, store, tmp_path):
    run = judged(store, tmp_path, "image")
    page = said(open_page("compare", run=run.id))
    assert "Ranked on the validation part." in page and "fold" not in page.split("<style>")[0]


def test_a_network_that_was_trained_again_says_what_its_scores_are_of(open_page, store, tmp_path):
    run = judged(store, tmp_path)
    assert "trained again" not in said(open_page("compare", run=run.id))
    trained_again(run)
    sentence = "The scores were measured on the network that had not seen the test part; the one that is delivered"
    assert sentence in said(open_page("compare", run=run.id))
    assert "trained again, on all 600 labelled samples" in said(open_page("compare", run=run.id))
    explained = said(open_page("explain", run=run.id))
    assert sentence in explained


def test_trials_that_were_stopped_early_are_called_so(open_page, store, tmp_path):
    run = judged(store, tmp_path)
    path = run.folder / "trials" / "t002" / "trial.json"
    write_json(path, {**read_json(path), "status": "pruned"})
    test = open_page("compare", run=run.id)
    test.session_state["compare_view"] = "Trials"
    test.run()
    frame = test.dataframe[0].value.set_index("Trial")
    assert list(frame["Status"][["t001", "t002"]]) == ["finished", "stopped early"]
    assert list(frame["ROC AUC"][["t001", "t002"]].isna()) == [False, True], "one fold is no score out of fold"

"""The Overview in three worlds: nothing there yet, data chosen, runs in every state."""

from tests.pages import worlds
from tests.pages.conftest import links, said


def test_an_empty_workspace_offers_a_drop_zone_and_six_examples(open_page):
    page = open_page()
    assert page.title[0].value == "What would you like to predict?"
    assert len([button for button in page.button if button.key.startswith("example_")]) == 6


def test_data_without_a_run_is_continued_with_the_data_page(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    assert links(open_page())["Continue with people"] == f"data?dataset={dataset.id}"


def test_a_run_at_work_comes_before_newer_ones_that_wait(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    running = worlds.add_run(store, dataset, "running")
    worlds.add_run(store, dataset, "queued")
    assert links(open_page())["Continue with people · income"] == f"run?dataset={dataset.id}&run={running.id}"


def test_runs_at_work_show_phase_place_and_lead(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    worlds.add_run(store, dataset, "running")
    worlds.add_run(store, dataset, "queued")
    text = said(open_page())
    assert "Trying what the tuner proposes" in text
    assert "best baseline 0.921" in text
    assert "next in the queue" in text


def test_the_last_results_say_score_interval_and_gain_over_the_best_baseline(open_page, store, tmp_path):
    worlds.add_run(store, worlds.add_table(store, tmp_path), "done")
    text = said(open_page())
    assert "0.929 ± 0.011" in text
    assert "0.011 better than Boosted trees (LightGBM), the best simple method." in text


def test_a_name_from_a_file_is_shown_as_written_never_as_markup(open_page, store, tmp_path):
    worlds.add_table(store, tmp_path, name="<img src=x onerror=alert(1)> *bold*")
    page = open_page()
    assert "<img src=x" not in said(page)
    assert not [label for label in links(page) if "*bold*" in label.replace("\\*", "")]


def test_a_run_is_renamed_and_deleted_from_its_row(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    run = worlds.add_run(store, dataset, "done")
    store.rename_run(run.id, "First try")
    assert "First try" in links(open_page())
    store.delete_run(run.id)
    page = open_page()
    assert "First try" not in links(page)
    assert "Datasets" in said(page)


def test_runs_outlive_their_data(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    worlds.add_run(store, dataset, "done")
    store.delete_dataset(dataset.id)
    text = said(open_page())
    assert "No data at the moment" in text
    assert "data deleted" in text


def test_a_link_that_names_a_run_shows_the_run(open_page, store, tmp_path):
    run = worlds.add_run(store, worlds.add_table(store, tmp_path), "done")
    page = open_page(run=run.id)
    assert page.title[0].value == "What came out of this run?"
    assert page.query_params["run"] == run.id

"""The Overview in three worlds: nothing there yet, data chosen, runs in every state."""

import pytest
import streamlit as st

from dl_core.records import write_json
from tests.pages import worlds
from tests.pages.conftest import links, said


def test_an_empty_workspace_offers_a_drop_zone_and_six_examples(open_page):
    page = open_page()
    assert page.title[0].value == "What would you like to predict?"
    assert len([button for button in page.button if button.key.startswith("example_")]) == 6


def test_an_upload_that_waits_leaves_room_for_another(open_page, store):
    folder = store.workspace / "uploads" / "earlier"
    (folder / "content").mkdir(parents=True)
    (folder / "content" / "people.csv").write_text("a,b\n1,2\n")
    write_json(folder / "arrived.json", {"id": "earlier", "name": "people", "at": 0.0})
    st.cache_resource.clear()  # as a new server
    page = open_page()
    assert [button for button in page.button if button.key == "read_earlier"]
    assert drop_zones(page) == 1


def drop_zones(page):
    return len([element for element in page.get("bidi_component")])


def test_data_without_a_run_is_continued_with_the_data_page(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    assert links(open_page())["Continue with people"] == f"data?dataset={dataset.id}"


def test_the_data_at_hand_is_continued_before_newer_data(open_page, store, tmp_path):
    first, later = (tmp_path / name for name in ("first", "later"))
    first.mkdir(), later.mkdir()
    chosen = worlds.add_table(store, first)
    worlds.add_table(store, later)
    assert links(open_page(dataset=chosen.id))["Continue with people"] == f"data?dataset={chosen.id}"


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
    assert "1 run before it" in text


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


@pytest.mark.parametrize("page", ["overview", "data", "train", "run", "compare", "download"])
@pytest.mark.parametrize("key", ["run", "dataset"])
def test_a_link_to_what_is_gone_says_so_in_one_place(open_page, store, tmp_path, page, key):
    worlds.add_run(store, worlds.add_table(store, tmp_path), "done")
    opened = open_page(page, **{key: "gone"})
    assert said(opened).count(f"There is no {key} &#x27;gone&#x27;. It may have been deleted.") == 1


def test_what_was_deleted_in_another_tab_is_let_go_of(open_page, store, tmp_path):
    dataset = worlds.add_table(store, tmp_path)
    old, new = (worlds.add_run(store, dataset, "done") for _ in range(2))
    page = open_page("run", run=old.id)
    store.delete_run(old.id)
    page.query_params.clear()
    page.switch_page("../pages/compare.py").run()
    assert page.query_params["run"] == [new.id] or page.query_params["run"] == new.id
    assert "There is no run" not in said(page)


def test_a_link_that_names_a_run_shows_the_run(open_page, store, tmp_path):
    run = worlds.add_run(store, worlds.add_table(store, tmp_path), "done")
    page = open_page(run=run.id)
    assert page.title[0].value == "What came out of this run?"
    assert page.query_params["run"] == run.id

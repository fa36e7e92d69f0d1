"""The Data page: what it finds, and edits of the columns."""

import pytest

from dl_core.data.schema import Column, Schema
from tests.pages import worlds
from tests.pages.conftest import said
from ui import columns


@pytest.fixture
def dataset(store, tmp_path):
    return worlds.add_table(store, tmp_path)


def test_without_data_the_page_leads_to_the_way_in(open_page):
    page = open_page("data")
    assert page.title[0].value == "There is no data yet"


def test_the_page_says_what_the_data_is_and_shows_its_rows(open_page, dataset):
    page = open_page("data", dataset=dataset.id)
    text = said(page)
    assert "Deepboard would predict income, judged by ROC AUC" in text
    assert "people.csv" in text
    shown = page.dataframe[0].value
    assert list(shown.columns) == list(dataset.schema.names)
    assert str(shown["since"].dtype).startswith("datetime64")


def test_one_click_trains_with_the_suggested_choices(open_page, store, dataset, started):
    page = open_page("data", dataset=dataset.id)
    page.button(key="train").click().run()
    run = store.runs()[0]
    assert run["status"] == "queued" and run["targets"] == "income"
    assert started == [store.workspace] * len(started) and started
    assert page.title[0].value == "Waiting for its turn"
    assert store.run(run["id"]).decisions(), "the choices of the plan open the decision log"


def test_every_column_shows_kind_reason_missing_and_distribution(dataset):
    frame = columns.frame(dataset.schema, dataset.profile).set_index("Column")
    assert frame.loc["workclass", "Missing"] == pytest.approx(0.068, abs=0.02)
    assert frame.loc["country", "Why"] == "all 600 values are 'Austria': a constant tells nothing"
    assert sum(frame.loc["age", "Distribution"]) == 600
    assert frame.loc["age", "Typical"].startswith("17 to 89")
    assert frame.loc["since", "Typical"].startswith("3 Jan 2015")


SCHEMA = Schema(
    version=1,
    columns=(
        Column(name="age", kind="numeric", storage="number"),
        Column(name="word", kind="category", storage="text"),
        Column(name="day", kind="datetime", storage="time"),
    ),
)


def test_edits_become_changes_and_edits_back_to_the_start_become_none():
    edits = {0: {"Kind": "category"}, 1: {"Role": "feature"}, 2: {"Role": "time", "Why": "mine"}}
    assert columns.changes_of(SCHEMA, edits) == {"age": {"kind": "category"}, "day": {"role": "time"}}


def test_a_kind_that_the_stored_values_cannot_be_is_refused_with_what_is_possible():
    problem = columns.first_misfit(SCHEMA, {"word": {"kind": "numeric"}})
    assert "'word' holds text, so it cannot become 'numeric'" in str(problem)
    assert columns.first_misfit(SCHEMA, {"age": {"kind": "category"}}) is None


def test_two_columns_cannot_both_be_the_time():
    problem = columns.first_misfit(SCHEMA, {"age": {"role": "time"}, "day": {"role": "time"}})
    assert "all have the role 'time'" in str(problem)

"""The Train page: one sentence, its controls, and the launch."""

import pytest

from dl_core.data.importing import import_file
from dl_core.metrics import METRICS
from dl_core.runspec import SEARCHES
from tests.pages import worlds
from tests.pages.conftest import said
from ui import words


@pytest.fixture
def dataset(store, tmp_path):
    return worlds.add_table(store, tmp_path)


def control(page, name, dataset):
    return page.selectbox(key=f"wish_{name}_{dataset.id}")


def test_the_sentence_holds_the_plans_own_choices(open_page, dataset):
    page = open_page("train", dataset=dataset.id)
    assert control(page, "targets", dataset).value == "income"
    assert control(page, "task", dataset).value == "classification"
    assert control(page, "metric", dataset).value == "roc_auc"
    assert control(page, "test_share", dataset).value == 0.2
    assert control(page, "seconds", dataset).value == 300


def test_only_metrics_that_can_rank_are_offered(open_page, dataset):
    offered = control(open_page("train", dataset=dataset.id), "metric", dataset).options
    assert "ROC AUC" in offered
    assert METRICS.load("ece").title not in offered


def test_two_clicks_suffice(open_page, store, dataset, started):
    page = open_page("train", dataset=dataset.id)
    page.button(key="train").click().run()
    assert [row["status"] for row in store.runs()] == ["queued"]
    assert started
    assert page.query_params["run"] == store.runs()[0]["id"]


def test_another_target_gets_its_own_task_and_metric(open_page, store, dataset):
    page = open_page("train", dataset=dataset.id)
    control(page, "metric", dataset).select("accuracy").run()
    control(page, "targets", dataset).select("age").run()
    assert control(page, "task", dataset).value == "regression"
    assert control(page, "metric", dataset).value == "rmse"
    page.button(key="train").click().run()
    spec = store.run(store.runs()[0]["id"]).spec
    assert spec.task.targets == ("age",) and spec.task.kind == "regression"


def test_what_was_chosen_reaches_the_run(open_page, store, dataset):
    page = open_page("train", dataset=dataset.id)
    control(page, "seconds", dataset).select(60).run()
    control(page, "test_share", dataset).select(0.3).run()
    page.number_input(key=f"wish_seed_{dataset.id}").set_value(7).run()
    page.checkbox(key=f"family_mlp_{dataset.id}").uncheck().run()
    page.button(key="train").click().run()
    spec = store.run(store.runs()[0]["id"]).spec
    assert (spec.budget.seconds, spec.split.test_share, spec.seed) == (60, 0.3, 7)
    assert spec.families == ("realmlp",)


def test_a_target_that_cannot_be_learned_is_refused_before_the_launch(open_page, store, dataset):
    dataset.add_schema(dataset.schema.edited({"person_id": {"role": "target"}}))
    page = open_page("train", dataset=dataset.id)
    assert "is an id" in said(page)
    assert not [button for button in page.button if button.key == "train"]
    assert store.runs() == []


def test_columns_that_are_no_likely_target_come_last_and_say_why_not(open_page, dataset):
    page = open_page("train", dataset=dataset.id)
    options = control(page, "targets", dataset).options
    assert sorted(options) == sorted(dataset.schema.names)
    assert options.index("country") > options.index("income")
    control(page, "targets", dataset).select("country").run()
    assert "has one class only" in said(page)
    control(page, "targets", dataset).select("income").run()
    assert [button for button in page.button if button.key == "train"]


def test_only_data_with_the_same_columns_is_offered_as_a_test(open_page, store, dataset, tmp_path):
    for name, drop in (("alike", []), ("narrow", ["age"])):
        (tmp_path / name).mkdir()
        file = tmp_path / name / f"{name}.csv"
        worlds.people(200).drop(columns=drop).to_csv(file, index=False)
        store.add_dataset(import_file(file, store.incoming(), name=name))
    page = open_page("train", dataset=dataset.id)
    page.selectbox(key="split_kind").select("file").run()
    assert page.selectbox(key="test_dataset").options == ["alike"]


def test_a_forecast_may_be_tested_on_the_users_own_file(open_page, store, tmp_path):
    from tests import examples

    first, later = (tmp_path / name for name in ("first", "later"))
    first.mkdir(), later.mkdir()
    dataset, test = (
        store.add_dataset(import_file(examples.write("series", folder), store.incoming(), name=folder.name))
        for folder in (first, later)
    )
    page = open_page("train", dataset=dataset.id)
    assert page.selectbox(key="split_kind").options == ["By time: the test is the latest part", "My own test file"]
    page.selectbox(key="split_kind").select("file").run()
    page.selectbox(key="test_dataset").select(test.id).run()
    assert not page.exception
    page.button(key="train").click().run()
    split = store.run(store.runs()[0]["id"]).spec.split
    assert (split.kind, split.test_dataset) == ("file", test.id)


def test_the_split_is_drawn_with_its_numbers(open_page, dataset):
    page = said(open_page("train", dataset=dataset.id))
    assert "480 train in 5 folds, 120 test" in page and "every network is trained 5 times" in page
    assert "Learns from 480 rows" in page and "validation part" not in page


def test_rows_in_time_are_drawn_with_their_validation_part(open_page, dataset):
    page = open_page("train", dataset=dataset.id)
    page.selectbox(key="split_kind").select("time").run()
    assert "compared on the validation part" in said(page) and "folds" not in said(page)


def test_how_to_search_and_whether_to_train_again_reach_the_run(open_page, store, dataset):
    page = open_page("train", dataset=dataset.id)
    search, refit = (f"wish_{name}_{dataset.id}" for name in ("search", "refit"))
    assert page.radio(key=search).value == "bayesian" and page.toggle(key=refit).value is True
    assert set(words.SEARCHES) == set(SEARCHES)
    page.radio(key=search).set_value("hyperband").run()
    page.toggle(key=refit).set_value(False).run()
    page.button(key="train").click().run()
    spec = store.run(store.runs()[0]["id"]).spec
    assert (spec.search, spec.refit) == ("hyperband", False)


def test_what_is_usual_is_no_wish(open_page, dataset):
    page = open_page("train", dataset=dataset.id)
    for search in ("random", "bayesian"):
        page.radio(key=f"wish_search_{dataset.id}").set_value(search).run()
        offered = [button for button in page.button if button.key == "reset"]
        assert bool(offered) == (search == "random")

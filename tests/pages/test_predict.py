"""Predict: the form is made from what the model reads, and the answer stands beside it."""

import numpy as np
import pytest
from PIL import Image

from dl_core.bundle.serving import write_csv
from dl_core.evaluation.samples import margin
from dl_core.report import significant
from dl_core.store import Store
from tests.charts.examples import examples
from tests.pages.conftest import said
from tests.pages.judged import Worker, judged

BARS = next(panel for panel in examples() if panel.kind == "bars").to_json()
RICH = {"answers": [{"prediction": ">50K", "probability_<=50K": 0.2, "probability_>50K": 0.8}]}


@pytest.fixture
def worker(store, monkeypatch):
    def answering(**answers):
        made = Worker(store, **answers)
        monkeypatch.setattr(Store, "wait", lambda *args, **more: made.wait(*args, **more))
        return made

    return answering


def asked_rows(worker):
    return [payload["rows"][0] for kind, payload in worker.asked if kind == "predict"]


def test_the_form_holds_the_columns_the_model_reads(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker(predict=RICH, explain={"panels": [BARS]})
    test = open_page("predict", run=run.id)
    labels = {field.label for kind in ("slider", "number_input", "selectbox") for field in test.get(kind)}
    assert {"age", "workclass", "education", "hours per week"} <= labels and "income" not in labels
    assert set(asked_rows(asked)[0]) == {"age", "workclass", "education", "hours per week"}


def test_the_answer_stands_there_with_its_probabilities_and_reasons(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker(predict=RICH, explain={"panels": [BARS]})
    page = said(open_page("predict", run=run.id))
    assert "&gt;50K</div>" in page and "80%" in page and "20%" in page
    assert "What the model relies on" in page, "the panel of the explanation"
    assert asked.asked[1][1]["row"] == asked_rows(asked)[0]


def test_a_changed_value_is_asked_again(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker(predict=RICH, explain={"panels": [BARS]})
    test = open_page("predict", run=run.id)
    box = next(box for box in test.selectbox if box.label == "education")
    box.select("Masters" if box.value != "Masters" else "Bachelors").run()
    assert not test.exception
    assert asked_rows(asked)[-1]["education"] == box.value
    assert len({row["education"] for row in asked_rows(asked)}) == 2


def test_everything_may_be_missing(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    asked = worker(predict=RICH, explain={"panels": [BARS]})
    test = open_page("predict", run=run.id)
    next(box for box in test.selectbox if box.label == "workclass").select("missing").run()
    assert asked_rows(asked)[-1]["workclass"] is None


def test_a_quantity_has_an_interval_that_stays_in_the_range_of_training(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path, "quantity")
    worker(predict={"answers": [{"prediction": 88.0}]}, explain={"panels": [BARS]})
    page = said(open_page("predict", run=run.id))
    highest = run.prepared.state["task"]["high"][0]
    assert "88.0</div>" in page
    assert f"and {highest:.1f}." in page, "the upper end is cut at what training showed"


def test_the_next_steps_are_drawn_and_listed(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path, "series")

    def forecast(payload):
        assert payload == {"run": run.id, "model": "t007"}
        quantiles = {f"quantile_{level / 10:.1f}": 40.0 + level for level in range(1, 10)}
        rows = [
            {"shop": name, "day": f"2023-08-{day + 1:02}", "prediction": 45.0, **quantiles}
            for name in run.prepared.names()
            for day in range(7)
        ]
        return {"answers": rows}

    worker(predict=forecast)
    test = open_page("predict", run=run.id)
    assert "What comes next in shop 1" in said(test)
    assert len(test.dataframe[0].value) == 7
    next(box for box in test.selectbox if box.label == "Series").select("shop 3").run()
    assert "What comes next in shop 3" in said(test)


def test_a_broken_answer_is_a_sentence(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    worker(predict="The table lacks 'age'.")
    assert "The table lacks" in said(open_page("predict", run=run.id))


def test_the_margin_of_an_answer_is_what_the_test_part_shows(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path, "quantity")
    np.save(run.model_folder("t007") / "valid.npy", np.asarray(run.prepared.truth("valid")))  # chosen on it: no error
    middle = float(np.median(run.prepared.truth("train")))
    worker(predict={"answers": [{"prediction": middle}]}, explain={"panels": [BARS]})
    truth, prediction = run.prepared.truth("test"), np.load(run.model_folder("t007") / "test.npy")
    low, high = margin(truth, prediction)
    bounds = run.prepared.state["task"]
    ends = max(middle + low[0], bounds["low"][0]), min(middle + high[0], bounds["high"][0])
    said_ends = f"between {significant(ends[0])} and {significant(ends[1])}."
    assert said_ends in said(open_page("predict", run=run.id))


def dropped(store):
    """Where the files of an upload arrive."""
    content = store.workspace / "uploads" / "one" / "content"
    content.mkdir(parents=True, exist_ok=True)
    return content


def answered_file(open_page, worker, run, source, table):
    """The Predict page after the file `source` was dropped and `table` came back."""
    out = source.parent.parent / "predictions-t007.csv"
    write_csv(out, table)
    worker(
        predict=lambda payload: {"out": str(out), "rows": len(table["prediction"])} if "file" in payload else RICH,
        explain={"panels": [BARS]},
    )
    test = open_page("predict", run=run.id)
    test.session_state["predict_view"] = "A file"
    test.session_state[f"predict_upload_{run.id}"] = {
        "file": str(source), "name": source.name, "folder": str(source.parent.parent)
    }  # fmt: skip
    test.run()
    assert not test.exception, test.exception[0].value
    return test


def test_classes_of_a_file_are_shown_as_they_are_called(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path)
    table = {"prediction": ["007", "None", "=1+1", "-5"], "probability_007": [0.9, 0.1, np.nan, 0.3]}
    test = answered_file(open_page, worker, run, dropped(store) / "new.csv", table)
    shown = test.dataframe[0].value
    assert list(shown["prediction"]) == ["007", "None", "=1+1", "-5"]
    assert shown["probability_007"].dtype == float


def test_pictures_of_one_name_are_told_apart_by_their_folder(open_page, store, tmp_path, worker):
    run = judged(store, tmp_path, "image")
    classes = run.prepared.state["task"]["classes"]
    files = ["a/1.png", "b/1.png"]
    for number, name in enumerate(files):
        path = dropped(store) / "pets" / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (8, 8), (0, 0, 80 * number)).save(path)
    shares = {f"probability_{name}": [0.5, 0.5] for name in classes}
    table = {"file": files, "prediction": [classes[0]] * 2, **shares}
    answered_file(open_page, worker, run, dropped(store) / "pets", table)
    asked = [job["payload"]["row"] for job in jobs_of(store, "explain")]
    assert asked and all(str(path).endswith("pets/a/1.png") for row in asked for path in row.values())


def jobs_of(store, kind):
    with store.catalogue.transaction() as connection:
        ids = [row[0] for row in connection.execute("select id from jobs where kind = ?", (kind,))]
    return [store.job(id) for id in ids]

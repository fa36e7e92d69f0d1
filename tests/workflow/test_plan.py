"""Plans: two clicks suffice, every default says why, and what cannot work is refused before anything starts."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dl_core.data.importing import import_file
from dl_core.errors import DataError, SpecError, TargetError
from dl_core.metrics import metrics_of
from dl_core.runspec import RunSpec
from dl_core.workflow.plan import Wishes, plan

ROWS = 120


@pytest.fixture
def bring(tmp_path):
    """Import a table, as a table unless said otherwise."""

    def bring(frame, layout="table", **options):
        number = len(list(tmp_path.iterdir()))
        path = tmp_path / f"data{number}.csv"
        frame.to_csv(path, index=False)
        return import_file_of(path, tmp_path / f"dataset{number}", layout=layout, **options)

    return bring


def import_file_of(path, folder, **options):
    from dl_core.data.dataset import Dataset

    return Dataset(import_file(path, folder, **options))


def people():
    rows = np.arange(ROWS)
    return pd.DataFrame(
        {
            "age": 20 + rows % 50,
            "town": np.take(["Graz", "Linz", "Wien"], rows % 3),
            "household": np.array([f"h{row // 4}" for row in rows]),
            "used_for": np.take(["train", "train", "train", "valid", "test"], rows % 5),
            "joined": pd.date_range("2020-01-01", periods=ROWS, freq="11D").strftime("%Y-%m-%d"),
            "wage": np.round(1000 + rows * 13.7 + rows % 7, 2),
            "debt": 250.5 - rows * 7,
            "rich": np.where(rows % 4 == 0, "yes", "no"),
        }
    )


def sales(series=3, days=60):
    return pd.concat(
        pd.DataFrame(
            {
                "shop": f"shop {number}",
                "day": pd.date_range("2024-01-01", periods=days).strftime("%Y-%m-%d"),
                "sold": np.round(100 + 10 * number + 5 * np.sin(np.arange(days) / 7), 2),
            }
        )
        for number in range(series)
    )


def keys(decisions):
    return [decision["key"] for decision in decisions]


def test_nothing_asked_is_everything_decided_with_a_reason(bring):
    spec, decisions = plan(bring(people()))
    assert spec.task.targets and spec.task.metric and spec.split.kind and spec.families == ()
    assert keys(decisions) == ["targets", "task", "metric", "split.kind"]
    assert all(decision["what"] and decision["why"] for decision in decisions)
    assert RunSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("target", "tasks", "metrics", "splits"),
    [
        ("rich", [], {"Accuracy", "Log loss"}, {"at random", "by time"}),
        ("wage", ["Forecasting"], {"MAE", "MAPE"}, {"by time", "your own test file"}),
        ("debt", ["Forecasting"], {"MAE"}, {"by a column whose rows stay together"}),
    ],
)
def test_what_else_was_possible_could_really_be_asked_for(bring, target, tasks, metrics, splits):
    dataset = bring(people())
    spec, decisions = plan(dataset, Wishes(targets=[target]))
    others = {decision["key"]: decision["alternatives"] for decision in decisions}
    assert others["task"] == tasks
    assert metrics <= set(others["metric"]) and splits <= set(others["split.kind"])
    assert "with the same shares of the classes" not in others["split.kind"], "chosen, or no classes"
    names = {metric.title: metric.name for metric in metrics_of(spec.task.kind)}
    for title in others["metric"]:
        asked, _ = plan(dataset, Wishes(targets=[target], metric=names[title]))
        assert asked.task.metric != spec.task.metric


def test_everything_asked_leaves_nothing_to_decide(bring):
    wishes = {"targets": ["wage"], "task": "regression", "metric": "mae", "split": "random", "families": ["mlp"]}
    spec, decisions = plan(bring(people()), Wishes(**wishes, seconds=300, seed=7, test_share=0.3, trials=9, epochs=4))
    assert decisions == []
    assert (spec.task.targets, spec.task.kind, spec.task.metric) == (("wage",), "regression", "mae")
    assert (spec.budget.seconds, spec.budget.trials, spec.budget.epochs, spec.seed) == (300, 9, 4, 7)
    assert (spec.split.kind, spec.split.test_share, spec.families) == ("random", 0.3, ("mlp",))


@pytest.mark.parametrize(
    ("target", "kind", "metric", "split"),
    [
        ("rich", "classification", "roc_auc", "stratified"),
        ("town", "classification", "accuracy", "stratified"),
        ("wage", "regression", "rmse", "random"),
    ],
)
def test_the_target_says_task_metric_and_split(bring, target, kind, metric, split):
    spec, _ = plan(bring(people()), Wishes(targets=[target]))
    assert (spec.task.kind, spec.task.metric, spec.split.kind) == (kind, metric, split)


def test_a_confirmed_target_is_taken_and_a_doubtful_one_must_be_named(bring):
    dataset = bring(people())
    with pytest.raises(SpecError, match="Say which column"):
        plan(dataset, guess_target=False)
    dataset.add_schema(dataset.schema.edited({"town": {"role": "target"}}))
    spec, _ = plan(dataset, guess_target=False)
    assert spec.task.targets == ("town",) and spec.schema_version == 2


def test_a_folder_per_class_needs_no_target(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((9, 9, 3), 20 * number + (100 if label == "dog" else 0), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{number}.png")
    dataset = import_file_of(tmp_path / "pets", tmp_path / "dataset")
    spec, _ = plan(dataset, guess_target=False)
    assert spec.task.kind == "classification" and len(spec.task.targets) == 1
    assert plan(dataset, Wishes(families=["resnet"]))[0].families == ("resnet",)
    with pytest.raises(SpecError, match="does not fit"):
        plan(dataset, Wishes(families=["realmlp"]))


def test_series_are_forecast_on_their_own_future(bring):
    dataset = bring(sales(), layout=None)
    spec, decisions = plan(dataset)
    assert (spec.task.kind, spec.task.targets, spec.task.metric) == ("forecasting", ("sold",), "mase")
    assert (spec.task.time, spec.task.series, spec.task.frequency) == ("day", ("shop",), "D")
    assert (spec.split.kind, spec.split.column) == ("time", "day") and spec.task.horizon
    assert {"targets", "task", "series", "time", "horizon", "metric"} <= set(keys(decisions))
    asked, decisions = plan(dataset, Wishes(targets=["sold"], time="day", series=["shop"], horizon=5))
    assert asked.task.horizon == 5 and not {"horizon", "time", "series"} & set(keys(decisions))
    with pytest.raises(SpecError, match="split is by time"):
        plan(dataset, Wishes(split="random"))


def test_several_targets_of_a_forecast_are_pointed_to_the_long_format(bring):
    frame = sales(series=1).assign(returned=lambda table: table["sold"] / 7)
    with pytest.raises(TargetError, match="predicts one column; 2 are named.*each column is a series.*long format"):
        plan(bring(frame), Wishes(task="forecasting", targets=["sold", "returned"], time="day"))


def test_a_horizon_that_leaves_no_past_is_refused_with_the_longest_that_would_do(bring):
    dataset = bring(sales(days=30), layout=None)
    with pytest.raises(DataError, match="Choose a horizon of 8 or less"):
        plan(dataset, Wishes(horizon=9))
    assert plan(dataset, Wishes(horizon=8))[0].task.horizon == 8


@pytest.mark.parametrize(
    ("wishes", "kind", "column"),
    [
        ({"group": "household"}, "group", "household"),
        ({"group": "household", "split": "group"}, "group", "household"),
        ({"split": "used_for"}, "column", "used_for"),
        ({"split": "time"}, "time", "joined"),
        ({"split": "random"}, "random", None),
    ],
)
def test_a_split_that_was_asked_for_is_taken(bring, wishes, kind, column):
    spec, decisions = plan(bring(people()), Wishes(targets=["rich"], **wishes))
    assert (spec.split.kind, spec.split.column) == (kind, column) and "split.kind" not in keys(decisions)


@pytest.mark.parametrize(("column", "role", "kind"), [("household", "group", "group"), ("used_for", "split", "column")])
def test_roles_decide_the_split(bring, column, role, kind):
    dataset = bring(people())
    dataset.add_schema(dataset.schema.edited({column: {"role": role}}))
    spec, decisions = plan(dataset, Wishes(targets=["rich"]))
    assert (spec.split.kind, spec.split.column) == (kind, column) and "split.kind" in keys(decisions)


def test_an_own_test_file_is_the_test_part_and_must_hold_the_target(bring, tmp_path):
    dataset = bring(people())
    whole = bring(people().tail(20), schema=dataset.schema)
    spec, _ = plan(dataset, Wishes(targets=["rich"], test=whole))
    assert (spec.split.kind, spec.split.test_dataset) == ("file", whole.id)
    with pytest.raises(SpecError, match="already says what is tested"):
        plan(dataset, Wishes(targets=["rich"], test=whole, split="random"))
    dataset.add_schema(dataset.schema.edited({"rich": {"role": "target"}}))
    blind = bring(people().tail(20).drop(columns="rich"), schema=dataset.schema)
    with pytest.raises(TargetError, match="test file has no column 'rich'"):
        plan(dataset, Wishes(test=blind))


WRONG = {
    "unknown column": ({"targets": ["wags"]}, "Did you mean 'wage'"),
    "wrong case": ({"targets": ["WAGE"]}, "Did you mean 'wage'"),
    "unknown group": ({"targets": ["rich"], "group": "home"}, "no column 'home'"),
    "a date as target": ({"targets": ["joined"], "task": "classification"}, "cannot be predicted yet"),
    "words as a quantity": ({"targets": ["town"], "task": "regression"}, "holds words"),
    "metric of another task": ({"targets": ["wage"], "metric": "accuracy"}, "no metric 'accuracy' for regression"),
    "metric that cannot rank": ({"targets": ["rich"], "metric": "ece"}, "describes models but cannot rank them"),
    "metric of positive values": ({"targets": ["debt"], "metric": "mape"}, "says nothing about the values of 'debt'"),
    "group of another split": ({"targets": ["rich"], "group": "household", "split": "random"}, "goes with the split"),
    "the target splits": ({"targets": ["used_for"], "split": "used_for"}, "at once"),
    "horizon of a table": ({"targets": ["wage"], "task": "regression", "horizon": 3}, "belong to forecasting"),
    "unknown family": ({"targets": ["wage"], "families": ["gpt"]}, "'gpt' is unknown"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wishes_that_cannot_be_met_get_a_sentence(bring, case):
    wishes, sentence = WRONG[case]
    with pytest.raises((SpecError, TargetError), match=sentence):
        plan(bring(people()), Wishes(**wishes))


def test_a_table_of_a_target_only_has_nothing_to_learn_from(bring):
    with pytest.raises(SpecError, match="no column left to learn from"):
        plan(bring(people()[["rich"]]), Wishes(targets=["rich"]))

"""Prepared windows: right numbers, no look into the future, and served as they were trained."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.panel import history_arrays
from dl_core.errors import DataError, SpecError, TargetError
from dl_core.evaluation.leaderboard import Part
from dl_core.metrics.forecasting import naive_scale
from dl_core.prepared import PARTS, load_prepared
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec
from dl_core.samples.windows import prepare

HORIZON = 6


def split_off(frame: pd.DataFrame, steps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table without the last `steps` rows of each series, and those rows."""
    last = frame.groupby("id")["t"].transform("max") - frame["t"] < steps
    return frame[~last].reset_index(drop=True), frame[last].reset_index(drop=True)


def test_windows_hold_the_values_before_and_after_their_cut_off(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=HORIZON)
    tables = {name: group["y"].to_numpy() for name, group in waves.groupby("id", sort=False)}
    for part in PARTS:
        history, truth, times = windows.inputs(part)["history"], windows.truth(part), windows.times(part)
        names = np.array(windows.names())[windows.series(part)]
        for sample in np.linspace(0, windows.size(part) - 1, 20).astype(int):
            values, cut = tables[names[sample]], int(times[sample, windows.history])
            np.testing.assert_array_equal(truth[sample], values[cut : cut + HORIZON])
            past = values[max(0, cut - windows.history) : cut]
            np.testing.assert_array_equal(history[sample, windows.history - len(past) :], past.astype(np.float32))
            assert np.isnan(history[sample, : windows.history - len(past)]).all()


def test_the_test_part_is_the_end_of_each_series(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=HORIZON)
    ends = windows.times("test")[:, -1]
    for number, name in enumerate(windows.names()):
        assert ends[windows.series("test") == number].max() == waves.loc[waves["id"] == name, "t"].max()


def test_nothing_the_train_part_learns_from_changes_with_the_future(prepared, waves):
    before = prepared(waves, series=("id",), horizon=HORIZON)
    known = {part: (before.inputs(part), before.target(part), before.weight(part)) for part in ("train", "valid")}
    scales = {part: before.context(part)["scale"] for part in ("train", "valid")}
    first_valid = {
        name: before.times("valid")[before.series("valid") == number, before.history].min()
        for number, name in enumerate(before.names())
    }

    poisoned = waves.copy()
    poisoned.loc[waves["t"] >= waves["id"].map(first_valid), "y"] = 1e6
    after = prepared(poisoned, series=("id",), horizon=HORIZON)
    assert after.signature == before.signature, "the season is found in the train part alone"
    np.testing.assert_array_equal(after.inputs("train")["history"], known["train"][0]["history"])
    np.testing.assert_array_equal(after.target("train"), known["train"][1])
    np.testing.assert_array_equal(after.weight("train"), known["train"][2])
    for part in ("train", "valid"):
        np.testing.assert_array_equal(after.context(part)["scale"], scales[part])
    assert (after.truth("test") == 1e6).all()


def test_the_scale_of_the_test_part_sees_all_that_comes_before_it(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=HORIZON, season=12)
    first = waves[waves["id"] == "s0"]["y"].to_numpy()
    until = int(windows.times("test")[windows.series("test") == 0, windows.history].min())
    assert windows.context("test")["scale"][0] == pytest.approx(naive_scale(first[None, :until], 12)[0])


def test_serving_the_latest_history_gives_what_the_test_part_was_judged_on(prepared, waves):
    past, future = split_off(waves, HORIZON)
    windows = prepared(past, future, series=("id",), season=12)
    assert windows.horizon == HORIZON, "as far as the test file reaches"
    shuffled = past.sample(frac=1.0, random_state=0).sort_values("id")
    inputs, index = history_arrays(windows.state["preprocessor"], shuffled)
    expected = windows.inputs("test")
    assert set(inputs) == set(expected) == set(windows.signature.inputs)
    for name in inputs:
        np.testing.assert_array_equal(inputs[name], expected[name])
        assert inputs[name].shape[1:] == windows.signature.inputs[name].shape
    assert index["t"].tolist() == [str(step) for step in future["t"]]
    np.testing.assert_array_equal(windows.truth("test").ravel(), future["y"])


def test_months_are_served_with_their_own_calendar(prepared):
    months = pd.date_range("2005-01-01", periods=160, freq="MS").as_unit("s").astype("int64").to_numpy(float)
    frame = pd.DataFrame({"t": months, "y": 50 + np.sin(np.arange(160) * np.pi / 6)})
    windows = prepared(frame, format="%Y-%m", horizon=12)
    assert windows.decisions["series.frequency"][0] == "Frequency 'MS'" and windows.signature.options["season"] == 12
    served, index = history_arrays(windows.state["preprocessor"], frame)
    assert index["t"].tolist()[:2] == ["2018-05", "2018-06"]
    january = windows.times("train")[:, windows.history - windows.lookback :] % (365.2425 * 86400) < 86400 * 0.9
    assert served["calendar"].shape == (1, windows.lookback + 12, 2) and january.any()
    assert abs(windows.inputs("train")["calendar"][january][:, 0]).max() < 0.05, "the sine is about 0 on New Year"


def test_gaps_are_seen_as_gaps_and_never_asked_for(prepared, waves):
    holes = waves[~waves["t"].between(40, 60)]
    windows = prepared(holes, series=("id",), horizon=HORIZON, season=12)
    assert windows.signature.options["gaps"] and "series.gaps" in windows.decisions
    for part in PARTS:
        assert np.isfinite(windows.truth(part)).any(axis=1).all()
        assert np.isfinite(windows.inputs(part)["history"][:, -windows.lookback :]).any(axis=1).all()
    assert np.isnan(windows.inputs("train")["history"][:, -windows.lookback :]).any()


def test_weights_level_small_and_large_series(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=HORIZON, season=12)
    weight, series = windows.weight("train"), windows.series("train")
    assert weight.mean() == pytest.approx(1.0, rel=1e-5)
    small, large = weight[series == 0][0], weight[series == 5][0]
    assert 4 < small / large < 9, "s5 is six times as large as s0"


def test_a_table_without_time_and_ids_is_taken_row_by_row(prepared):
    frame = pd.DataFrame({"y": np.sin(np.arange(100) / 3)})
    windows = prepared(frame, time=None, horizon=5, season=1)
    assert windows.times("test")[-1, -1] == 99 and windows.names() == [""]
    assert history_arrays(windows.state["preprocessor"], frame)[1]["step"].tolist()[0] == "100"


def test_the_loader_of_prepared_arrays_knows_windows(prepared, waves):
    windows = prepared(waves, series=("id",), horizon=HORIZON)
    assert load_prepared(windows.folder).signature == windows.signature


def test_a_test_file_must_follow_the_series(prepared, waves):
    past, _ = split_off(waves, HORIZON)
    with pytest.raises(DataError, match="No row of the test file follows the series.*Expected rows from '144'"):
        prepared(past, past, series=("id",), horizon=HORIZON)
    with pytest.raises(TargetError, match="no column 'y'"):
        prepared(past, past[["id", "t"]], series=("id",), horizon=HORIZON)


def test_what_cannot_be_forecast_is_refused_by_name(prepared, waves):
    with pytest.raises(DataError, match="horizon of 400"):
        prepared(waves, series=("id",), horizon=400)
    with pytest.raises(TargetError, match="'y' is missing"):
        prepared(waves.assign(y=np.nan), series=("id",), horizon=HORIZON)
    with pytest.raises(TargetError, match="'y' is the same"):
        prepared(waves.assign(y=1.0), series=("id",), horizon=HORIZON)
    with pytest.raises(TargetError, match="'id' is kept as text"):
        prepared(waves, targets=("id",), horizon=HORIZON)
    with pytest.raises(SpecError, match="'id' holds category values.*Choose another time column"):
        prepared(waves, time="id", horizon=HORIZON)


def test_windows_of_one_series_hang_together_where_there_are_enough_series(prepared):
    time = np.arange(144)
    frame = pd.concat(pd.DataFrame({"id": f"s{n}", "t": time, "y": np.sin(time / 3) + n}) for n in range(9))
    windows = prepared(frame, series=("id",), horizon=HORIZON, season=12)
    assert windows.groups("valid").tolist() == windows.series("valid").tolist()
    assert Part.of(windows, "valid").groups is not None
    assert windows.groups("test") is None, "one window each: they stand for themselves"
    few = prepared(frame[frame["id"] < "s5"], series=("id",), horizon=HORIZON, season=12)
    assert few.groups("valid") is None


@pytest.mark.parametrize("clock", [" %H:%M:%S", "T%H:%M", " %I:%M %p", "T%H:%M:%SZ"])
@pytest.mark.parametrize("frequency", ["h", "D"])
def test_a_forecast_writes_the_time_of_day_as_the_file_does(tmp_path, clock, frequency):
    times = pd.date_range("2024-01-01", periods=120, freq=frequency)
    frame = pd.DataFrame({"when": times.strftime("%Y-%m-%d" + clock), "load": np.sin(np.arange(120)) + 2})
    frame.to_csv(tmp_path / "load.csv", index=False)
    dataset = Dataset(import_file(tmp_path / "load.csv", tmp_path / "dataset"))
    task = TaskSpec(kind="forecasting", targets=("load",), metric="mase", time="when", horizon=4)
    spec = RunSpec(dataset=dataset.id, schema_version=1, task=task, split=SplitSpec(kind="time", column="when"))
    prepare(dataset, spec, None, tmp_path / "prepared", lambda *_: None)
    index = history_arrays(load_prepared(tmp_path / "prepared").state["preprocessor"], dataset.table())[1]
    expected = pd.date_range(times[-1], periods=5, freq=frequency)[1:]
    assert index["when"].tolist() == expected.strftime("%Y-%m-%d" + clock).tolist()


def test_a_weight_in_a_history_is_said_to_be_not_used(tmp_path):
    days = pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"day": days, "load": np.sin(np.arange(120)) + 2, "trust": np.arange(120) % 3})
    frame.to_csv(tmp_path / "load.csv", index=False)
    dataset = Dataset(import_file(tmp_path / "load.csv", tmp_path / "dataset"))
    schema = dataset.add_schema(dataset.schema.edited({"trust": {"role": "weight"}}))
    task = TaskSpec(kind="forecasting", targets=("load",), metric="mase", time="day", horizon=4)
    split = SplitSpec(kind="time", column="day")
    spec, said = RunSpec(dataset=dataset.id, schema_version=schema.version, task=task, split=split), {}
    prepare(dataset, spec, None, tmp_path / "prepared", lambda key, *line: said.update({key: line}))
    assert said["columns.weight"][0] == "Not used: trust"


@pytest.mark.parametrize("own", [False, True])
def test_all_holds_the_windows_between_the_parts_too(prepared, waves, own):
    frame, test = split_off(waves, HORIZON) if own else (waves, None)
    windows = prepared(frame, test, series=("id",), horizon=HORIZON)
    everything = windows.cuts("all")
    assert set(everything) > {*windows.cuts("train"), *windows.cuts("valid"), *windows.cuts("test")}
    assert len(set(everything)) == len(everything) == windows.size("all") == len(windows.weight("all"))
    ends = windows.times("all")[:, -1]
    for number, name in enumerate(windows.names()):
        assert ends[windows.series("all") == number].max() == waves.loc[waves["id"] == name, "t"].max()

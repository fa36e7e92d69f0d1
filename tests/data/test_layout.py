"""Tables that hold time series: long, wide with series as columns, wide with series as rows, or none at all."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.errors import DataError, SpecError

random = np.random.default_rng(0)


def taken(frame, tmp_path, name="dataset", **options) -> Dataset:
    path = tmp_path / f"{name}.csv"
    frame.to_csv(path, index=False)
    return Dataset(import_file(path, tmp_path / name, **options))


def days(periods, format="%Y-%m-%d", freq="D"):
    return pd.date_range("2020-01-01", periods=periods, freq=freq).strftime(format)


def noise(*shape):
    return random.normal(size=shape).round(3)


def long(**columns):
    """Three series of 40 days."""
    frames = [pd.DataFrame({"day": days(40), "shop": shop, "sales": noise(40)}) for shop in ("a", "b", "c")]
    return pd.concat(frames).assign(**columns)


def role(dataset, name):
    return [column.name for column in dataset.schema.having(name)]


def test_one_series(tmp_path):
    dataset = taken(pd.DataFrame({"day": days(60), "sales": noise(60), "price": noise(60)}), tmp_path)
    assert dataset.modality == "series"
    assert (role(dataset, "time"), role(dataset, "series")) == (["day"], [])
    guess = dataset.meta["guess"]
    assert (guess["task"], guess["targets"], guess["frequency"]) == ("forecasting", ["sales"], "D")


def test_times_that_do_not_make_a_series_are_said_unless_a_table_was_asked_for(tmp_path):
    frame = pd.DataFrame({"day": [*days(60), *days(9)], "sales": noise(69)})
    (said,) = taken(frame, tmp_path).meta["problems"]
    assert "not as a time series: times of 'day' repeat, and no column tells series apart" in said["message"]
    assert taken(frame, tmp_path, "asked", layout="table").meta["problems"] == []


def test_many_series_told_apart_by_one_column(tmp_path):
    dataset = taken(long(), tmp_path)
    assert (role(dataset, "time"), role(dataset, "series")) == (["day"], ["shop"])
    assert dataset.profile["series"]["number"] == 3


def test_many_series_told_apart_by_two_columns(tmp_path):
    frames = [long().assign(region=region) for region in ("north", "south")]
    dataset = taken(pd.concat(frames), tmp_path)
    assert role(dataset, "series") == ["shop", "region"]


def test_what_never_changes_within_a_series_is_static(tmp_path):
    frame = long()
    dataset = taken(frame.assign(town=frame["shop"].map({"a": "Rom", "b": "Bern", "c": "Rom"})), tmp_path)
    assert role(dataset, "static") == ["town"]


def test_whole_number_steps_are_a_time(tmp_path):
    frames = [pd.DataFrame({"series_id": f"H{n}", "t": range(1, 31), "y": noise(30)}) for n in range(5)]
    dataset = taken(pd.concat(frames), tmp_path)
    assert dataset.schema["t"].storage == "number"
    assert (role(dataset, "time"), role(dataset, "series")) == (["t"], ["series_id"])
    assert dataset.meta["guess"]["frequency"] == "step"


def test_year_month_day_and_hour_become_one_time(tmp_path):
    stamps = pd.date_range("2020-01-30", periods=200, freq="h")
    parts = {"year": stamps.year, "month": stamps.month, "day": stamps.day, "hour": stamps.hour}
    dataset = taken(pd.DataFrame({**parts, "pm": noise(200)}), tmp_path)
    assert role(dataset, "time") == ["time"]
    assert role(dataset, "ignored") == ["year", "month", "day", "hour"]
    assert (pd.to_datetime(dataset.table()["time"], unit="s") == stamps).all()
    again = taken(pd.DataFrame({**parts, "pm": noise(200)}), tmp_path, "again", schema=dataset.schema)
    assert again.table()["time"].tolist() == dataset.table()["time"].tolist()


@pytest.mark.parametrize(
    ("times", "frequency"),
    [
        (days(40, freq="h", format="%Y-%m-%d %H:%M"), "h"),
        (days(40, "%Y-%m", "MS"), "MS"),
        (days(40, "%YM%m", "MS"), "MS"),
        (days(40, "%Y W%V", "W-MON"), "W"),
        ([f"{year}Q{q}" for year in range(2000, 2010) for q in range(1, 5)], "QS"),
        ([str(year) for year in range(1700, 1740)], "YS"),
        (days(40, "%d.%m.%Y"), "D"),
        (days(40, "%b %Y", "MS"), "MS"),
        ((1_600_000_000 + 3600 * np.arange(40)).astype(str), "h"),
    ],
)
def test_periods_and_their_distance_are_recognised(tmp_path, times, frequency):
    dataset = taken(pd.DataFrame({"year" if frequency == "YS" else "time": times, "value": noise(40)}), tmp_path)
    assert dataset.modality == "series"
    assert dataset.meta["guess"]["frequency"] == frequency


def test_gaps_do_not_hide_the_frequency(tmp_path):
    frame = pd.DataFrame({"day": days(100), "v": noise(100)}).drop([3, 4, 50, 51, 52, 70])
    dataset = taken(frame, tmp_path)
    assert dataset.meta["guess"]["frequency"] == "D"
    assert dataset.profile["series"]["missing_steps"] == 6


def test_a_few_doubled_times_still_are_a_series_and_are_counted(tmp_path):
    frame = pd.concat([pd.DataFrame({"day": days(200), "v": noise(200)}), pd.DataFrame({"day": days(1), "v": [1.0]})])
    dataset = taken(frame, tmp_path)
    assert dataset.modality == "series"
    assert dataset.profile["series"]["doubled"] == 1


TABLES = {
    "times repeat": {"when": random.choice(days(30), 200), "x": noise(200), "y": noise(200)},
    "times are irregular": {"when": random.choice(days(9000), 60, replace=False), "x": noise(60)},
    "only row numbers": {"id": range(60), "x": noise(60), "y": noise(60)},
    "series with labels": {
        "case_id": np.repeat(range(9), 20),
        "t": [*range(20)] * 9,
        "x": noise(180),
        "label": np.repeat([*"abc"] * 3, 20),
    },
    "features with one name": {**{f"x{n}": noise(40) for n in range(15)}, "y": noise(40)},
    "curves with labels": {**{f"t{n}": noise(40) for n in range(30)}, "label": ["a", "b"] * 20},
    "facts about things": {
        "country": np.repeat([*"abcdef"], 20),
        "year": [*range(2000, 2020)] * 6,
        **{f"m{n}": noise(120) for n in range(9)},
    },
}


@pytest.mark.parametrize("what", TABLES)
def test_a_table_that_only_has_a_time_stays_a_table(tmp_path, what):
    dataset = taken(pd.DataFrame(TABLES[what]), tmp_path)
    assert dataset.modality == "table", dataset.meta["dialect"]["layout_reason"]
    assert not dataset.schema.having("time")


def test_series_as_columns(tmp_path):
    wide = pd.DataFrame({"day": days(50, "%d.%m.%Y"), **{f"store_{n}": noise(50) for n in range(4)}})
    wide.loc[:9, "store_2"] = np.nan
    dataset = taken(wide, tmp_path)
    frame = dataset.table()
    assert dataset.schema.names == ("series", "day", "value")
    assert len(frame) == 4 * 50 - 10
    assert frame["value"][frame["series"] == "store_1"].tolist() == wide["store_1"].tolist()
    again = taken(wide.tail(10), tmp_path, "again", schema=dataset.schema)
    assert set(again.table()["series"]) == {"store_0", "store_1", "store_2", "store_3"}


def test_series_as_rows_with_numbered_steps(tmp_path):
    values = noise(20, 48)
    wide = pd.DataFrame(values, columns=[f"V{n}" for n in range(2, 50)])
    wide.iloc[3, 30:] = np.nan
    wide.insert(0, "V1", [f"Y{n}" for n in range(20)])
    dataset = taken(wide, tmp_path)
    frame = dataset.table()
    assert dataset.schema.names == ("V1", "step", "value")
    assert (role(dataset, "series"), role(dataset, "time")) == (["V1"], ["step"])
    assert frame["value"][frame["V1"] == "Y3"].tolist() == values[3, :30].tolist()
    assert frame["step"][frame["V1"] == "Y3"].tolist() == list(range(1, 31))
    assert taken(wide.iloc[:2, :12], tmp_path, "again", schema=dataset.schema).n_rows == 22


def test_series_as_rows_with_times_as_names(tmp_path):
    wide = pd.DataFrame(noise(6, 20), columns=[f"{1990 + n}" for n in range(20)])
    wide.insert(0, "Country", [*"abcdef"])
    dataset = taken(wide, tmp_path)
    assert dataset.schema["time"].parse == {"format": "%Y", "layout": "wide rows"}
    assert dataset.meta["guess"]["frequency"] == "YS"


def test_a_layout_that_was_asked_for_is_taken(tmp_path):
    frame = pd.DataFrame({"day": days(50), "warm": noise(50), "wet": noise(50)})
    assert taken(frame, tmp_path, "a").schema.names == ("day", "warm", "wet")
    assert taken(frame, tmp_path, "b", layout="wide columns").schema.names == ("series", "day", "value")
    assert taken(frame, tmp_path, "c", layout="table").modality == "table"
    irregular = pd.DataFrame({"when": random.choice(days(9000), 60, replace=False), "x": noise(60)})
    assert taken(irregular, tmp_path, "d", layout="long").modality == "series"
    assert taken(irregular, tmp_path, "e", time_column="when").modality == "series"


def test_what_stands_beside_series_in_columns_is_left_out_again(tmp_path):
    frame = pd.DataFrame({"t": range(1, 51), "a": noise(50), "b": noise(50), "remark": [*"xy"] * 25})
    dataset = taken(frame, tmp_path, "a", layout="wide columns")
    assert set(dataset.table()["series"]) == {"a", "b"}
    again = taken(frame, tmp_path, "again", schema=dataset.schema)
    pd.testing.assert_frame_equal(again.table(), dataset.table(), check_dtype=False)


def test_named_columns_are_taken(tmp_path):
    frame = long(other=[*"uv"] * 60)
    dataset = taken(frame, tmp_path, time_column="day", series_columns=["shop", "other"])
    assert role(dataset, "series") == ["shop", "other"]


def test_any_whole_numbers_are_a_time_where_they_are_named(tmp_path):
    frame = pd.DataFrame({"frame_number": range(5, 65), "value": noise(60)})
    assert taken(frame, tmp_path, "a").modality == "table"
    assert taken(frame, tmp_path, "b", time_column="frame_number").meta["guess"]["frequency"] == "step"


def test_wrong_wishes_get_a_sentence(tmp_path):
    frame = pd.DataFrame({"x": noise(30), "y": noise(30)})
    with pytest.raises(SpecError, match="no layout called 'sideways'"):
        taken(frame, tmp_path, layout="sideways")
    with pytest.raises(SpecError, match="no column 'when'"):
        taken(frame, tmp_path, time_column="when")
    with pytest.raises(DataError, match="'x' cannot be the time"):
        taken(frame, tmp_path, time_column="x")
    for layout in ("long", "wide columns"):
        with pytest.raises(DataError):
            taken(frame, tmp_path, layout=layout)


def test_a_history_without_its_time_is_refused(tmp_path):
    dataset = taken(long(), tmp_path)
    with pytest.raises(DataError, match="'day'"):
        taken(long().drop(columns="day"), tmp_path, "new", schema=dataset.schema)

"""Encoders learn from the train part only and survive whatever comes later."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from dl_core.data.schema import Column, Schema
from dl_core.encoders import Preprocessor, category, datetime, numeric
from dl_core.errors import DataError
from tests.encoders.tables import tables

ANY = Column(name="any", kind="numeric", storage="number")


def schema(**kinds):
    storage = {"numeric": "number", "datetime": "time"}
    columns = (Column(name=name, kind=kind, storage=storage.get(kind, "text")) for name, kind in kinds.items())
    return Schema(version=1, columns=tuple(columns))


@settings(max_examples=60, deadline=None)
@given(tables())
def test_whatever_comes_arrays_are_finite_and_as_declared(table):
    columns, train, later = table
    try:
        preprocessor = Preprocessor.fit(columns, train)
    except DataError:
        return  # nothing varies
    specs = preprocessor.signature_inputs()
    for frame in (train, later):
        arrays = preprocessor.transform(frame)
        assert set(arrays) == set(specs)
        for name, array in arrays.items():
            assert array.shape == (len(frame), *specs[name].shape)
            assert array.dtype == specs[name].dtype
            assert np.isfinite(array).all()
            assert len(preprocessor.names[name]) == len(preprocessor.labels[name]) == array.shape[1]
        if "category" in arrays:
            assert (arrays["category"] < specs["category"].cardinalities).all()
            assert (arrays["category"] >= 0).all()


@settings(max_examples=30, deadline=None)
@given(tables())
def test_state_is_json_and_answers_the_same_when_read_back(table):
    columns, train, later = table
    try:
        preprocessor = Preprocessor.fit(columns, train)
    except DataError:
        return
    again = Preprocessor.from_json(json.loads(json.dumps(preprocessor.to_json())))
    assert again == preprocessor
    for name, array in preprocessor.transform(later).items():
        np.testing.assert_array_equal(again.transform(later)[name], array)


def test_a_robust_score_is_the_documented_formula():
    values = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    state = numeric.fit(values, ANY)
    assert state == {"missing": False, "center": 3.0, "scale": 2.0}
    x = (values - 3.0) / 2.0
    np.testing.assert_allclose(numeric.transform(state, values)["numeric"][:, 0], x / np.sqrt(1 + (x / 3) ** 2), 1e-6)


def test_where_most_values_are_equal_the_scale_is_half_the_range():
    assert numeric.fit(np.array([0.0] * 9 + [8.0]), ANY)["scale"] == 4.0


def test_a_constant_column_contributes_nothing_and_is_named():
    frame = pd.DataFrame({"a": [1.0, 2.0], "same": [7.0, 7.0], "one": ["x", "x"]})
    preprocessor = Preprocessor.fit(schema(a="numeric", same="numeric", one="category"), frame)
    assert preprocessor.names == {"numeric": ["a"]}
    assert set(preprocessor.left_out) == {"same", "one"}


def test_missing_gets_an_indicator_only_where_train_had_gaps():
    state = numeric.fit(np.array([1.0, np.nan, 3.0]), ANY)
    np.testing.assert_array_equal(numeric.transform(state, np.array([np.nan, 2.0]))["numeric"], [[0, 1], [0, 0]])
    state = numeric.fit(np.array([1.0, 3.0]), ANY)
    np.testing.assert_array_equal(numeric.transform(state, np.array([np.nan]))["numeric"], [[0]])


def test_a_vocabulary_goes_by_frequency_and_keeps_two_numbers_for_missing_and_unseen():
    state = category.fit(np.array(["b", "a", "b", "", "c", "a", "b"], dtype=object), ANY)
    assert state["vocabulary"] == ["b", "a", "c"]
    codes = category.transform(state, np.array(["", "new", "b", "a", "c"], dtype=object))["category"]
    np.testing.assert_array_equal(codes[:, 0], [0, 1, 2, 3, 4])


def test_a_long_vocabulary_pools_what_occurs_once_and_is_capped():
    often = [f"often {n}" for n in range(40)] * 2
    assert len(category.fit(np.array([*often, "once"], dtype=object), ANY)["vocabulary"]) == 40
    many = [str(n) for n in range(category.MOST_LEVELS + 5)] * 2
    assert len(category.fit(np.array(many, dtype=object), ANY)["vocabulary"]) == category.MOST_LEVELS


def test_names_that_never_repeat_contribute_nothing():
    values = np.array([f"name {n}" for n in range(50)], dtype=object)
    assert category.labels(category.fit(values, ANY)) == []


def test_only_the_parts_of_a_moment_that_vary_are_used():
    days = pd.to_datetime(["2024-01-01", "2024-03-05", "2025-07-09"]).as_unit("s").astype("int64").to_numpy(float)
    assert datetime.fit(days, ANY)["parts"] == ["weekday", "day of year"]
    hours = np.array([0.0, 3600.0, 7200.0])
    assert datetime.fit(hours, ANY)["parts"] == ["hour"]


def test_midnight_and_the_minute_before_are_neighbours():
    state = {"missing": False, "parts": ["hour"]}
    before, after = datetime.transform(state, np.array([86_340.0, 86_400.0]))["numeric"]
    np.testing.assert_allclose(before, after, atol=0.01)
    noon = datetime.transform(state, np.array([43_200.0]))["numeric"][0]
    np.testing.assert_allclose(noon, [0.0, -1.0], atol=1e-6)


def test_a_monday_is_a_monday():
    monday = pd.Timestamp("2026-11-16").timestamp()
    state = {"missing": False, "parts": ["weekday"]}
    np.testing.assert_allclose(datetime.transform(state, np.array([monday]))["numeric"][0], [0.0, 1.0], atol=1e-9)


def test_a_number_column_that_was_made_a_category_keeps_plain_labels():
    columns = Schema(version=2, columns=(Column(name="rooms", kind="category", storage="number"),))
    preprocessor = Preprocessor.fit(columns, pd.DataFrame({"rooms": [1.0, 2.0, 2.0, np.nan]}))
    assert preprocessor.encoded[0].state["vocabulary"] == ["2", "1"]
    codes = preprocessor.transform(pd.DataFrame({"rooms": [2, 1, 3]}))["category"]
    np.testing.assert_array_equal(codes[:, 0], [2, 3, 1])


def test_without_a_usable_column_the_error_says_which_and_what_to_do():
    with pytest.raises(DataError, match="'same'.*check the kinds and roles"):
        Preprocessor.fit(schema(same="numeric"), pd.DataFrame({"same": [1.0, 1.0]}))


def test_a_table_that_lacks_a_column_is_refused_by_name():
    preprocessor = Preprocessor.fit(schema(a="numeric"), pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(DataError, match="'a'"):
        preprocessor.transform(pd.DataFrame({"b": [1.0]}))

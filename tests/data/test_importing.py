"""From an upload to a finished dataset folder: kinds with reasons, whole or not at all, and again by a schema."""

import hashlib
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.values import canonical_text, parse_numbers
from dl_core.errors import DataError, NotFoundError, SpecError

ROWS = 60


def csv(tmp_path, columns, name="table.csv", separator=","):
    path = tmp_path / name
    frame = pd.DataFrame(columns)
    path.write_text(frame.to_csv(index=False, sep=separator))
    return path


def taken(path, tmp_path, name="dataset", **options) -> Dataset:
    return Dataset(import_file(path, tmp_path / name, **options))


def column(tmp_path, name, values, separator=",", other=None):
    """The only column of a table, and its dataset."""
    beside = {"other": other or ["p", "q", "r"] * (len(values) // 3) + ["p"] * (len(values) % 3)}
    dataset = taken(csv(tmp_path, {name: values, **beside}, separator=separator), tmp_path, layout="table")
    return dataset.schema[name], dataset


random = np.random.default_rng(0)
NUMBERS = [f"{value:.3f}" for value in random.normal(size=ROWS)]


@pytest.mark.parametrize(
    ("name", "values", "kind", "storage", "role"),
    [
        ("x", NUMBERS, "numeric", "number", "feature"),
        ("x", [str(n % 9) for n in range(ROWS)], "numeric", "number", "feature"),
        ("x", [str(n % 2) for n in range(ROWS)], "boolean", "text", "feature"),
        ("x", [["yes", "No"][n % 2] for n in range(ROWS)], "boolean", "text", "feature"),
        ("x", [["True", "False", ""][n % 3] for n in range(ROWS)], "boolean", "text", "feature"),
        ("x", [["red", "green", "blue"][n % 3] for n in range(ROWS)], "category", "text", "feature"),
        ("plz", [f"0{n % 9}123" for n in range(ROWS)], "category", "text", "feature"),
        ("user_id", [str(n * 7 + 1000) for n in range(ROWS)], "id", "text", "ignored"),
        ("anything", [str(n + 1) for n in range(ROWS)], "id", "text", "ignored"),
        ("code", [f"X{n:05}-{n * 31 % 97}" for n in range(ROWS)], "id", "text", "ignored"),
        ("says", [f"this is the long remark number {n} about it" for n in range(ROWS)], "text", "text", "ignored"),
        ("x", ["7"] * ROWS, "numeric", "number", "ignored"),
        ("x", ["same"] * ROWS, "category", "text", "ignored"),
        ("x", ["", "NA"] * (ROWS // 2), "category", "text", "ignored"),
        ("day", [f"{n % 28 + 1:02}.{n % 12 + 1:02}.2020" for n in range(ROWS)], "datetime", "time", "feature"),
        ("price", [f"{n},{n:03}.50" for n in range(1, ROWS + 1)], "numeric", "number", "feature"),
    ],
)
def test_kinds_follow_from_all_values(tmp_path, name, values, kind, storage, role):
    found, _ = column(tmp_path, name, values)
    assert (found.kind, found.storage, found.role) == (kind, storage, role), found.reason
    assert found.reason


def test_reasons_hold_the_numbers(tmp_path):
    found, _ = column(tmp_path, "x", [str(n % 9) for n in range(ROWS)])
    assert found.reason == "all 60 values are whole numbers; 9 distinct"


def test_a_late_word_does_not_turn_numbers_into_texts_but_is_reported(tmp_path):
    found, dataset = column(tmp_path, "x", [f"{n / 7:.3f}" for n in range(3000)] + ["oops"])
    assert found.kind == "numeric"
    assert "1 value of 'x' is no number and counts as missing: 'oops'" in dataset.meta["problems"][0]["message"]
    assert np.isnan(dataset.table()["x"].iloc[-1])


def test_ids_keep_all_their_digits(tmp_path):
    ids = [str(2**53 + n) for n in range(ROWS)]
    _, dataset = column(tmp_path, "customer_id", ids)
    assert dataset.table()["customer_id"].tolist() == ids


def test_a_decimal_comma_is_believed_where_the_file_shows_it(tmp_path):
    columns = {"a": [f"{n},{n:02}" for n in range(10, 40)], "b": [f"{n}.{n:03}" for n in range(100, 130)]}
    dataset = taken(csv(tmp_path, {**columns, "c": ["x", "y"] * 15}, separator=";"), tmp_path)
    frame = dataset.table()
    assert frame["a"].iloc[0] == 10.10
    assert frame["b"].iloc[0] == 100100
    assert dataset.schema["a"].parse == {"decimal": ","}
    assert parse_numbers(columns["b"], **dataset.schema["b"].parse).tolist() == frame["b"].tolist()


def test_days_and_months_are_told_apart_by_what_cannot_be_a_month(tmp_path):
    found, dataset = column(tmp_path, "when", [f"{n % 12 + 1}/{n % 28 + 1}/2020" for n in range(ROWS)])
    assert found.parse == {"format": "%m/%d/%Y"}
    assert not dataset.meta["problems"]


def test_days_that_could_be_months_are_told_apart_by_order(tmp_path):
    days = pd.date_range("2020-01-01", periods=12).strftime("%d/%m/%Y").tolist()
    found, _ = column(tmp_path, "when", days * 4)
    assert found.parse == {"format": "%d/%m/%Y"}


def test_days_that_nothing_tells_apart_are_reported(tmp_path):
    found, dataset = column(tmp_path, "when", ["01/02/2020", "03/04/2020", "02/02/2020", "05/06/2020"] * 12)
    assert found.kind == "datetime"
    assert "%d/%m/%Y or as %m/%d/%Y" in dataset.meta["problems"][0]["message"]


@pytest.mark.thorough
@given(
    st.lists(
        st.sampled_from(["1", "2.0", "-7", "NA", "", "red", "12e3", "?", "None", "-", " x "]), min_size=4, max_size=40
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_kind_the_stored_values_are_those_of_the_grammar(tmp_path_factory, values):
    found, dataset = column(tmp_path_factory.mktemp("import"), "x", values)
    stored = dataset.table()["x"]
    if found.storage == "number":
        np.testing.assert_array_equal(stored.to_numpy(float, na_value=np.nan), parse_numbers(values, **found.parse))
    else:
        assert [None if pd.isna(text) else text for text in stored] == canonical_text(values).tolist()


def test_columns_without_a_name_and_without_a_value_are_no_columns(tmp_path):
    (tmp_path / "t.csv").write_text("a;b;;\n" + "1;x;;\n2;y;;7\n" * 9)
    assert taken(tmp_path / "t.csv", tmp_path).schema.names == ("a", "b", "column 4")


def test_old_line_ends_are_line_ends(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"a,b\r" + b"1,x\r2,y\r" * 9)
    assert taken(tmp_path / "t.csv", tmp_path).n_rows == 18


# whole or nothing


def test_the_folder_holds_what_it_promises(tmp_path):
    path = csv(tmp_path, {"a": NUMBERS, "b": ["x", "y"] * 30})
    dataset = taken(path, tmp_path, name="abc")
    assert {file.name for file in dataset.folder.iterdir()} == {
        "data.parquet", "schema-1.json", "profile.json", "meta.json", "original"
    }  # fmt: skip
    assert (dataset.folder / "original" / "table.csv").read_bytes() == path.read_bytes()
    assert dataset.meta["fingerprint"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (dataset.id, dataset.meta["id"], dataset.meta["source"]) == ("abc", "abc", "table.csv")
    assert dataset.table().index.tolist() == list(range(ROWS))
    assert dataset.profile["rows"] == dataset.n_rows == ROWS


def test_nothing_is_left_behind_where_the_import_fails(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        import_file(tmp_path / "table.csv", tmp_path / "datasets" / "x")
    assert list((tmp_path / "datasets").iterdir()) == []


def test_nothing_is_left_behind_where_the_import_is_interrupted(tmp_path):
    def interrupt(text, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(csv(tmp_path, {"a": NUMBERS}), tmp_path / "datasets" / "x", progress=interrupt)
    assert list((tmp_path / "datasets").iterdir()) == []


def test_a_taken_folder_and_a_missing_file_are_refused(tmp_path):
    path = csv(tmp_path, {"a": NUMBERS})
    taken(path, tmp_path)
    with pytest.raises(DataError, match="exists already"):
        taken(path, tmp_path)
    with pytest.raises(NotFoundError, match="no file"):
        taken(tmp_path / "nowhere.csv", tmp_path, "other")


def test_progress_tells_what_is_being_done(tmp_path):
    told = []
    taken(csv(tmp_path, {"a": NUMBERS}), tmp_path, progress=lambda text, share: told.append((text, share)))
    assert all(text and 0 <= share <= 1 for text, share in told)
    assert len({text for text, _ in told}) >= 3


def test_imports_may_run_at_the_same_time(tmp_path):
    path = csv(tmp_path, {"day": pd.date_range("2020-01-01", periods=ROWS), "a": NUMBERS})
    threads = [threading.Thread(target=import_file, args=(path, tmp_path / f"d{n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {Dataset(tmp_path / f"d{n}").n_rows for n in range(4)} == {ROWS}


def test_names_that_databases_know_are_only_names(tmp_path):
    columns = {
        name: NUMBERS for name in ("select", 'say "hi"', "filename", "rowid", "_row", "it's", "a;drop table raw")
    }
    dataset = taken(csv(tmp_path, columns), tmp_path)
    assert set(dataset.schema.names) == {*columns, "_row (2)"} - {"_row"}
    assert dataset.table()['say "hi"'].tolist() == [float(number) for number in NUMBERS]


# by a schema


@pytest.fixture
def trained(tmp_path) -> Dataset:
    columns = {
        "size": [f"{n},5" for n in range(ROWS)],
        "colour": ["red", "blue"] * 30,
        "day": pd.date_range("2020-01-01", periods=ROWS).strftime("%d.%m.%Y"),
        "answer": ["a", "b", "c"] * 20,
    }
    dataset = taken(csv(tmp_path, columns, separator=";"), tmp_path, "trained", layout="table")
    dataset.add_schema(dataset.schema.edited({"answer": {"role": "target"}}))
    return dataset


def test_two_edits_of_the_same_columns_do_not_overwrite_each_other(trained):
    edits = [trained.schema.edited({"size": {"role": role}}) for role in ("ignored", "feature")]
    trained.add_schema(edits[0])
    with pytest.raises(SpecError, match="changed elsewhere meanwhile; reload the page"):
        trained.add_schema(edits[1])
    assert trained.schema == edits[0]
    assert list(trained.folder.glob(".*")) == []


def test_a_new_file_is_read_as_the_schema_says_not_as_it_looks(tmp_path, trained):
    path = csv(tmp_path, {"day": ["03.04.2021"], "colour": ["7"], "size": ["1"], "more": ["x"]}, "new.csv")
    new = taken(path, tmp_path, schema=trained.schema)
    row = new.table().iloc[0]
    assert new.schema.columns == trained.schema.columns
    assert (row["size"], row["colour"]) == (1.0, "7")
    assert pd.Timestamp(row["day"], unit="s") == pd.Timestamp(2021, 4, 3)
    assert pd.isna(row["answer"])
    assert new.meta["absent"] == ["answer"]
    assert "'more'" in new.meta["problems"][0]["message"]


def test_a_missing_feature_is_named(tmp_path, trained):
    with pytest.raises(DataError, match="lacks the column 'colour'.*it has 'size'"):
        taken(csv(tmp_path, {"size": ["1"], "day": ["03.04.2021"]}, "new.csv"), tmp_path, schema=trained.schema)


def test_names_may_differ_in_blanks_and_case(tmp_path, trained):
    path = csv(tmp_path, {"Size ": ["1"], "COLOUR": ["red"], " day": ["03.04.2021"]}, "new.csv")
    assert taken(path, tmp_path, schema=trained.schema).table()["colour"].tolist() == ["red"]


def test_values_that_do_not_fit_the_schema_are_missing_and_reported(tmp_path, trained):
    path = csv(tmp_path, {"size": ["big", "2"], "colour": ["red"] * 2, "day": ["2021-04-03", "x"]}, "new.csv")
    new = taken(path, tmp_path, schema=trained.schema)
    assert new.table()["size"].isna().tolist() == [True, False]
    messages = " ".join(problem["message"] for problem in new.meta["problems"])
    assert "'size' is no number" in messages
    assert "2 values of 'day'" in messages


def test_the_same_file_gives_the_same_values_under_its_own_schema(tmp_path, trained):
    again = taken(trained.folder / "original" / "table.csv", tmp_path, schema=trained.schema)
    pd.testing.assert_frame_equal(again.table(), trained.table(), check_dtype=False)

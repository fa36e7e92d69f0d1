"""What a kit reads by itself: text tables however they are written; and layers that can stand in one file."""

import gzip

import numpy as np
import pytest

from dl_core.export.kit.reading import Unusable, read_history, read_table
from dl_core.export.sources import LAYERS, joined_layers

COMMA = {"delimiter": ",", "quote": '"', "escape": None, "header_row": 1, "encoding": "utf-8"}


def column(name, kind, storage, **parse):
    return {"name": name, "kind": kind, "storage": storage, "role": "feature", "reason": "", "parse": parse}


def record(*columns, **dialect):
    return {"schema": {"version": 1, "columns": list(columns)}, "dialect": {**COMMA, **dialect}}


HOUSES = record(column("Fläche", "numeric", "number", decimal=","), column("Ort", "category", "text"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Fläche;Ort\n1,5;Köln\n;\n", "utf-8"),
        ("Fläche;Ort\r\n1,5;Köln\r\n;\r\n", "cp1252"),
        ("Fläche;Ort\n1,5;Köln\n;\n", "utf-16"),
        ("﻿Fläche\tOrt\n1,5\t Köln \n\n\t\n", "utf-8"),
        ("Prices of houses\n\nOrt;other;FLÄCHE\nKöln;x;1,5\nNA;y;NA\n", "utf-8"),
        ('"Fläche","Ort"\n"1,5","Köln"\n"",""\n', "utf-8"),
    ],
)
def test_a_table_is_read_however_it_is_written(tmp_path, text, encoding):
    path = tmp_path / "new.csv"
    path.write_bytes(text.encode(encoding))
    found = read_table(path, HOUSES, ["Ort", "Fläche"])
    np.testing.assert_array_equal(found["Fläche"], [1.5, np.nan])
    assert list(found["Ort"]) == ["Köln", None]
    packed = tmp_path / "new.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_table(packed, HOUSES, ["Fläche"])["Fläche"], [1.5, np.nan])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Ort\nKiel\n", "lacks the column.*'Fläche'"),
        (b"", "no rows"),
        ("Fläche;Ort\n1;a\n2;b;c\n".encode(), "Line 3 .* has 3 values, the header has 2"),
        (b"PK\x03\x04....", "no text table"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(tmp_path, content, reason):
    (tmp_path / "new.csv").write_bytes(content)
    with pytest.raises(Unusable, match=reason):
        read_table(tmp_path / "new.csv", HOUSES, ["Fläche", "Ort"])


def test_a_file_without_a_header_is_read_by_place(tmp_path):
    (tmp_path / "new.csv").write_text("1,a\n2,b\n")
    numbered = record(column("column 1", "numeric", "number"), column("column 2", "category", "text"), header_row=0)
    np.testing.assert_array_equal(read_table(tmp_path / "new.csv", numbered, ["column 1"])["column 1"], [1.0, 2.0])


def test_long_labels_of_digits_are_kept_apart(tmp_path):
    (tmp_path / "new.csv").write_text("id\n12345678901234567\n12345678901234568\n7\n")
    ids = record(column("id", "category", "number"))
    assert list(read_table(tmp_path / "new.csv", ids, ["id"])["id"]) == ["12345678901234567", "12345678901234568", "7"]


@pytest.mark.parametrize("layout", ["wide columns", "wide rows", "long"])
def test_a_history_is_read_wide_or_long(tmp_path, layout):
    texts = {
        "wide columns": "year,a,b\n2001,1,10\n2002,2,20\n",
        "wide rows": "name,X2001,2002\na,1,2\nb,10,20\n",
        "long": "name,year,value\na,2001,1\na,2002,2\nb,2001,10\nb,2002,20\n",
    }
    (tmp_path / "history.csv").write_text(texts[layout])
    columns = (
        column("name", "category", "text"),
        column("year", "datetime", "time", format="%Y", layout="wide rows" if layout == "long" else layout),
        column("value", "numeric", "number"),
    )
    state = {"series": ["name"], "time": "year", "target": "value"}
    found = read_history(tmp_path / "history.csv", record(*columns), state)
    assert list(found["name"]) == ["a", "a", "b", "b"]
    np.testing.assert_array_equal(found["value"], [1, 2, 10, 20])
    assert found["year"][1] - found["year"][0] == 365 * 86_400


def test_a_time_in_several_columns_is_put_together(tmp_path):
    (tmp_path / "history.csv").write_text("Year,Month,Day,Hour,y\n2014,1,2,3,5\n")
    time = column("time", "datetime", "time", format="%Y-%m-%d", parts=["Year", "Month", "Day", "Hour"])
    found = read_table(tmp_path / "history.csv", record(time, column("y", "numeric", "number")), ["time", "y"])
    assert found["time"][0] == np.datetime64("2014-01-02T03:00").astype("datetime64[s]").astype(float)


def test_no_two_layer_modules_define_a_name_differently(tmp_path):
    """Any of them may meet in one kit."""
    import ast
    import json
    import zipfile

    classes = [
        node.name
        for path in LAYERS.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    with zipfile.ZipFile(tmp_path / "all.keras", "w") as archive:
        archive.writestr("config.json", json.dumps([{"registered_name": f"deepboard>{name}"} for name in classes]))
    source = joined_layers(tmp_path / "all.keras")
    assert {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)} == set(classes)
    assert "dl_core." not in "".join(line for line in source.splitlines() if line.startswith(("import", "from")))


@pytest.mark.heavy
def test_every_family_gives_a_model_that_may_be_loaded(tmp_path):
    from dl_core import families
    from dl_core.bundle.untrusted import check_model
    from dl_core.signature import ModelSignature, TensorSpec

    inputs = {
        "numeric": TensorSpec(shape=(3,)),
        "category": TensorSpec(shape=(2,), dtype="int32", cardinalities=(4, 40)),
        "image": TensorSpec(shape=(32, 32, 3), dtype="uint8"),
        "history": TensorSpec(shape=(24,)),
        "calendar": TensorSpec(shape=(30, 2)),
    }
    options = {"train_size": 200, "season": 6, "lookback": 24, "horizon": 6, "gaps": True, "series": 3}
    for name, card in families.FAMILIES.items():
        task = sorted(card.tasks)[0]
        signature = ModelSignature(
            inputs={key: spec for key, spec in inputs.items() if key in card.inputs},
            output=(6, 9) if task == "forecasting" else (2,),
            options={**options, "task": task},
        )
        family = families.load(name)
        for number, params in enumerate(family.portfolio(signature)):
            path = tmp_path / f"{name}{number}.keras"
            family.build(signature, params, 0).save(path)
            check_model(path)

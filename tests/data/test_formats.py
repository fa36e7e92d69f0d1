"""Spreadsheets, Parquet and JSON lines: the same table out of each, and a sentence for what is broken."""

import datetime as dt
import json
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.readers.excel import sheet_names
from dl_core.errors import ReadError

FRAME = pd.DataFrame(
    {
        "when": [dt.datetime(2020, 1, 1) + dt.timedelta(hours=31 * n) for n in range(30)],
        "whole": np.arange(30) % 7,
        "part": np.where(np.arange(30) % 5, np.arange(30) / 4, np.nan),
        "word": np.array(["red", "green", "blue"])[np.arange(30) % 3],
        "truth": np.arange(30) % 2 == 0,
    }
)


def write(frame, path):
    if path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.assign(when=frame["when"].astype(str)).to_json(path, orient="records", lines=path.suffix == ".jsonl")
    return path


def taken(path, tmp_path, name="dataset", **options) -> Dataset:
    return Dataset(import_file(path, tmp_path / name, **options))


@pytest.mark.parametrize("ending", ["xlsx", "parquet", "jsonl", "json"])
def test_every_format_gives_the_table_that_a_csv_gives(tmp_path, ending):
    csv = taken(write(FRAME, tmp_path / "t.csv"), tmp_path, "csv", layout="table")
    other = taken(write(FRAME, tmp_path / f"t.{ending}"), tmp_path, "other", layout="table")
    assert [(c.name, c.kind, c.storage) for c in other.schema.columns] == [
        (c.name, c.kind, c.storage) for c in csv.schema.columns
    ]
    expected, found = csv.table(), other.table()
    expected["truth"], found["truth"] = expected["truth"].str.lower(), found["truth"].str.lower()
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("ending", ["xlsx", "parquet", "jsonl", "csv"])
def test_the_content_decides_not_the_name(tmp_path, ending):
    file = write(FRAME, tmp_path / f"t.{ending}")
    for name in ("a.csv", "a.xlsx", "a"):
        (tmp_path / name).write_bytes(file.read_bytes())
        assert taken(tmp_path / name, tmp_path, f"as {name}", layout="table").n_rows == 30


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_sheet_and_header_row_can_be_chosen(tmp_path):
    table = [[n, n / 2, "xy"[n % 2]] for n in range(20)]
    book = workbook(
        tmp_path / "b.xlsx",
        {"Cover": [["Report"]], "Data": [["Our numbers"], [], ["a", "b", "c"], *table], "More": [["d", "e"], [1, 2]]},
    )
    assert sheet_names(book) == ["Cover", "Data", "More"]
    found = taken(book, tmp_path)
    assert found.schema.names == ("a", "b", "c")
    assert found.meta["dialect"]["header_row"] == 3
    assert taken(book, tmp_path, "more", sheet="More").schema.names == ("d", "e")
    assert taken(book, tmp_path, "row", sheet="Data", header_row=4).n_rows == 19
    with pytest.raises(ReadError, match="no sheet 'Nope'.*Cover, Data, More"):
        taken(book, tmp_path, "nope", sheet="Nope")


def test_a_spreadsheet_bomb_is_refused_by_what_comes_out_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("dl_core.data.readers.excel.UNPACKED_LIMIT_BYTES", 1 << 20)
    book = workbook(tmp_path / "b.xlsx", {"Data": [["a"], [1]]})
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(4 << 20))
    with pytest.raises(ReadError, match="bomb"):
        taken(book, tmp_path)


def test_a_cell_far_away_ends_the_reading_and_nothing_else(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"], book.active["XFD1048576"] = "a", 1, 2
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(ReadError, match="too much memory"):
        taken(tmp_path / "b.xlsx", tmp_path)


def test_a_damaged_old_spreadsheet_is_said(tmp_path):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    (tmp_path / "b.xls").write_bytes(ole)
    with pytest.raises(ReadError, match="spreadsheet"):
        taken(tmp_path / "b.xls", tmp_path)


def test_damaged_files_get_a_sentence(tmp_path):
    for ending in ("xlsx", "parquet"):
        content = write(FRAME, tmp_path / f"t.{ending}").read_bytes()
        (tmp_path / f"cut.{ending}").write_bytes(content[: len(content) // 2])
        with pytest.raises(ReadError, match="damaged|cannot be read"):
            taken(tmp_path / f"cut.{ending}", tmp_path)


def test_an_empty_sheet_gets_a_sentence(tmp_path):
    with pytest.raises(ReadError, match="empty"):
        taken(workbook(tmp_path / "b.xlsx", {"Data": []}), tmp_path)
    with pytest.raises(ReadError, match="no rows"):
        taken(workbook(tmp_path / "c.xlsx", {"Data": [["a", "b"]]}), tmp_path)


def test_records_inside_records_become_columns_and_keys_may_differ(tmp_path):
    lines = [{"a": n, "b": {"c": n / 3, "d": [1, 2]}, **({"e": "x"} if n % 2 else {})} for n in range(8)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    dataset = taken(tmp_path / "t.jsonl", tmp_path)
    assert dataset.schema.names == ("a", "b.c", "b.d", "e")
    assert dataset.table()["e"].isna().sum() == 4


def test_a_line_that_is_no_json_is_named(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": 2}\n{"a": \n')
    with pytest.raises(ReadError, match="Line 3 is no JSON"):
        taken(tmp_path / "t.jsonl", tmp_path)
    (tmp_path / "u.jsonl").write_text('{"a": 1}\n[1, 2]\n')
    with pytest.raises(ReadError, match="Line 2 is no JSON object"):
        taken(tmp_path / "u.jsonl", tmp_path)


def test_nested_parquet_columns_are_left_out_and_named(tmp_path):
    pd.DataFrame({"a": [1, 2], "l": [[1], [2]]}).to_parquet(tmp_path / "t.parquet")
    dataset = taken(tmp_path / "t.parquet", tmp_path)
    assert dataset.schema.names == ("a",)
    assert "'l'" in dataset.meta["problems"][0]["message"]

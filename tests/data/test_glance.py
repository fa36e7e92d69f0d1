"""A glance at a table before it is read: what it shows is what the reader will meet."""

import gzip

import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.readers.glance import COLUMNS, glance
from dl_core.data.readers.header import find_header
from dl_core.errors import ReadError
from tests.data.test_formats import workbook

TABLE = [["a survey"], [], ["n", "word"], *([n, "xy"[n % 2]] for n in range(30))]


def test_the_sheet_that_would_be_read_is_shown_as_it_stands(tmp_path):
    book = workbook(tmp_path / "b.xlsx", {"Cover": [["Report"], ["for nobody"]], "Data": TABLE, "More": [["d"], [1]]})
    seen = glance(book)
    assert (seen.sheets, seen.sheet) == (["Cover", "Data", "More"], "Data")
    assert seen.rows[:4] == [["a survey", None], [None, None], ["n", "word"], ["0", "x"]]
    dataset = Dataset(import_file(book, tmp_path / "read"))
    assert dataset.meta["dialect"]["sheet"] == "Data"
    assert dataset.meta["dialect"]["header_row"] == find_header(seen.rows).position + 1 == 3
    assert glance(book, "More").rows == [["d"], ["1"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_only_the_beginning_of_a_text_is_read_in_any_encoding(tmp_path, encoding):
    text = "größe;ort\n" + "".join(f"{n};Köln\n" for n in range(100_000))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
    rows = glance(tmp_path / "t.csv.gz").rows
    assert rows[:2] == [["größe", "ort"], ["0", "Köln"]]
    assert len(rows) < 100_000


def test_a_wide_table_is_cut_at_its_right(tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(",".join(map(str, range(row, row + 900))) for row in range(5)))
    assert {len(row) for row in glance(tmp_path / "t.csv").rows} == {COLUMNS}


def test_where_names_need_no_choice_there_are_no_rows_and_for_pictures_there_is_nothing(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    assert glance(tmp_path / "t.jsonl").rows == []
    assert glance(tmp_path) is None


def test_what_nobody_can_read_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(ReadError, match="not text"):
        glance(tmp_path / "t.csv")

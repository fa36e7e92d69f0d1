"""Text tables as people bring them: any delimiter, any encoding, and what is wrong in a file is named."""

import codecs
import csv
import gzip
import io
import re

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dl_core.data.readers import READERS, Upload
from dl_core.data.readers.detect import detect
from dl_core.errors import ReadError

WORDS = st.text(alphabet="abcxyzäöü 0123456789.,;|\t\"'\n-", max_size=12)


def read(tmp_path, content: bytes | str, name="table.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    folder = tmp_path / "scratch"
    folder.mkdir(exist_ok=True)
    raw = READERS.load(detect(path))(Upload(path=path, folder=folder, **options))
    return raw, list(zip(*[pq.read_table(raw.table)[f"c{n}"].to_pylist() for n in range(len(raw.names))], strict=True))


def said(raw) -> str:
    return " ".join(problem.message for problem in raw.problems)


@given(
    rows=st.lists(st.tuples(st.integers().map(str), WORDS, WORDS), min_size=3, max_size=20),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    ending=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(tmp_path_factory, rows, delimiter, encoding, ending, packed):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([("number", "größe", "ort"), *rows])
    content = stream.getvalue().encode(encoding)
    raw, found = read(tmp_path_factory.mktemp("text"), gzip.compress(content) if packed else content)
    assert raw.names == ["number", "größe", "ort"]
    assert found == rows
    assert raw.dialect["delimiter"] == delimiter


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
def test_the_delimiter_is_the_one_that_makes_rows_alike(tmp_path, delimiter):
    mark = "." if delimiter == "," else ","
    rows = [["a", "b", "c"], *[[str(n), f"{n}{mark}5", '"x; y | z"'] for n in range(9)]]
    content = "\n".join(delimiter.join(row) for row in rows)
    raw, found = read(tmp_path, content)
    assert raw.names == ["a", "b", "c"]
    assert len(found) == 9


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("이름,나이,도시\n김철수,30,서울\n이영희,25,부산\n", "cp949"),
        ("имя,возраст,город\nИван,30,Москва\nАнна,25,Казань\n", "cp1251"),
        ("名前,年齢,住所\n田中,30,東京都\n鈴木,25,大阪府\n", "shift_jis"),
        ("prénom,âge,ville\nÉlodie,3,Orléans\nZoé,4,Besançon\n", "latin-1"),
        ("Straße;Größe\nKöln;1,5\nMünchen;2\n", "cp1252"),
        ("imię,wiek,miasto\nŁukasz,3,Łódź\nBożena,5,Gdańsk\nŚwięta,9,Poznań\n", "cp1250"),
    ],
)
def test_old_code_pages_are_recognised(tmp_path, text, encoding):
    raw, found = read(tmp_path, text.encode(encoding))
    first = text.splitlines()[0]
    assert raw.names == re.split("[,;]", first)
    assert found[-1] == tuple(re.split("[,;]", text.splitlines()[-1]))[: len(raw.names)] or "," in found[-1][-1]


def test_utf_16_without_a_mark_is_recognised(tmp_path):
    _, found = read(tmp_path, "a,b\n1,2\n3,4\n".encode("utf-16-le"))
    assert found == [("1", "2"), ("3", "4")]


def test_a_few_broken_bytes_do_not_turn_the_whole_file_into_gibberish(tmp_path):
    good = "wort,n\n" + "".join(f"schön grün,{n}\n" for n in range(50))
    raw, found = read(tmp_path, good.encode() + b"\xff\xfe broken,51\n")
    assert found[0] == ("schön grün", "0")
    assert "not valid UTF-8" in said(raw)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    raw, _ = read(tmp_path, codecs.BOM_UTF8 + b"a,b\n1,2\n")
    assert raw.names == ["a", "b"]


def test_names_are_kept_to_the_blank(tmp_path):
    raw, _ = read(tmp_path, "Life expectancy , BMI \n1,2\n")
    assert raw.names == ["Life expectancy ", " BMI "]


def test_names_that_repeat_or_are_missing_are_made_unique_and_said(tmp_path):
    raw, _ = read(tmp_path, "a,A,,b\n1,2,3,4\n5,6,7,8\n")
    assert raw.names == ["a", "A (2)", "column 3", "b"]
    assert "'A' is already taken" in said(raw)
    assert "without a name" in said(raw)


def test_a_file_without_a_header_gets_numbered_columns(tmp_path):
    raw, found = read(tmp_path, "1.5,red\n2.5,blue\n3.5,red\n")
    assert raw.names == ["column 1", "column 2"]
    assert len(found) == 3
    assert "no header" in said(raw)


def test_years_as_names_are_a_header(tmp_path):
    raw, found = read(tmp_path, "country,1990,1991,1992\nA,1,2,3\nB,4,5,6\n")
    assert raw.names == ["country", "1990", "1991", "1992"]
    assert len(found) == 2


def test_lines_above_the_table_are_stepped_over(tmp_path):
    raw, found = read(tmp_path, "Report of 2020\n\na,b,c\n1,2,3\n4,5,6\n")
    assert raw.names == ["a", "b", "c"]
    assert raw.dialect["header_row"] == 3
    assert len(found) == 2


def test_the_header_row_can_be_chosen(tmp_path):
    content = "what,is,this\na,b,c\n1,2,3\n"
    assert read(tmp_path, content, header_row=2)[0].names == ["a", "b", "c"]
    raw, found = read(tmp_path, content, header_row=0)
    assert raw.names == ["column 1", "column 2", "column 3"]
    assert len(found) == 3
    with pytest.raises(ReadError, match="Row 99"):
        read(tmp_path, content, header_row=99)


def test_row_names_that_r_wrote_without_a_header_become_a_column(tmp_path):
    raw, found = read(tmp_path, "a,b\nr1,1,2\nr2,3,4\n")
    assert raw.names == ["column 1", "a", "b"]
    assert found[0] == ("r1", "1", "2")


def test_a_separator_at_the_end_of_each_row_is_no_column_of_values(tmp_path):
    raw, found = read(tmp_path, "a;b\n1;2;\n3;4;\n")
    assert raw.names == ["a", "b", "column 3"]
    assert found == [("1", "2", ""), ("3", "4", "")]


def test_quoted_line_breaks_and_quotes_stay_in_their_value(tmp_path):
    _, found = read(tmp_path, 'a,b\n"two\nlines","say ""hi"""\n5" pipe,x\n')
    assert found == [("two\nlines", 'say "hi"'), ('5" pipe', "x")]


def test_single_quotes_count_where_cells_stand_in_them(tmp_path):
    content = "a;b\n" + "".join(f"{n};'x; {n}'\n" for n in range(10))
    _, found = read(tmp_path, content)
    assert found[3] == ("3", "x; 3")


def test_a_value_longer_than_a_block_is_read(tmp_path):
    long = "x" * (10 << 20)
    _, found = read(tmp_path, f"a,b\n1,{long}\n2,y\n")
    assert [len(row[1]) for row in found] == [len(long), 1]


def test_few_ragged_rows_are_left_out_and_their_lines_named(tmp_path):
    rows = [f"{n},{n}" for n in range(100)]
    rows[5], rows[40] = "5,5,5", "40"
    raw, found = read(tmp_path, "a,b\n" + "\n".join(rows))
    assert len(found) == 98
    assert "line 7 has 3, line 42 has 1" in said(raw)


def test_ragged_rows_are_refused_where_rows_must_not_be_lost(tmp_path):
    rows = [f"{n},{n}" for n in range(100)]
    with pytest.raises(ReadError, match="line 102 has 3"):
        read(tmp_path, "a,b\n" + "\n".join([*rows, "1,2,3"]), strict=True)


def test_many_ragged_rows_are_refused_naming_the_first_line(tmp_path):
    content = "a,b\n" + "".join("1,2\n" if n % 2 else "1,2,3\n" for n in range(40))
    with pytest.raises(ReadError, match=r"another number of values .* line \d+ has \d"):
        read(tmp_path, content)


def test_a_quote_that_is_never_closed_is_named(tmp_path):
    content = "a,b\n" + "1,2\n" * 50 + '3,"never closed\n' + "4,5\n" * 20
    with pytest.raises(ReadError, match="never closed"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b" \n\n ", "The file is empty"),
        (b"\xef\xbb\xbf", "The file is empty"),
        (b"a,b,c\n", "a header and no rows"),
        (b"a,b\n1,\0\0\0\n", "not text"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "web page"),
        (b"%PDF-1.7 whatever", "PDF"),
        (b"SQLite format 3\0 whatever", "SQLite"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-12], "damaged or cut off"),
        (gzip.compress(b"", mtime=0), "The file is empty"),
    ],
)
def test_what_is_no_table_gets_a_sentence(tmp_path, content, sentence):
    with pytest.raises(ReadError, match=sentence) as caught:
        read(tmp_path, content)
    assert str(caught.value).endswith(".")


def test_a_gzip_bomb_is_refused_by_what_comes_out_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("dl_core.data.readers.encoding.GZIP_FLOOR_BYTES", 1 << 20)
    with pytest.raises(ReadError, match="unpacks to more than"):
        read(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 4_000_000))

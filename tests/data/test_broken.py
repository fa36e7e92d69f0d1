"""Whatever is broken in an upload, it is imported whole or refused in a sentence, and nothing is left behind."""

import csv
import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.quality import quality
from dl_core.errors import DeepboardError
from tests.data.test_images import ANIMALS

FRAME = pd.DataFrame(
    {
        "day": pd.date_range("2020-01-01", periods=40).strftime("%Y-%m-%d"),
        "number": np.arange(40) / 3,
        "word": ["x", "y"] * 20,
        "text": [f"größe {number}" for number in range(40)],
    }
)


def parquet() -> bytes:
    content = io.BytesIO()
    FRAME.to_parquet(content)
    return content.getvalue()


def pictures() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, picture in ANIMALS.items():
            archive.writestr(name, picture)
    return content.getvalue()


GOOD = {
    "csv": FRAME.to_csv(index=False).encode(),
    "utf-16": FRAME.to_csv(sep=";", decimal=",").encode("utf-16"),
    "gzip": gzip.compress(FRAME.to_csv(index=False).encode(), mtime=0),
    "jsonl": FRAME.to_json(orient="records", lines=True).encode(),
    "parquet": parquet(),
    "pictures": pictures(),
}
SPICE = st.binary(max_size=8) | st.text(alphabet="\",;\n\t\0'|\\{}[]eE.-0", max_size=8).map(str.encode)
changes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), SPICE), min_size=1, max_size=5)


@pytest.mark.parametrize("kind", GOOD)
@given(changes=changes)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_read_or_refused_and_leaves_nothing_behind(tmp_path_factory, kind, changes):
    content = bytearray(GOOD[kind])
    for place, removed, added in changes:
        start = int(place * len(content))
        content[start : start + removed] = added
    folder = tmp_path_factory.mktemp("broken")
    (folder / "upload").write_bytes(bytes(content))
    try:
        dataset = Dataset(import_file(folder / "upload", folder / "datasets" / "new"))
    except DeepboardError as error:
        assert str(error)
        assert not list((folder / "datasets").iterdir())
    else:
        assert len(dataset.table()) == dataset.n_rows > 0


ODD = (
    lambda n: str(n),
    lambda n: f"{n * 0.37:.3f}",
    lambda n: "abc"[n % 3],
    lambda n: ["", "NA", "1", "2"][n % 4],
    lambda n: f"2020-{n % 12 + 1:02}-{n % 28 + 1:02}",
    lambda n: f"{n % 12 + 1}/{n % 28 + 1}/20",
    lambda n: f"{1990 + n % 30}",
    lambda n: f"{1990 + n // 4}Q{n % 4 + 1}",
    lambda n: "7",
    lambda n: "",
    lambda n: str(2**64 + n),
    lambda n: ["inf", "-inf", "1e999", "nan"][n % 4],
    lambda n: f"{n},{n:03}",
    lambda n: f"{n:05}",
    lambda n: ["yes", "no"][n % 2],
    lambda n: "'\"; drop table raw; --",
    lambda n: f"a remark of many words, number {n}",
    lambda n: str(1_600_000_000 + 60 * n),
)
NAMES = ("a", "A", "", "time", "year", "month", "day", "id", "store", "x1", "x2", "V1", "V2", "label", "_row", "select")


@pytest.mark.thorough
@given(
    columns=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ODD)), min_size=1, max_size=7),
    rows=st.sampled_from([1, 2, 5, 13, 40]),
    layout=st.sampled_from([None, None, "table", "long", "wide columns", "wide rows"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_becomes_a_dataset_that_can_be_looked_at_and_read_again(tmp_path_factory, columns, rows, layout):
    folder = tmp_path_factory.mktemp("odd")
    with open(folder / "t.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([name for name, _ in columns])
        writer.writerows([[value(number) for _, value in columns] for number in range(rows)])
    try:
        dataset = Dataset(import_file(folder / "t.csv", folder / "first", layout=layout))
    except DeepboardError as error:
        assert str(error).endswith((".", "?"))
        return
    frame = dataset.table()
    assert frame.index.tolist() == list(range(dataset.n_rows))
    assert tuple(frame) == dataset.schema.names
    assert all(column.reason for column in dataset.schema.columns)
    assert quality(dataset, dataset.schema, dataset.meta["guess"])
    again = Dataset(import_file(folder / "t.csv", folder / "again", schema=dataset.schema))
    pd.testing.assert_frame_equal(again.table(), frame, check_dtype=False)

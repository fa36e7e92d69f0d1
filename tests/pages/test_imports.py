"""What becomes of an upload: which file the reader gets, and that nothing is lost when it cannot be read."""

import time
from pathlib import Path

import pytest

from dl_core.errors import DeepboardError
from tests.pages.worlds import people
from ui import glance, imports


def content(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / "content" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "content"


def test_one_file_or_one_folder_is_read_as_it_is(tmp_path):
    file = content(tmp_path / "a", "people.csv")
    assert imports.arranged(file) == (file / "people.csv", {}, "people")
    folder = content(tmp_path / "b", "pets/cat/1.png", "pets/dog/1.png")
    assert imports.arranged(folder) == (folder / "pets", {}, "pets")


@pytest.mark.parametrize("pictures", ["imgs.zip", "imgs/cat/1.png"])
def test_a_table_beside_pictures_names_them(tmp_path, pictures):
    both = content(tmp_path, "labels.csv", pictures)
    assert imports.arranged(both) == (both / "labels.csv", {"images": both / pictures.split("/")[0]}, "labels")


def test_loose_pictures_with_a_manifest_are_read_as_a_folder(tmp_path):
    loose = content(tmp_path, "labels.csv", "1.png", "2.png")
    assert imports.arranged(loose) == (loose, {}, "labels")


def test_two_tables_at_once_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(DeepboardError, match="drop them one after the other"):
        imports.arranged(content(tmp_path, "a.csv", "b.csv"))


def test_an_empty_upload_is_none(tmp_path):
    assert imports.arranged(tmp_path / "content") is None


def imported(store, folder: Path, path: Path, **options) -> imports.Import:
    item = imports.Import("one", path.stem, folder, path, options=options)
    imports.start(item)
    deadline = time.monotonic() + 30
    while item.status == "working" and time.monotonic() < deadline:
        time.sleep(0.02)
    return item


def test_an_upload_becomes_a_dataset_and_leaves_nothing_behind(store):
    folder = store.workspace / "uploads" / "one"
    folder.mkdir()
    people(200).to_csv(folder / "people.csv", index=False)
    item = imported(store, folder, folder / "people.csv")
    assert item.status == "done", item.error
    assert store.dataset(item.dataset).n_rows == 200
    assert list((store.workspace / "uploads").iterdir()) == []


def test_an_upload_that_cannot_be_read_stays_and_its_error_says_what_to_do(store):
    folder = store.workspace / "uploads" / "one"
    folder.mkdir()
    (folder / "empty.csv").write_bytes(b"")
    item = imported(store, folder, folder / "empty.csv")
    assert item.status == "failed"
    assert "Upload a CSV" in item.error
    assert (folder / "empty.csv").exists()
    assert store.datasets() == []


def test_a_glance_marks_the_names_and_numbers_the_rows():
    rows = [["a survey", None], ["n", "<b>"], ["1", "x"], ["2", "y"]]
    html = glance.rows_html(rows, names=1, first=2)
    assert '<tr class="out"><td class="number">1</td><td>a survey</td>' in html
    assert '<tr class="names"><td class="number">2</td><th>n</th><th>&lt;b&gt;</th>' in html
    far = glance.rows_html([*[["-", "-"]] * 40, *rows], names=41, first=42)
    assert '<td class="number">42</td><th>n</th>' in far and '<td class="number">1</td>' not in far


def test_uploads_of_an_earlier_server_wait_to_be_chosen_again(store):
    from dl_core.records import write_json

    folder = store.workspace / "uploads" / "earlier"
    (folder / "content").mkdir(parents=True)
    (folder / "content" / "people.csv").write_text("a,b\n1,2\n")
    write_json(folder / "arrived.json", {"id": "earlier", "name": "people", "at": 0.0})
    known = imports._known("local", str(store.workspace))
    assert known["earlier"].status == "choose"
    assert known["earlier"].path == folder / "content" / "people.csv"

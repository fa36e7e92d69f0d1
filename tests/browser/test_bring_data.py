"""Bringing and correcting data in a real browser: every way in, files that should not be, edits of the columns, a test
file of one's own. Nothing is trained."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from dl_core.store import Store
from tests import examples
from tests.browser import steps
from tests.hostile import files

DATA, TRAIN, OVERVIEW = (
    "What is in this data?",
    "What should be predicted?",
    re.compile("Where things stand|What would"),
)
ROWS = 120


@pytest.fixture
def store(dashboard) -> Store:
    return Store(dashboard.workspace)


def bring(page: Page, *paths: Path, button: str = "Choose a file") -> None:
    """Choose files, or a folder, with the browser's own dialog."""
    expect(page.locator(".zone").first).to_be_visible()
    steps.settle(page)
    with page.expect_file_chooser() as waiting:
        page.get_by_role("button", name=button).click()
    waiting.value.set_files(paths[0] if button == "Choose a folder" else list(paths))


def drop_from_disk(page: Page, path: Path) -> None:
    """Drag a file or a folder from the desktop onto the drop zone."""
    zone = page.locator(".zone").first
    expect(zone).to_be_visible()
    steps.settle(page)
    box = zone.bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + 30,
                "y": box["y"] + 15,
                "data": {"items": [], "files": [str(path)], "dragOperationsMask": 1},
            },
        )


def arrived(page: Page, store: Store):
    """The dataset that the page opened by itself."""
    steps.expect_title(page, DATA)
    (id,) = re.findall(r"dataset=(\w+)", page.url)
    return store.dataset(id)


def tab(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=name).click()
    steps.settle(page)
    return page.get_by_role("tabpanel", name=name)


def callouts(page: Page) -> Locator:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return steps.main(page).locator(".db-callout")


# ways in


def german(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, sep=";", decimal=",", encoding="latin-1", compression="gzip")


WAYS = {
    "tabs.tsv": lambda path, table: table.to_csv(path, index=False, sep="\t"),
    "lines.jsonl": lambda path, table: table.to_json(path, orient="records", lines=True),
    "columns.parquet": lambda path, table: table.to_parquet(path),
    "german.csv.gz": german,
}


def test_a_table_is_the_same_whatever_file_it_comes_in(page, store, tmp_path):
    table = examples.table(ROWS).assign(city=np.where(np.arange(ROWS) % 2, "Köln", "Düsseldorf"))
    for name, write in WAYS.items():
        write(tmp_path / name, table)
        bring(page, tmp_path / name)
        dataset = arrived(page, store)
        assert dataset.meta["source"] == name
        pd.testing.assert_frame_equal(dataset.table(), table, check_dtype=False, check_names=False)
        expect(callouts(page)).to_have_count(0)
        steps.go(page, "Overview", "Where things stand")


def test_of_a_spreadsheet_the_sheet_and_the_row_of_names_are_chosen_over_its_first_rows(page, store, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    book.active["A1"], book.active["A2"] = "Report", "for nobody"
    people, shops = book.create_sheet("People"), book.create_sheet("Shops")
    for row in (["A survey"], ["x", "y"], ["age", "word"], *([20 + n, "ab"[n % 2]] for n in range(ROWS))):
        people.append(row)
    for row in (["shop", "sales"], *([f"s{n % 3}", n / 7] for n in range(ROWS))):
        shops.append(row)
    book.save(tmp_path / "book.xlsx")

    bring(page, tmp_path / "book.xlsx")
    first, named = page.locator(".db-first-rows"), page.locator(".db-first-rows .names")
    expect(steps.main(page).get_by_text("Row 2 names the columns. What stands above it is left out.")).to_be_visible()
    steps.choose(page, "sheet_", "Shops")
    expect(named).to_have_text("1shopsales")
    steps.choose(page, "sheet_", "People")
    row = page.get_by_role("spinbutton", name="Names are in row")
    row.fill("500")
    row.press("Enter")
    expect(callouts(page)).to_contain_text("Row 500 cannot be the header")
    row.fill("3")
    row.press("Enter")
    expect(named).to_have_text("3ageword")
    expect(first.locator(".out")).to_have_text(["1A survey", "2xy"])
    steps.press(page, "Read it")
    dataset = arrived(page, store)
    assert dataset.schema.names == ("age", "word")
    assert dataset.n_rows == ROWS


def pictures(folder: Path, per_class: int = 12) -> Path:
    with zipfile.ZipFile(examples.write_pictures(folder / "shapes.zip", per_class)) as archive:
        archive.extractall(folder / "shapes")
    return folder / "shapes"


@pytest.mark.parametrize("way", ["dialog", "drop"])
def test_a_folder_of_pictures_comes_with_a_class_for_each_folder(page, store, tmp_path, way):
    folder = pictures(tmp_path)
    (folder / ".DS_Store").write_bytes(b"what a system leaves behind")
    if way == "dialog":
        bring(page, folder, button="Choose a folder")
    else:
        drop_from_disk(page, folder)
    dataset = arrived(page, store)
    assert dataset.n_rows == 12 * len(examples.SHAPES)
    assert set(dataset.table(["label"])["label"]) == set(examples.SHAPES)
    expect(page.locator(".db-sheet figure")).to_have_count(24)
    expect(callouts(page)).to_have_count(0)


def test_pictures_with_a_table_inside_the_zip_take_its_columns_and_are_no_copies_of_each_other(page, store, tmp_path):
    folder = pictures(tmp_path)
    with zipfile.ZipFile(tmp_path / "named.zip", "w") as archive:
        lines = ["picture,shape,bright"]
        for number, path in enumerate(sorted(folder.rglob("*.png"))):
            archive.write(path, f"all/{number}.png")
            lines.append(f"{number}.png,{path.parent.name},{'yes' if number % 2 else 'no'}")
        archive.writestr("labels.csv", "\n".join(lines))
    bring(page, tmp_path / "named.zip")
    dataset = arrived(page, store)
    assert dataset.schema.names == ("file", "shape", "bright")
    found = tab(page, "Quality")
    expect(found).to_contain_text("All 36 pictures are different.")
    expect(found).to_contain_text("No row repeats another one.")


# files that should not be


def test_what_cannot_be_read_says_why_and_loses_nothing(page, store, tmp_path):
    bring(page, examples.write("table", tmp_path))
    kept = arrived(page, store)
    cases = {
        files.empty_file: ("The file is empty", False),
        files.header_only: ("Add rows of values, or choose 0", True),
        files.not_text: ("The file is not text", False),
        files.zip_bomb: ("like a ZIP bomb, and was refused", False),
    }
    steps.go(page, "Overview", "Where things stand")
    for write, (said, again) in cases.items():
        file = write(tmp_path)
        bring(page, file)
        card = page.locator("[class*='st-key-ask-']").filter(has_text=said)
        expect(card.locator(".db-callout.error")).to_contain_text(file.stem)
        expect(card.get_by_role("button", name="Read it again")).to_have_count(int(again))
        expect(callouts(page)).to_have_count(1)
        card.get_by_role("button", name="Throw it away").click()
        expect(card).to_have_count(0)
        steps.settle(page)
    assert [row["id"] for row in store.datasets() if row["name"] == "people"][:1] == [kept.id]
    assert list((store.workspace / "uploads").iterdir()) == []


def test_a_text_called_xlsx_is_read_as_what_it_is_and_its_ragged_rows_are_named(page, store, tmp_path):
    bring(page, files.ragged_rows(tmp_path).rename(tmp_path / "ragged.xlsx"))
    assert arrived(page, store).n_rows == files.ROWS - 2
    expect(callouts(page)).to_contain_text("line 8 has 5, line 31 has 2. They were left out.")


def test_bad_pictures_among_good_ones_are_left_out_and_named(page, store, tmp_path):
    """One breaks off, one declares 400 megapixels, two have paths that lead out of the archive."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for write in (files.corrupt_picture, files.vast_picture, files.climbing_zip):
            with zipfile.ZipFile(write(tmp_path)) as other:
                for name in {*other.namelist()} - {*archive.namelist()}:
                    archive.writestr(name, other.read(name))
    bring(page, tmp_path / "all.zip")
    assert arrived(page, store).n_rows == 30
    said = callouts(page)
    expect(said.filter(has_text="lead")).to_contain_text("'../../climbed.png'")
    expect(said.filter(has_text="2 pictures were left out")).to_contain_text("disc/broken.png is cut off or damaged")
    expect(said.filter(has_text="2 pictures were left out")).to_contain_text("disc/vast.png declares more than 50 mill")


def test_a_target_that_cannot_be_learned_is_refused_with_the_reason(page, store, tmp_path):
    table = examples.table(ROWS).assign(always="yes", never=None, code=[f"C-{n:06}" for n in range(ROWS)])
    table.to_csv(tmp_path / "t.csv", index=False)
    bring(page, tmp_path / "t.csv")
    arrived(page, store)
    steps.go(page, "Train", TRAIN)
    train = steps.main(page).get_by_role("button", name="Train", exact=True)
    expect(train).to_have_count(1)
    for name, said in {
        "always": "'always' has one class only ('yes')",
        "never": "Every value of 'never' is missing. Choose another target.",
        "code": "'code' is an id",
    }.items():
        steps.choose(page, "wish_targets_", name)
        expect(callouts(page).first).to_contain_text(said)
        expect(train).to_have_count(0)
    steps.choose(page, "wish_targets_", "education")
    expect(train).to_have_count(1)
    expect(callouts(page).filter(has_text="Choose another target")).to_have_count(0)


def test_times_that_repeat_are_said_and_averaged_and_a_horizon_that_is_too_long_is_refused(page, store, tmp_path):
    bring(page, files.duplicate_times(tmp_path))
    assert arrived(page, store).modality == "table"
    expect(tab(page, "Quality")).to_contain_text("times of 'day' repeat, and no column tells series apart")
    page.get_by_role("button", name="Read it differently").click()
    steps.choose(page, "layout_", "A time series: one row per time (and series)")
    page.get_by_role("button", name="Read it again").click()
    expect(steps.main(page).locator(".db-facts")).to_contain_text("time series")
    steps.settle(page)
    said = "3 rows have a time that their series had before. They are averaged."
    expect(tab(page, "Quality")).to_contain_text(said)
    steps.go(page, "Train", TRAIN)
    ahead = page.get_by_role("spinbutton", name="Steps ahead")
    ahead.fill("30")
    ahead.press("Enter")
    expect(callouts(page).first).to_contain_text("The longest series has 60 steps; a horizon of 30 needs at least")


# corrections


def edit(page: Page, row: int, column: str, value: str) -> None:
    """Change a cell of the columns' table by mouse and keyboard: click, Enter, type, Enter."""
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    box = grid.get_by_test_id("data-grid-canvas").bounding_box()
    assert box is not None
    rows = grid.locator("[role=row]").count()
    place, x = {"Kind": (1, 150), "Role": (2, 230)}[column]
    page.mouse.click(box["x"] + x, box["y"] + box["height"] * (row + 1.5) / rows)
    page.keyboard.press("Enter")
    page.keyboard.type(value)
    expect(page.get_by_role("option", name=value, exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id(f"glide-cell-{place}-{row}")).to_have_text(value)
    steps.settle(page)


def test_kinds_and_roles_are_changed_in_place_and_everything_follows(page, store, tmp_path):
    bring(page, examples.write("table", tmp_path))
    dataset = arrived(page, store)
    expect(tab(page, "Quality")).to_contain_text("'hours per week' (")
    tab(page, "Columns")
    cells = {name: page.get_by_test_id(f"glide-cell-{place}-3") for place, name in ((1, "kind"), (2, "role"))}
    expect(cells["role"]).to_have_text("feature")
    edit(page, 0, "Kind", "category")
    expect(steps.main(page)).to_contain_text("Save 1 change as version 2")  # which moves the table
    steps.settle(page)
    edit(page, 3, "Role", "ignored")
    steps.press(page, "Save 2 changes as version 2")
    expect(steps.main(page)).to_contain_text("Version 2 of the columns.")
    assert store.dataset(dataset.id).schema["age"].kind == "category"
    assert store.dataset(dataset.id).schema["hours per week"].role == "ignored"

    page.reload()
    steps.expect_title(page, DATA)
    tab(page, "Columns")
    expect(steps.main(page)).to_contain_text("Version 2 of the columns.")
    expect(cells["role"]).to_have_text("ignored")
    expect(page.get_by_test_id("glide-cell-1-0")).to_have_text("category")
    expect(tab(page, "Quality")).to_contain_text("One column lacks values: 'workclass'")
    steps.go(page, "Train", TRAIN)
    expect(page.locator(".st-key-sentence")).to_contain_text("3 columns")


# a test file of one's own


def test_an_own_test_file_is_drawn_and_used_and_one_with_other_columns_is_refused(page, store, tmp_path):
    table = examples.table(300)
    for name, part in {
        "study": table[:200],
        "exam": table[200:],
        "unlike": table[200:].drop(columns=["age", "income"]),
    }.items():
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    bring(page, tmp_path / "study.csv")
    study = arrived(page, store)
    steps.go(page, "Train", TRAIN)
    steps.choose(page, "split_kind", "My own test file")
    bring(page, tmp_path / "unlike.csv")
    expect(callouts(page).filter(has_text="The file lacks 2 columns: 'age', 'income'.")).to_be_visible()
    steps.press(page, "Choose another file")
    bring(page, tmp_path / "exam.csv")
    expect(steps.main(page)).to_contain_text("The test part is a file of its own: 200 train in 5 folds, 100 test.")
    expect(page.locator(".st-key-sentence")).to_contain_text("test on your own file")
    expect(page.get_by_test_id("stPlotlyChart").first).to_contain_text("Test")
    exam = next(row["id"] for row in store.datasets() if row["name"] == "exam (test)")
    steps.press(page, "Train")
    expect(page).to_have_url(re.compile(r"/run\?.*run=\w+"))
    (run,) = re.findall(r"run=(\w+)", page.url)
    spec = json.loads((store.workspace / "runs" / run / "spec.json").read_text())
    assert (spec["dataset"], spec["split"]["kind"], spec["split"]["test_dataset"]) == (study.id, "file", exam)

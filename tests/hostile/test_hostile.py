"""Bad input gets a sentence and loses nothing."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dl_core.cli import app
from dl_core.data.importing import import_file
from dl_core.errors import DeepboardError
from dl_core.samples import PREPARE
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan
from tests import examples
from tests.hostile import files

FORECAST = ("--target", "sales", "--time", "day", "--task", "forecasting")


@pytest.fixture
def store(tmp_path) -> Store:
    """A workspace that already holds something to lose."""
    store = Store(tmp_path / "workspace")
    store.add_dataset(import_file(examples.write("table", tmp_path), store.incoming(), name="kept"))
    return store


def train(store: Store, file: Path, *options: str):
    """`train` on the command line, as one would call it, in this process."""
    command = ["train", str(file), "--budget", "10s", "--workspace", str(store.workspace), "--json", *options]
    return CliRunner().invoke(app, command)


def sentence(result) -> str:
    """The error that was printed: one line, without a traceback."""
    assert result.exit_code not in (0, None)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    return line


def assert_nothing_lost(store: Store) -> None:
    """The workspace is as it was: one dataset, no run, no half-finished import."""
    assert [row["name"] for row in store.datasets()] == ["kept"]
    assert len(store.dataset(store.datasets()[0]["id"]).table()) == len(examples.table())
    assert store.runs() == []
    assert list((store.workspace / "uploads").iterdir()) == []
    assert len(list((store.workspace / "datasets").iterdir())) == 1


@pytest.mark.parametrize(
    ("write", "options", "said"),
    [
        (files.empty_file, ("--target", "income"), "The file is empty"),
        (files.header_only, ("--target", "income"), "a header and no rows"),
        (files.one_class, ("--target", "income"), "'income' has one class only"),
        (files.target_all_missing, ("--target", "income"), "Every value of 'income' is missing"),
        (files.target_is_an_id, ("--target", "income"), "'income' is an id"),
        (files.not_text, ("--target", "income"), "is not text"),
        (files.zip_bomb, (), "bomb"),
        (files.short_series, (*FORECAST, "--horizon", "30"), "has 10 steps; a horizon of 30 needs"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence_before_anything_starts(store, tmp_path, write, options, said):
    line = sentence(train(store, write(tmp_path), *options))
    assert said in line
    assert line.endswith((".", "?"))
    assert_nothing_lost(store)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "wage"), "no column 'wage'"),
        (("--target", "income", "--task", "sorting"), "sorting"),
        (("--target", "income", "--metric", "beauty"), "no metric 'beauty'"),
        (("--target", "income", "--budget", "soon"), "A budget is a time such as"),
        (("--target", "income", "--families", "resnet"), "'resnet' does not fit"),
        (("--target", "income", "--test-share", "1.5"), "test share"),
        (("--target", "income", "--split", "group"), "group"),
        (("--target", "income", "--test", "nowhere.csv"), "no file nowhere.csv"),
    ],
)
def test_wrong_use_is_one_sentence_too(store, tmp_path, options, said):
    assert said in sentence(train(store, examples.write("table", tmp_path), *options))
    assert_nothing_lost(store)


@pytest.mark.parametrize(
    ("write", "rows", "finding"),
    [
        (files.ragged_rows, files.ROWS - 2, r"line 8 has 5, line 31 has 2"),
        (files.corrupt_picture, 30, r"broken\.png"),
        (files.vast_picture, 30, r"vast\.png"),
        (files.climbing_zip, 30, r"\.\./\.\./climbed\.png|climb"),
    ],
)
def test_what_is_bad_in_a_good_file_is_left_out_and_named(tmp_path, write, rows, finding):
    store = Store(tmp_path / "workspace")
    dataset = store.add_dataset(import_file(write(tmp_path), store.incoming()))
    problems = " ".join(problem["message"] for problem in dataset.meta["problems"])
    assert re.search(finding, problems, re.I)
    assert dataset.n_rows == rows


def test_no_path_of_an_archive_leads_out_of_the_workspace(tmp_path):
    workspace = tmp_path / "some" / "deep" / "workspace"
    store = Store(workspace)
    file = files.climbing_zip(tmp_path)
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(workspace)}
    with suppress(DeepboardError):
        store.add_dataset(import_file(file, store.incoming()))
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(workspace)} == before
    assert not list(workspace.rglob("climbed.png"))
    assert not Path("/tmp/deepboard-climbed.png").exists()


def test_an_old_encoding_is_recognised(tmp_path):
    dataset = _imported(files.old_encoding(tmp_path), tmp_path)
    assert dataset.schema.names == ("größe", "ort", "klasse")
    assert set(dataset.table(["ort"])["ort"]) == {"Köln 0", "Köln 1", "Köln 2"}


def test_the_content_of_a_file_counts_not_its_name(tmp_path):
    dataset = _imported(files.csv_named_xlsx(tmp_path), tmp_path)
    assert dataset.schema.names == ("size", "colour", "income")
    assert dataset.n_rows == files.ROWS


def test_duplicate_times_are_mended_and_said(tmp_path):
    dataset = _imported(files.duplicate_times(tmp_path), tmp_path)
    spec, _ = plan(dataset, Wishes(targets=["sales"], time="day", task="forecasting", horizon=7))
    said = []
    PREPARE.load("windows")(dataset, spec, None, tmp_path, lambda key, what, *why: said.append(what))
    assert any("3 rows share series and time" in what for what in said)


def _imported(file: Path, folder: Path):
    store = Store(folder / "workspace")
    return store.add_dataset(import_file(file, store.incoming()))

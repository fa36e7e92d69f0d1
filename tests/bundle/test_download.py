"""The download answers like the app on the file as it was uploaded, or is not offered."""

import ast
import csv
import importlib.util
import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from dl_core.bundle.folder import save_bundle
from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.errors import BundleError
from dl_core.export.card import model_card
from dl_core.export.packing import PICTURES, SERIES, TABLE, standalone
from tests.bundle import samples


def german_csv(path, rows=400):
    """The generated table as a German spreadsheet would write it, with a remark above the header."""
    frame = samples.table(rows)
    frame["sold on"] = pd.to_datetime(frame["sold on"], unit="s").dt.strftime("%d.%m.%Y")
    with open(path, "w", newline="", encoding="cp1252", errors="replace") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(frame.columns)
        for row in frame.itertuples(index=False):
            writer.writerow([_german(value) for value in row])
    return path


def _german(value):
    if value is None or value != value:
        return ""
    return f"{value:.4f}".replace(".", ",") if isinstance(value, float) else value


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return Dataset(import_file(german_csv(folder / "houses.csv"), folder / "dataset"))


def bundle_of(dataset, folder, kind="classification", **meta):
    schema = dataset.schema.edited(
        {"rooms": {"kind": "category"}, "label": {"role": "target"}, "price": {"role": "target"}}
    )
    frame = dataset.table()
    state = samples.prepared_state(kind, frame, schema)
    return save_bundle(
        folder,
        network=samples.network(state, kind),
        prepared_state=state,
        task_spec=samples.task_spec(kind),
        schema=schema,
        meta={
            "model": "t001",
            "name": "MLP",
            "valid": 0.9,
            "test": 0.88,
            "interval": [0.85, 0.91],
            "board": [
                {"model": "t001", "name": "MLP", "valid": 0.9, "test": 0.88, "interval": [0.85, 0.91]},
                {"model": "trees", "name": "Boosted | trees", "valid": 0.91, "test": 0.9, "interval": None},
            ],
            "split": {"kind": "random", "test_share": 0.2, "valid_share": 0.2},
            **meta,
        },
    )


PROVEN = {"rows": 9, "sample": "9 rows", "identical": 9, "largest_difference": 0.0, "tolerance": 1e-4, "unit": "share"}


@pytest.mark.heavy
def test_the_card_says_how_a_network_was_judged(dataset, tmp_path):
    def card(**meta):
        return model_card(bundle_of(dataset, tmp_path / f"{len(meta)}", parameters=500, **meta), PROVEN, rows=400)

    one, folds = card(), card(folds=5)
    again = card(folds=5, refit={"samples": 400, "seconds": 1.0, "epochs": 3, "parameters": 500})
    assert "20% test, 20% of the rest validation" in one and "| | validation | test |" in one
    assert "20% test, the rest in 5 folds" in folds and "| | out of fold | test |" in folds
    assert "judged by the fold that it has not seen" in folds and "alidation" not in folds
    assert "It is 5 networks that answer together, with 500 parameters in all." in folds
    assert "It has 500 parameters." in one and "It has 500 parameters." in again
    assert "was then trained again, on all 400 labelled samples." in again
    assert "trained again" not in one + folds


@pytest.mark.heavy
def test_a_kit_answers_like_the_app_on_the_file_as_it_was_uploaded(dataset, tmp_path):
    from dl_core.export.download import export

    bundle = bundle_of(dataset, tmp_path / "bundle")
    path, receipt = export(bundle, tmp_path / "kit.zip", dataset=dataset)
    assert receipt["passed"], receipt["reason"]
    assert receipt["rows"] == 360
    assert receipt["identical"] >= 350
    assert receipt["largest_difference"] < 1e-5
    assert receipt["training_difference"] < 1e-5
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {
            "bundle.json", "model.keras", "receipt.json", "model_card.md", "requirements.txt",
            "predict.py", "layers.py", "serving.py", "reading.py", "cells.py", "values.py",
        }  # fmt: skip
        card = archive.read("model_card.md").decode()
        assert "| **MLP** | 0.9 | 0.88 [0.85, 0.91] |" in card
        assert "| Boosted \\| trees | 0.91 | 0.9 |" in card
        assert json.loads(archive.read("receipt.json")) == receipt
        sources = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")]
        assert not any("from dl_core" in source or "import dl_core" in source for source in sources)


@pytest.mark.heavy
def test_a_kit_that_answers_differently_is_not_offered(dataset, tmp_path, monkeypatch):
    from dl_core.export import packing
    from dl_core.export.download import export

    def broken(module):
        source = standalone(module)
        return source.replace('parse.get("decimal", ".")', '"."') if module.endswith("cells") else source

    monkeypatch.setattr(packing, "standalone", broken)
    (tmp_path / "kit.zip").write_text("of an earlier export")
    path, receipt = export(bundle_of(dataset, tmp_path / "bundle", "regression"), tmp_path / "kit.zip", dataset=dataset)
    assert path is None
    assert not receipt["passed"]
    assert "differ by up to" in receipt["reason"]
    assert not (tmp_path / "kit.zip").exists()


def test_a_program_that_needs_the_app_cannot_prove_itself(tmp_path):
    from dl_core.export.receipt import _ended, _started

    (tmp_path / "neighbour.py").write_text("VALUE = 7")
    for body, reason in (
        ("import dl_core.errors", "a kit must not need dl_core"),
        ("import sys, neighbour; sys.exit(f'{neighbour.VALUE} {len(sys.argv)}')", "code 1: 7 4"),
        ("pass", "ended with code 0"),
    ):
        (tmp_path / "predict.py").write_text(body)
        with _started(tmp_path / "predict.py", tmp_path / "rows.csv", tmp_path / body[:9]) as process:
            run = _ended(process)
        assert run.answers is None
        assert reason in run.reason


def test_a_baseline_is_not_packed(tmp_path):
    from dl_core.export.download import export

    frame = samples.table(50)
    bundle = save_bundle(
        tmp_path / "bundle",
        baseline={"name": "dummy", "state": {}},
        prepared_state=samples.prepared_state("classification", frame),
        task_spec=samples.task_spec("classification"),
        schema=samples.SCHEMA,
        meta={},
    )
    with pytest.raises(BundleError, match="predicts in the app"):
        export(bundle, tmp_path / "kit.zip", dataset=None)


@pytest.mark.parametrize("kit", [TABLE, SERIES, PICTURES], ids=["table", "series", "pictures"])
def test_modules_of_a_kit_import_their_neighbours_only(kit):
    carried = {module.rpartition(".")[2] for module in (kit.program, *kit.modules)} | {"layers"}
    for module in (kit.program, *kit.modules):
        for node in ast.walk(ast.parse(standalone(module))):
            if isinstance(node, ast.ImportFrom):
                assert not node.module.startswith("dl_core")
                assert node.module in carried or importlib.util.find_spec(node.module), node.module


def test_cells_that_a_spreadsheet_would_run_are_disarmed(tmp_path):
    from dl_core.bundle.serving import write_csv

    write_csv(
        tmp_path / "out.csv",
        {"id": ["=1+1", "-2", "+x", "@y", "plain", None], "n": [np.float32(0.1), np.nan, -1.5, 2, 3.0, 1e-9]},
    )
    rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row[0] for row in rows] == ["id", "'=1+1", "-2", "'+x", "'@y", "plain", ""]
    assert [row[1] for row in rows[1:]] == ["0.1", "", "-1.5", "2", "3.0", "1e-09"]

"""Download: the best network with its receipt, others to be packed, and what cannot be offered with its reason."""

import pytest

from dl_core.records import write_json
from dl_core.store import Store
from tests.pages.conftest import said
from tests.pages.judged import Worker, judged

RECEIPT = {
    "passed": True,
    "sentence": "The download answers like the app: 360 of 360 answers are identical, the largest difference is 0.",
    "sample": "300 original rows",
}


@pytest.fixture
def packed(store, tmp_path):
    run = judged(store, tmp_path)
    archive = run.folder / "exports" / "t007.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"PK" + bytes(1000))
    write_json(archive.with_suffix(".receipt.json"), RECEIPT)
    return run


def test_the_best_network_is_offered_with_its_receipt(open_page, packed):
    page = said(open_page("download", run=packed.id))
    assert "RealMLP" in page and "The network that scores best" in page
    assert "360 of 360 answers are identical" in page
    assert 'href="/api/download/' in page and 'download="realmlp.zip"' in page


def test_three_lines_use_it(open_page, packed):
    test = open_page("download", run=packed.id)
    lines = test.code[0].value.splitlines()
    assert lines == [
        "unzip realmlp.zip -d model",
        "pip install -r model/requirements.txt",
        "python model/predict.py new_rows.csv --out predictions.csv",
    ]


def test_another_network_is_packed_when_asked(open_page, store, packed, monkeypatch):
    made = Worker(store)
    monkeypatch.setattr(Store, "wait", lambda *args, **more: made.wait(*args, **more))
    test = open_page("download", run=packed.id)
    test.button(key="pack_t006").click().run()
    assert not test.exception
    assert made.asked[0] == ("export", {"run": packed.id, "model": "t006"})
    assert "comparing answers" in said(test)


def test_a_download_that_failed_its_proof_is_not_offered(open_page, packed):
    sentence = "The download is not offered: 3 answers differ by more than allowed."
    write_json(packed.folder / "exports" / "t007.receipt.json", {"passed": False, "sentence": sentence})
    page = said(open_page("download", run=packed.id))
    assert sentence in page
    assert 'download="realmlp.zip"' not in page


def test_a_baseline_above_every_network_is_said_in_one_sentence(open_page, store, tmp_path):
    run = judged(store, tmp_path, skill=0.5, rival=3.0)
    page = said(open_page("download", run=run.id))
    assert "Linear model is better than every network" in page
    assert "Linear model cannot be downloaded" in page


def test_a_download_that_was_trained_again_says_so_and_counts_its_own_parameters(open_page, packed):
    assert "trained again" not in said(open_page("download", run=packed.id))
    path = packed.model_folder("t007") / "model.json"
    refit = {"samples": 600, "seconds": 2.0, "epochs": 9, "parameters": 1_800}
    write_json(path, {**packed.model("t007"), "refit": refit})
    page = said(open_page("download", run=packed.id))
    assert "the one that is delivered was then trained again, on all 600 labelled samples" in page
    assert "1,800" in page and "at most 0.4 ms" in page

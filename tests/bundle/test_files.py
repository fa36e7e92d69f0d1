"""A file in, predictions out, in the order of the input; a labelled file is scored."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from dl_core.bundle.folder import save_bundle
from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.errors import DataError
from tests.bundle import samples

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    samples.table(300).to_csv(folder / "train.csv", index=False)
    dataset = Dataset(import_file(folder / "train.csv", folder / "dataset"))
    schema = dataset.schema.edited(
        {"rooms": {"kind": "category"}, "label": {"role": "target"}, "price": {"role": "ignored"}}
    )
    state = samples.prepared_state("classification", dataset.table(), schema)
    return save_bundle(
        folder / "bundle",
        network=samples.network(state, "classification"),
        prepared_state=state,
        task_spec=samples.task_spec("classification"),
        schema=schema,
        meta={},
    )


def test_rows_are_answered_in_order_and_scored_where_the_target_is_there(bundle, tmp_path):
    from dl_core.bundle.files import predict_with
    from dl_core.bundle.predictor import Predictor
    from dl_core.metrics import METRICS

    frame = samples.table(50, seed=3)
    frame.loc[0, "label"] = None
    frame.loc[1, "label"] = "neither"
    frame.to_csv(tmp_path / "new.csv", index=False)
    report = predict_with(Predictor(bundle), tmp_path / "new.csv", tmp_path / "out.csv")
    answers = pd.read_csv(tmp_path / "out.csv")
    assert report["rows"] == len(answers) == 50
    probabilities = answers[["probability_no", "probability_yes"]].to_numpy()
    np.testing.assert_allclose(probabilities, Predictor.load(bundle.folder).predict(frame), atol=1e-6)
    truth = (frame["label"][2:] == "yes").to_numpy().astype(int)
    assert report["scores"]["roc_auc"] == pytest.approx(METRICS.load("roc_auc").compute(truth, probabilities[2:]))


def test_other_formats_and_a_missing_target_are_fine_a_missing_feature_is_not(bundle, tmp_path):
    from dl_core.bundle.files import predict_with
    from dl_core.bundle.predictor import Predictor

    frame = samples.table(20, seed=4).drop(columns=["label", "price", "note"])
    frame.to_json(tmp_path / "new.jsonl", orient="records", lines=True)
    frame.drop(columns="city").to_csv(tmp_path / "lacking.csv", index=False)
    report = predict_with(Predictor(bundle), tmp_path / "new.jsonl", tmp_path / "out.csv")
    assert report["rows"] == 20
    assert report["scores"] is None
    with pytest.raises(DataError, match="'city'"):
        predict_with(Predictor(bundle), tmp_path / "lacking.csv", tmp_path / "lacking_out.csv")
    assert not (tmp_path / "lacking_out.csv").exists()


def test_a_downloaded_zip_predicts_like_the_folder(bundle, tmp_path):
    from dl_core.bundle.files import opened, predict_with
    from dl_core.bundle.predictor import Predictor

    samples.table(20, seed=5).to_csv(tmp_path / "new.csv", index=False)
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        for path in bundle.folder.iterdir():
            archive.write(path, path.name)
        archive.writestr("../evil.py", "x")
    with opened(tmp_path / "kit.zip") as unpacked:
        predict_with(Predictor(unpacked), tmp_path / "new.csv", tmp_path / "zip.csv")
    predict_with(Predictor(bundle), tmp_path / "new.csv", tmp_path / "folder.csv")
    assert (tmp_path / "zip.csv").read_text() == (tmp_path / "folder.csv").read_text()
    assert not (tmp_path.parent / "evil.py").exists()

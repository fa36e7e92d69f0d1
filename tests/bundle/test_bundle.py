"""A bundle answers like the network it was made from, wherever it is opened, and notices when it was changed."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from dl_core.bundle.folder import Bundle, save_bundle
from dl_core.bundle.predictor import Predictor
from dl_core.encoders import Preprocessor
from dl_core.errors import BundleError, DataError
from dl_core.tasks import TASKS
from tests.bundle import samples

heavy = pytest.mark.heavy


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Bundles of both tasks over the same table, with the networks they were made from."""
    frame = samples.table(300)
    made = {}
    for kind, family in (("classification", "mlp"), ("regression", "realmlp")):
        state = samples.prepared_state(kind, frame)
        network = samples.network(state, kind, family)
        folder = tmp_path_factory.mktemp(kind) / "bundle"
        save_bundle(
            folder,
            network=network,
            prepared_state=state,
            task_spec=samples.task_spec(kind),
            schema=samples.SCHEMA,
            meta={"name": family},
        )
        made[kind] = (folder, network, state)
    return made


def hard_rows() -> pd.DataFrame:
    """Rows with missing, unseen, empty and huge values."""
    frame = samples.table(40, seed=1)
    frame.loc[0, ["income (€)", "rooms", "sold on", "mlp"]] = np.nan
    frame.loc[1, "city"] = "a city never seen"
    frame.loc[2, "city"] = ""
    frame.loc[3, "income (€)"] = 1e300
    frame.loc[4, "rooms"] = 99
    frame.loc[5, "sold on"] = -1e11
    return frame


@heavy
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_a_bundle_answers_like_preprocessor_network_and_task(trained, kind):
    folder, network, state = trained[kind]
    predictor = Predictor.load(folder)
    frame = hard_rows()
    arrays = Preprocessor.from_json(state["preprocessor"]).transform(frame)
    expected = TASKS.load(kind)().decode(state["task"], np.asarray(network(arrays)))
    predictions = predictor.predict(frame)
    np.testing.assert_allclose(predictions, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(predictor.raw(arrays), expected, rtol=1e-5, atol=1e-6)
    one_by_one = np.concatenate([predictor.predict(frame.iloc[[row]]) for row in range(5)])
    np.testing.assert_allclose(one_by_one, predictions[:5], rtol=1e-5, atol=1e-6)


@heavy
def test_answers_have_a_prediction_and_a_probability_of_each_class(trained):
    predictor = Predictor.load(trained["classification"][0])
    frame = hard_rows().sample(frac=1, random_state=0)
    table = predictor.table(frame, predictor.predict(frame))
    assert list(table) == ["prediction", "probability_no", "probability_yes"]
    np.testing.assert_allclose(table["probability_no"] + table["probability_yes"], 1.0, atol=1e-6)
    likeliest = np.where(table["probability_yes"] > table["probability_no"], "yes", "no")
    assert list(table["prediction"]) == list(likeliest)


@heavy
def test_a_form_row_of_python_values_is_answered(trained):
    predictor = Predictor.load(trained["regression"][0])
    row = {"income (€)": None, "city": "Köln", "rooms": 3, "sold on": 1.6e9, "mlp": "1,5"}
    same = {"income (€)": np.nan, "city": "Köln", "rooms": 3.0, "sold on": 1.6e9, "mlp": 1.5}
    np.testing.assert_allclose(predictor.predict(pd.DataFrame([row])), predictor.predict(pd.DataFrame([same])))
    with pytest.raises(DataError, match="'city'"):
        predictor.predict(pd.DataFrame([{"income (€)": 1.0}]))


@heavy
def test_the_keras_file_names_its_classes_and_needs_layers_only(trained, tmp_path):
    from dl_core.export.sources import joined_layers

    folder, _, _ = trained["classification"]
    (tmp_path / "layers.py").write_text(joined_layers(folder / "model.keras"), encoding="utf-8")
    script = (
        "import sys, layers, keras\n"
        f"model = keras.models.load_model({str(folder / 'model.keras')!r})\n"
        "print(model.layers[-1].classes, any(name.startswith('dl_core') for name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().splitlines()[-1:] == ["['no', 'yes'] False"], done.stderr[-2000:]


@heavy
def test_a_changed_file_is_noticed(trained, tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    for path in trained["regression"][0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    Bundle.open(folder)
    content = bytearray((folder / "model.keras").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.keras").write_bytes(content)
    with pytest.raises(BundleError, match="model.keras is missing or was changed"):
        Bundle.open(folder)


def test_a_folder_that_is_no_bundle_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(BundleError, match="no bundle.json"):
        Bundle.open(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": 1}', '{"format": 1, "task": 5, "schema": {}}'])
def test_a_record_that_is_none_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "bundle.json").write_text(content)
    with pytest.raises(BundleError, match="damaged"):
        Bundle.open(tmp_path)


def test_a_bundle_of_another_format_says_what_to_do(tmp_path):
    (tmp_path / "bundle.json").write_text('{"format": 99}')
    with pytest.raises(BundleError, match="Use the version that wrote it"):
        Bundle.open(tmp_path)


def test_a_baseline_gets_a_bundle_of_json(tmp_path):
    frame = samples.table(50)
    bundle = save_bundle(
        tmp_path / "bundle",
        baseline={"name": "dummy", "state": {"answer": [0.25, 0.75]}},
        prepared_state=samples.prepared_state("classification", frame),
        task_spec=samples.task_spec("classification"),
        schema=samples.SCHEMA,
        meta={},
    )
    assert sorted(path.name for path in bundle.folder.iterdir()) == ["baseline.json", "bundle.json"]
    predictor = Predictor.load(bundle.folder)
    predictions = predictor.predict(frame)
    np.testing.assert_allclose(predictions, [[0.25, 0.75]] * 50)
    assert list(predictor.table(frame, predictions)["prediction"]) == ["yes"] * 50


def _with_layer(source, target, change):
    """A copy of a model file with a changed configuration."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            copy.writestr(name, content)


@heavy
@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"module": "keras.layers", "class_name": "Lambda", "registered_name": None}, "Lambda"),
        ({"module": "keras.layers", "class_name": "TFSMLayer", "registered_name": None}, "TFSMLayer"),
        ({"module": "keras.layers", "class_name": "StringLookup", "registered_name": None}, "StringLookup"),
        ({"module": "os", "class_name": "system", "registered_name": None}, "system"),
        ({"module": "builtins", "class_name": "function", "registered_name": "function"}, "function"),
        ({"module": None, "class_name": "__lambda__", "registered_name": None}, "__lambda__"),
        ({"module": "x", "class_name": "Evil", "registered_name": "deepboard>Evil"}, "Evil"),
        ({"module": "keras.layers", "class_name": "Dense", "registered_name": "other>Dense"}, "Dense"),
    ],
)
def test_a_model_with_a_foreign_class_is_not_loaded(trained, tmp_path, item, reason):
    from dl_core.bundle.untrusted import check_model

    model = trained["classification"][0] / "model.keras"
    check_model(model)
    _with_layer(
        model, tmp_path / "evil.keras", lambda config: config["config"]["layers"].append({**item, "config": {}})
    )
    with pytest.raises(BundleError, match=reason):
        check_model(tmp_path / "evil.keras")


@heavy
def test_a_model_that_asks_for_too_much_or_hides_a_file_is_not_loaded(trained, tmp_path):
    from dl_core.bundle.untrusted import check_model

    model = trained["classification"][0] / "model.keras"
    _with_layer(model, tmp_path / "big.keras", lambda config: config["config"].update(units=10**12))
    with pytest.raises(BundleError, match="asks for"):
        check_model(tmp_path / "big.keras")
    _with_layer(model, tmp_path / "more.keras", lambda config: None)
    with zipfile.ZipFile(tmp_path / "more.keras", "a") as archive:
        archive.writestr("assets/../../passwd", "x")
    with pytest.raises(BundleError, match="files that no model"):
        check_model(tmp_path / "more.keras")


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    from dl_core.bundle import untrusted

    monkeypatch.setattr(untrusted, "LARGEST_RECORD", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", b"0" * (4 << 20))
    with pytest.raises(BundleError, match="larger than 1 MiB"), untrusted.unpacked(tmp_path / "bomb.zip"):
        pass


def test_a_zip_without_a_bundle_or_with_two_is_refused(tmp_path):
    from dl_core.bundle.untrusted import unpacked

    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    (tmp_path / "text.zip").write_text("not a zip")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("bundle.json", "{}")
        archive.writestr("bundle.json", "{}")
    for name, reason in (("empty", "holds 0 files"), ("text", "not a ZIP"), ("two", "holds 2 files")):
        with pytest.raises(BundleError, match=reason), unpacked(tmp_path / f"{name}.zip"):
            pass

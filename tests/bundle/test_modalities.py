"""Kits for pictures and series answer like the app, on files as they were uploaded."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dl_core import families
from dl_core.bundle.folder import save_bundle
from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.encoders import Preprocessor
from dl_core.prepared import load_prepared
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec
from dl_core.samples.windows import prepare
from dl_core.signature import ModelSignature
from dl_core.tasks import TASKS

pytestmark = pytest.mark.heavy


def _picture(random, kind):
    size = tuple(random.integers(20, 120, 2))
    pixels = random.integers(0, 256, (*size, 3)).astype(np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, size[1], dtype=np.uint8)
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    if kind == "grey.png":
        image.convert("L").save(stream, "PNG")
    elif kind == "clear.png":
        image.putalpha(128)
        image.save(stream, "PNG")
    elif kind == "turned.jpg":
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(stream, "JPEG", exif=exif)
    else:
        image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def test_a_kit_for_pictures_reads_them_as_they_were_uploaded(tmp_path):
    from dl_core.bundle.files import opened, predict_with
    from dl_core.bundle.predictor import Predictor
    from dl_core.export.download import export

    random = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for number in range(24):
            kind = ("plain.jpg", "grey.png", "clear.png", "turned.jpg")[number % 4]
            archive.writestr(f"pets/{('cat', 'dög')[number % 2]}/{number} {kind}", _picture(random, kind))
    dataset = Dataset(import_file(tmp_path / "pets.zip", tmp_path / "dataset"))
    schema = dataset.schema.edited({"label": {"role": "target"}})
    frame = dataset.table()
    task = TASKS.load("classification")()
    preprocessor = Preprocessor.fit(schema, frame, files=dataset.file)
    state = {"sampler": "rows", "task": task.fit(frame[["label"]]), "preprocessor": preprocessor.to_json()}
    signature = ModelSignature(
        inputs=preprocessor.signature_inputs(), output=(2,), options={"task": "classification", "train_size": 24}
    )
    family = families.load("resnet")
    network = family.build(signature, family.portfolio(signature)[0], 0)
    bundle = save_bundle(
        tmp_path / "bundle",
        network=network,
        prepared_state=state,
        task_spec=TaskSpec(kind="classification", targets=("label",), metric="accuracy"),
        schema=schema,
        meta={"name": "Small ResNet"},
    )
    path, receipt = export(bundle, tmp_path / "kit.zip", dataset=dataset)
    assert path, receipt["reason"]
    assert receipt["rows"] == 24
    with opened(path) as unpacked:
        report = predict_with(Predictor(unpacked), tmp_path / "pets.zip", tmp_path / "out.csv")
    answers = pd.read_csv(tmp_path / "out.csv")
    assert list(answers) == ["file", "prediction", "probability_cat", "probability_dög"]
    assert list(answers["file"]) == list(frame["file"])
    assert set(report["scores"]) >= {"accuracy", "roc_auc"}


def _long():
    steps = pd.date_range("2024-01-01", periods=120, freq="D")
    rows = [
        {"shop": shop, "day": f"{day:%d.%m.%Y}", "sold": f"{50 * shop + 9 * (n % 7) + n / 10:.2f}".replace(".", ",")}
        for shop in (1, 2, 3)
        for n, day in enumerate(steps)
        if n % 50 != shop
    ]
    return pd.DataFrame(rows)


def _wide_columns():
    steps = np.arange(120)
    sales = {f"item {chr(96 + i)}": 20.0 * i + 5 * (steps % 7) + steps / 10 for i in range(1, 13)}
    return pd.DataFrame({"month": pd.date_range("2010-01-01", periods=120, freq="MS").strftime("%Y-%m"), **sales})


def _wide_rows():
    values = {f"V{step}": [10.0 * i + 3 * (step % 6) + step / 20 for i in range(1, 6)] for step in range(1, 91)}
    return pd.DataFrame({"id": [f"H{i}" for i in range(1, 6)], **values})


@pytest.mark.parametrize(
    ("table", "time", "series", "target", "separator"),
    [
        (_long, "day", ("shop",), "sold", ";"),
        (_wide_columns, "month", ("series",), "value", ","),
        (_wide_rows, "step", ("id",), "value", ","),
    ],
    ids=["long", "wide columns", "wide rows"],
)
def test_a_kit_for_series_reads_the_history_as_it_was_uploaded(tmp_path, table, time, series, target, separator):
    from dl_core.export.download import export

    with gzip.open(tmp_path / "history.csv.gz", "wt", encoding="utf-8") as stream:
        table().to_csv(stream, index=False, sep=separator)
    dataset = Dataset(import_file(tmp_path / "history.csv.gz", tmp_path / "dataset"))
    task = TaskSpec(kind="forecasting", targets=(target,), metric="mase", time=time, series=series, horizon=6)
    spec = RunSpec(dataset=dataset.id, schema_version=1, task=task, split=SplitSpec(kind="time"))
    (tmp_path / "prepared").mkdir()
    prepare(dataset, spec, None, tmp_path / "prepared", lambda *arguments: None)
    prepared = load_prepared(tmp_path / "prepared")
    family = families.load("dlinear")
    bundle = save_bundle(
        tmp_path / "bundle",
        network=family.build(prepared.signature, family.portfolio(prepared.signature)[0], 0),
        prepared_state=prepared.state,
        task_spec=task,
        schema=dataset.schema,
        meta={"name": "DLinear"},
    )
    path, receipt = export(bundle, tmp_path / "kit.zip", dataset=dataset)
    assert path, receipt["reason"]
    assert receipt["rows"] == 6 * len(prepared.names())
    assert receipt["identical"] == receipt["rows"]

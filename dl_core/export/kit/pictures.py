"""Predict with this model, without Deepboard:

    pip install -r requirements.txt
    python predict.py FILE --out predictions.csv

FILE is a picture, a folder of pictures or a ZIP of pictures. Each picture gets a row with its name and its prediction.
"""

import argparse
import io
import json
import os
import sys
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import layers  # noqa: E402, F401  (registers the custom layers)
import numpy as np  # noqa: E402

from dl_core.bundle.serving import ServingModel, answer_columns, write_csv  # noqa: E402
from dl_core.encoders.pixels import read_picture  # noqa: E402

HERE = Path(__file__).resolve().parent
PICTURES = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
LARGEST_BYTES = 64 << 20


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Predict what pictures show.")
    parser.add_argument("file", help="a picture, a folder or a ZIP of pictures")
    parser.add_argument("--out", default="predictions.csv", help="where the predictions go (default: %(default)s)")
    options = parser.parse_args(arguments)
    record = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))
    names, unread = [], []

    def pixels():
        for name, source in sources(Path(options.file)):
            try:
                picture = np.asarray(read_picture(source, at_least=record["inputs"][0]["at_least"]))
            except ValueError as error:
                unread.append(f"{name} is left out: {error}.")
                continue
            names.append(name)
            yield picture

    try:
        predictions = ServingModel.load(HERE / "model.keras").look_at(pixels())
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(str(error))
    print("\n".join(unread), file=sys.stderr, end="\n" if unread else "")
    if not names:
        sys.exit(f"{options.file} holds no picture that can be read.")
    answers = answer_columns(record["state"]["task"], record["task"]["targets"], predictions)
    write_csv(options.out, {"file": names, **answers})
    print(f"{len(names):,} predictions are in {options.out}")


def sources(path):
    """(name, file) of each picture, in the order of the ZIP or by name."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path).as_posix()
            if file.is_file() and is_picture(name):
                yield name, file
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if is_picture(member.filename) and member.file_size <= LARGEST_BYTES:
                    yield member.filename, io.BytesIO(archive.read(member))
    else:
        yield path.name, path


def is_picture(name):
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    return name.lower().endswith(PICTURES) and not hidden


if __name__ == "__main__":
    main()

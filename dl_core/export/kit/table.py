"""Predict with this model, without Deepboard:

    pip install -r requirements.txt
    python predict.py FILE --out predictions.csv

FILE is a table as CSV or TSV, plain or as .gz, with the columns that the model was trained on. Each of its rows gets a
row of predictions, in the same order.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import layers  # noqa: E402, F401  (registers the custom layers)

from dl_core.bundle.serving import ServingModel, answer_columns, write_csv  # noqa: E402
from dl_core.encoders.cells import eaten  # noqa: E402
from dl_core.export.kit.reading import Unusable, read_table  # noqa: E402

HERE = Path(__file__).resolve().parent


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Predict the rows of a table.")
    parser.add_argument("file", help="CSV or TSV, plain or .gz")
    parser.add_argument("--out", default="predictions.csv", help="where the predictions go (default: %(default)s)")
    options = parser.parse_args(arguments)
    record = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))
    try:
        rows = read_table(options.file, record, [item["column"] for item in record["inputs"]])
    except (Unusable, OSError) as error:
        sys.exit(str(error))
    columns = {item["column"]["name"]: item["column"] for item in record["state"]["preprocessor"]["columns"]}
    inputs = {}
    for item in record["inputs"]:
        column = columns[item["column"]]
        inputs[item["input"]] = eaten(rows[item["column"]], column["kind"], column["parse"])
    predictions = ServingModel.load(HERE / "model.keras")(inputs)
    answers = answer_columns(record["state"]["task"], record["task"]["targets"], predictions)
    write_csv(options.out, answers)
    print(f"{len(predictions):,} predictions are in {options.out}")


if __name__ == "__main__":
    main()

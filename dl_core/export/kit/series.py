"""Forecast with this model, without Deepboard:

    pip install -r requirements.txt
    python predict.py FILE --out predictions.csv

FILE is the latest history of one or many series as CSV or TSV, plain or as .gz, laid out like the training file or with
a row for each step. The predictions hold the next horizon of every series: the forecast and its quantiles 0.1 to 0.9.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import layers  # noqa: E402, F401  (registers the custom layers)
import pandas as pd  # noqa: E402

from dl_core.bundle.serving import ServingModel, write_csv  # noqa: E402
from dl_core.data.panel import PanelError, answer_table, history_arrays  # noqa: E402
from dl_core.data.values import canonical_text  # noqa: E402
from dl_core.export.kit.reading import Unusable, read_history  # noqa: E402

HERE = Path(__file__).resolve().parent


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Forecast the next steps of every series in a history.")
    parser.add_argument("file", help="CSV or TSV, plain or .gz")
    parser.add_argument("--out", default="predictions.csv", help="where the forecasts go (default: %(default)s)")
    options = parser.parse_args(arguments)
    record = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))
    state = record["state"]["preprocessor"]
    try:
        history = pd.DataFrame(read_history(options.file, record, state))
        ids = {name: canonical_text(history[name]) for name in state["series"]}
        inputs, index = history_arrays(state, history.assign(**ids))
    except (Unusable, PanelError, OSError) as error:
        sys.exit(str(error))
    table = answer_table(index, ServingModel.load(HERE / "model.keras")(inputs))
    write_csv(options.out, {name: table[name].tolist() for name in table})
    print(f"{len(table):,} forecasts are in {options.out}")


if __name__ == "__main__":
    main()

"""Trials per minute of our search beside stock Keras Tuner: the same parameter sets, epochs, rows and validation part.

    python -m bench.trials [--quick]

A child of bench.engine. Prints a JSON record per family and data set.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import stock
from bench.stock import Fit, Hypermodel
from bench.workbench import Workbench
from dl_core import families
from dl_core.records import to_json
from dl_core.space import defaults

# data set, family, trials, the most epochs of each; fewer where the recipe or the parameters say so
SEARCHES = (
    ("classes", "mlp", 6, 40),
    ("classes", "realmlp", 4, 40),
    ("quantity", "mlp", 6, 40),
    ("quantity", "realmlp", 4, 40),
    ("series", "dlinear", 6, 40),
    ("series", "lstm", 4, 40),
    ("series", "tide", 4, 40),
    ("pictures", "resnet", 4, 5),
    ("pictures", "cct", 4, 5),
)
QUICK, QUICK_TRIALS, QUICK_EPOCHS = (("classes", "mlp"), ("series", "tide")), 2, 3
PROBE_EPOCHS = 5  # to choose the quicker way to fit
# Without XLA: within `fit` it costs every trial seconds, and gains milliseconds an epoch.
WAYS = (Fit("arrays", 16), Fit("tf.data", 16))


def compare(data: str, family: str, trials: int, epochs: int, folder: Path) -> dict[str, Any]:
    """Stock draws and trains, then ours trains what was drawn. Both sides have trained before the clock runs; what was
    compiled for it is forgotten, so that both compile every network they try."""
    work = Workbench.of(data, folder / "data", epochs)
    usual = defaults(families.load(family).space(work.bench.prepared.signature))
    work.search(family, [usual], folder / "warm")
    hypermodel = Hypermodel(work, family, WAYS[0])
    stock.fit_seconds(hypermodel, usual, WAYS[0], PROBE_EPOCHS)
    hypermodel.how = min(WAYS, key=lambda how: stock.fit_seconds(hypermodel, usual, how, PROBE_EPOCHS))
    drawn, stock_scores, stock_seconds = stock.search(hypermodel, trials, folder / "stock")
    records, seconds = work.again().search(family, drawn, folder / "ours")
    records = in_order(records, drawn)
    asked = [hypermodel.recipe(params).epochs for params in drawn]
    return {
        "data": data,
        "family": family,
        "metric": work.bench.metric.name,
        "sign": work.bench.metric.sign,
        "epochs": max(asked),
        "how": str(hypermodel.how),
        "stock": {"seconds": stock_seconds, "trials": len(drawn), "scores": stock_scores},
        "ours": {
            "seconds": seconds,
            "trials": sum(share_trained(record, most) for record, most in zip(records, asked, strict=True)),
            "scores": [score(record) for record in records],
        },
        "whole": [share_trained(record, most) > 0.99 for record, most in zip(records, asked, strict=True)],
    }


def in_order(records: list[dict], drawn: list[dict]) -> list[dict]:
    """The record of each parameter set. Raises AssertionError where a trial has failed."""
    failed = [record["error"] for record in records if record["score"] is None]
    assert not failed, failed
    return [next(record for record in records if record["params"] == params) for params in drawn]


def share_trained(record: dict, epochs: int) -> float:
    """A trial that our search gave up early counts for the share of its epochs that it was trained."""
    return record["curve"][-1]["epoch"] / epochs


def score(record: dict) -> float:
    """At the epoch of least validation loss, as Keras Tuner keeps a model."""
    return min(record["curve"], key=lambda point: point["valid_loss"])["score"]


def measured(quick: bool) -> Iterator[dict[str, Any]]:
    for data, family, trials, epochs in SEARCHES:
        if quick:
            if (data, family) not in QUICK:
                continue
            trials, epochs = min(trials, QUICK_TRIALS), min(epochs, QUICK_EPOCHS)
        with tempfile.TemporaryDirectory() as folder:
            yield compare(data, family, trials, epochs, Path(folder))


def main() -> None:
    for record in measured("--quick" in sys.argv):
        print(to_json(record), flush=True)


if __name__ == "__main__":
    main()

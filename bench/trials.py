"""Trials per minute of our search beside stock Keras Tuner: the same parameter sets, epochs, rows and validation part.

    python -m bench.trials [--quick]

A child of bench.engine. Prints a JSON record per family and data set.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import stock
from bench.stock import Fit, Hypermodel
from bench.workbench import Workbench
from dl_core import families
from dl_core.records import to_json
from dl_core.signature import ModelSignature
from dl_core.space import Param, Space, choice, defaults


@dataclass(frozen=True, kw_only=True)
class Task:
    """A search to compare: stock trains `trials` parameter sets of the family's space, ours those and `further` ones,
    so that it is as long as a run. `only` narrows the space to small networks."""

    data: str
    family: str
    trials: int
    further: int = 0
    epochs: int = 40  # at most; fewer where the recipe or the parameters say so
    only: Mapping[str, tuple] = field(default_factory=dict)

    @property
    def space(self) -> Callable[[ModelSignature], Space]:
        def narrowed(param: Param) -> Param:
            choices = self.only.get(param.name)
            return choice(param.name, choices, choices[0], param.help) if choices else param

        return lambda signature: tuple(map(narrowed, families.load(self.family).space(signature)))


SMALL = {"trials": 6, "further": 18}
SEARCHES = (
    Task(data="classes", family="mlp", only={"width": (32, 64)}, **SMALL),
    Task(data="quantity", family="mlp", only={"width": (32, 64)}, **SMALL),
    Task(data="months", family="dlinear", only={"kernel": (5, 13, 25)}, **SMALL),
    Task(data="months", family="lstm", only={"units": (32,), "layers": (1,)}, **SMALL),
    Task(data="months", family="tide", only={"width": (64,), "layers": (1,)}, **SMALL),
    Task(data="classes", family="mlp", trials=6),
    Task(data="classes", family="realmlp", trials=4),
    Task(data="series", family="dlinear", trials=4),
    Task(data="series", family="lstm", trials=4),
    Task(data="series", family="tide", trials=4),
    Task(data="pictures", family="resnet", trials=4, epochs=5),
    Task(data="pictures", family="cct", trials=4, epochs=5),
)
QUICK = (SEARCHES[0], SEARCHES[4])
AS_IT_COMES = Fit()
# Without XLA: within `fit` it costs every trial seconds, and gains milliseconds an epoch.
TUNED = (Fit("arrays", 16, False), Fit("tf.data", 16, False))
PROBE_EPOCHS = 5  # to choose the quicker way to fit


def compare(task: Task, folder: Path) -> dict[str, Any]:
    """Stock draws and trains, then ours trains what was drawn. Both sides have trained before the clock runs; what was
    compiled for it is forgotten, so that both compile every network they try."""
    work = Workbench.of(task.data, folder / "data", task.epochs)
    space = task.space(work.bench.prepared.signature)
    usual = defaults(space)
    work.search(task.family, [usual], folder / "warm")
    hypermodel = Hypermodel(work, task.family, AS_IT_COMES)
    stock.fit_seconds(hypermodel, usual, AS_IT_COMES, PROBE_EPOCHS)
    tuned = min(TUNED, key=lambda how: stock.fit_seconds(hypermodel, usual, how, PROBE_EPOCHS))
    hypermodel.how = AS_IT_COMES
    peer = stock.search(hypermodel, space, task.trials, task.further, folder / "stock")
    tuned_seconds = sum(stock.fit_seconds(hypermodel, params, tuned, task.epochs) for params in peer.params)
    drawn = [*peer.params, *peer.further]
    records, seconds = work.again().search(task.family, drawn, folder / "ours")
    ours = in_order(records, drawn)
    return {
        "data": task.data,
        "family": task.family,
        "small": bool(task.only),
        "only": {name: list(choices) for name, choices in task.only.items()},
        "metric": work.bench.metric.name,
        "sign": work.bench.metric.sign,
        "epochs": max(hypermodel.recipe(params).epochs for params in drawn),
        "how": str(tuned),
        "tuned": {"seconds": tuned_seconds, "trials": task.trials},
        "stock": {"seconds": peer.seconds, "trials": task.trials, "scores": peer.scores},
        "ours": {"seconds": seconds, "trials": len(ours), "scores": [score(record) for record in ours[: task.trials]]},
    }


def in_order(records: list[dict], drawn: list[dict]) -> list[dict]:
    """The record of each parameter set. Raises AssertionError where a trial has failed."""
    failed = [record["error"] for record in records if record["score"] is None]
    assert not failed, failed
    return [next(record for record in records if record["params"] == params) for params in drawn]


def score(record: dict) -> float:
    """At the epoch of least validation loss, as Keras Tuner keeps a model."""
    return min(record["curve"], key=lambda point: point["valid_loss"])["score"]


def measured(quick: bool) -> Iterator[dict[str, Any]]:
    for task in QUICK if quick else SEARCHES:
        if quick:
            task = replace(task, trials=2, further=0, epochs=3)
        with tempfile.TemporaryDirectory() as folder:
            yield compare(task, Path(folder))


def main() -> None:
    for record in measured("--quick" in sys.argv):
        print(to_json(record), flush=True)


if __name__ == "__main__":
    main()

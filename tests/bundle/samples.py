"""A generated table with gaps, words and times, and a small trained-looking network over it."""

import numpy as np
import pandas as pd

from dl_core.data.schema import Column, Schema
from dl_core.encoders import Preprocessor
from dl_core.runspec import TaskSpec
from dl_core.signature import ModelSignature
from dl_core.tasks import TASKS

SCHEMA = Schema(
    version=1,
    columns=(
        Column(name="income (€)", kind="numeric", storage="number", parse={"decimal": ","}),
        Column(name="city", kind="category", storage="text"),
        Column(name="rooms", kind="category", storage="number"),
        Column(name="sold on", kind="datetime", storage="time", parse={"format": "%d.%m.%Y"}),
        Column(name="note", kind="text", storage="text"),
        Column(name="mlp", kind="numeric", storage="number", parse={"decimal": ","}),
        Column(name="label", kind="category", storage="text", role="target"),
        Column(name="price", kind="numeric", storage="number", role="target", parse={"decimal": ","}),
    ),
)


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Values as Dataset.table yields them."""
    random = np.random.default_rng(seed)
    income = random.lognormal(8, 1, rows)
    city = random.choice(np.array(["Köln", "Łódź", "=SUM(1)", "New York", None], dtype=object), rows)
    rooms = random.integers(1, 6, rows).astype(float)
    income[random.random(rows) < 0.1] = np.nan
    rooms[random.random(rows) < 0.05] = np.nan
    days = random.integers(17_000, 20_000, rows) * 86_400.0
    score = np.nan_to_num(income) / 3000 + (city == "Köln") + np.nan_to_num(rooms)
    return pd.DataFrame(
        {
            "income (€)": income,
            "city": city,
            "rooms": rooms,
            "sold on": days,
            "note": [f"row {n}" for n in range(rows)],
            "mlp": random.normal(size=rows),
            "label": np.where(score > np.median(score), "yes", "no"),
            "price": 1000.0 * score,
        }
    )


def task_spec(kind: str) -> TaskSpec:
    target, metric = {"classification": ("label", "roc_auc"), "regression": ("price", "rmse")}[kind]
    return TaskSpec(kind=kind, targets=(target,), metric=metric)


def prepared_state(kind: str, frame: pd.DataFrame, schema: Schema = SCHEMA) -> dict:
    """What samples/rows.py would learn from `frame`."""
    task = TASKS.load(kind)()
    targets = frame[list(task_spec(kind).targets)]
    return {"sampler": "rows", "task": task.fit(targets), "preprocessor": Preprocessor.fit(schema, frame).to_json()}


def network(state: dict, kind: str, family: str = "mlp", seed: int = 0):
    """A network of this family with random weights."""
    from dl_core import families

    preprocessor = Preprocessor.from_json(state["preprocessor"])
    signature = ModelSignature(
        inputs=preprocessor.signature_inputs(),
        output=TASKS.load(kind)().output(state["task"]),
        options={"task": kind, "train_size": 200},
    )
    chosen = families.load(family)
    built = chosen.build(signature, chosen.portfolio(signature)[0], seed)
    random = np.random.default_rng(seed)
    for variable in built.trainable_variables:
        variable.assign(random.normal(0, 0.5, variable.shape))
    return built

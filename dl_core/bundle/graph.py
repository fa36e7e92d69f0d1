"""The serving model: raw columns -> encoders -> training network -> head, as one Keras graph."""

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras

from dl_core.encoders import category, datetime, image, numeric
from dl_core.encoders.preprocessor import Encoded, Preprocessor
from dl_core.layers.encoders import CategoryEncoder, DatetimeEncoder, NumericEncoder
from dl_core.layers.heads import ClassProbabilities, Quantiles, Quantities
from dl_core.layers.image import PictureEncoder

State = dict[str, Any]

# The Keras face of each encoder: from the states of the columns it takes together to what turns them into a tensor.
FACES: dict[ModuleType, Callable[[list[State]], Callable]] = {
    numeric: lambda states: NumericEncoder(states, name="encode-numbers"),
    datetime: lambda states: DatetimeEncoder(states, name="encode-times"),
    category: lambda states: CategoryEncoder([state["vocabulary"] for state in states], name="encode-categories"),
    image: lambda states: _only(
        PictureEncoder(*(states[0][key] for key in ("size", "channels", "fit")), name="encode-pictures")
    ),
}


def _only(layer: keras.layers.Layer) -> Callable:
    return lambda columns: layer(columns[0])


HEADS: dict[str, Callable[[State], keras.layers.Layer]] = {
    "classification": lambda state: ClassProbabilities(state["classes"], name="answer-probabilities"),
    "regression": lambda state: Quantities(**state, name="answer-quantities"),
}


def rows_graph(
    network: keras.Model, preprocessor: Preprocessor, task: str, task_state: State
) -> tuple[keras.Model, list[State]]:
    """The serving model of a network over rows, and its inputs in order: {"input", "column", "type"}, where type is
    number, time, text or picture. Numbers and times are float64 (batch,), text is string (batch,) with "" for
    missing, pictures are uint8 (batch, height, width, 3) of any size; "at_least" is the side below which a large
    picture must not be scaled while it is read."""
    names = _input_names([one.column.name for one in preprocessor.encoded], reserved=network.name)
    record = [
        {"input": name, "column": one.column.name, **_type(one)}
        for name, one in zip(names, preprocessor.encoded, strict=True)
    ]
    # inputs
    inputs = {item["input"]: _input(item) for item in record}
    # graph
    parts: dict[str, list] = {}
    for encoder, face in FACES.items():
        group = [(name, one) for name, one in zip(names, preprocessor.encoded, strict=True) if one.encoder is encoder]
        if group:
            tensor = face([one.state for _, one in group])([inputs[name] for name, _ in group])
            parts.setdefault(encoder.TENSOR, []).append(tensor)
    tensors = {
        name: each[0] if len(each) == 1 else keras.layers.Concatenate(name=f"join-{name}")(each)
        for name, each in parts.items()
    }
    answer = HEADS[task](task_state)(network(tensors))
    # model
    return keras.Model(inputs, answer, name="deepboard"), record


def windows_graph(network: keras.Model) -> keras.Model:
    """The serving model of a network over windows: the latest history (batch, lookback) with NaN for gaps, and calendar
    numbers (batch, lookback + horizon, k) where the network eats any -> quantiles (batch, horizon, 9)."""
    # inputs
    inputs = {each.name: keras.Input(each.shape[1:], dtype=each.dtype, name=each.name) for each in network.inputs}
    # graph
    answer = Quantiles(name="answer-quantiles")(network(inputs))
    # model
    return keras.Model(inputs, answer, name="deepboard")


def _type(one: Encoded) -> State:
    if one.encoder is image:
        return {"type": "picture", "at_least": 2 * one.state["size"]}  # as encoders/image.py reads them
    return {"type": {"numeric": "number", "datetime": "time"}.get(one.column.kind, "text")}


def _input(item: State):
    shape, dtype = {"picture": ((None, None, 3), "uint8"), "text": ((), "string")}.get(item["type"], ((), "float64"))
    return keras.Input(shape, dtype=dtype, name=item["input"])


def _input_names(columns: list[str], reserved: str) -> list[str]:
    """A name for each column's input that Keras accepts: letters, digits and underscores, each name once."""
    names: list[str] = []
    for column in columns:
        plain = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_")[:40] or "column"
        name, number = plain, 1
        while name.lower() in {reserved.lower(), *(taken.lower() for taken in names)}:
            number += 1
            name = f"{plain}_{number}"
        names.append(name)
    return names

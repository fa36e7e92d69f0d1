"""Integrated gradients (Sundararajan, Taly and Yan, 2017): what each value of a row adds to the network's raw answer,
on the straight way from a typical row to this one.

Category numbers have no gradient, so the way goes through what the network makes of them: the output of the layers that
read the whole-number inputs. Contributions are summed back to the columns of the table. They must add up to the
difference of the two answers; the gap is reported, and the way is cut finer until it is small. Of networks that answer
together with their mean, it is the mean of what a value adds to each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dl_core.explain import Context
from dl_core.report import Panel, percent, significant

FIRST_STEPS = 128
MOST_STEPS = 8192
SMALL_GAP = 0.01
MOST_BARS = 12
MOST_PROBES = 64
MOST_TARGETS = 3
_REFERENCE_ROWS = 5000

Inputs = dict[str, np.ndarray]


def explain(context: Context) -> list[Panel]:
    frame = context.row()
    preprocessor = context.predictor.bundle.preprocessor
    row = preprocessor.transform(frame)
    typical = typical_row({name: array[:_REFERENCE_ROWS] for name, array in context.prepared.inputs("train").items()})
    tapped = [Tapped.of(member, row, preprocessor.names) for member in members(context.network)]
    state = context.prepared.state["task"]
    answer, reference = (context.task.decode(state, raw(tapped, inputs))[0] for inputs in (row, typical))
    panels = []
    for target in _targets(context, state, answer):
        shares, gap = integrate(tapped, row, typical, target.weights)
        panels.append(_panel(frame.iloc[0], shares, gap, target, reference))
    return panels


@dataclass(frozen=True)
class Target:
    """What is explained: a weighting of the raw outputs, and how to speak of it. `said(answer)` writes an answer in
    task space."""

    name: str
    weights: np.ndarray
    unit: str
    answer: np.ndarray
    said: Callable[[np.ndarray], str]


def _targets(context: Context, state: dict, answer: np.ndarray) -> list[Target]:
    """The chosen class against the mean of the others, or each quantity in its own unit."""
    if context.task.kind == "classification":
        chosen, classes = int(answer.argmax()), state["classes"]
        weights = np.full(len(classes), -1.0 / (len(classes) - 1))
        weights[chosen] = 1.0
        name = f"“{classes[chosen]}”"
        return [Target(name, weights, "log-odds", answer, lambda answer: f"{percent(float(answer[chosen]))} {name}")]
    targets = []
    for number, name in enumerate(context.run.spec.task.targets[:MOST_TARGETS]):
        weights = np.zeros(len(answer))
        weights[number] = state["scale"][number]
        targets.append(Target(name, weights, name, answer, _quantity(number)))
    return targets


def _quantity(number: int) -> Callable[[np.ndarray], str]:
    return lambda answer: significant(float(answer[number]))


def typical_row(inputs: Inputs) -> Inputs:
    """The median of every number and the most frequent of every category number, each (1, columns)."""
    row = {}
    for name, array in inputs.items():
        if np.issubdtype(array.dtype, np.integer):
            row[name] = np.array([[np.bincount(column).argmax() for column in np.asarray(array).T]], array.dtype)
        else:
            row[name] = np.median(array, axis=0, keepdims=True).astype(array.dtype)
    return row


def members(network) -> list:
    """The networks whose mean a network answers with (see dl_core.tuning.trial.averaged), or itself."""
    return [layer for layer in network.layers if isinstance(layer, type(network))] or [network]


class Tapped:
    """A network cut behind the layers that read whole numbers: continuous tensors in, raw output out.

    `columns` leads from each continuous tensor to the table column behind each of its numbers.
    """

    def __init__(self, network, head, readers: dict[str, list], columns: dict[str, list[str]]):
        self.network, self.head, self.readers, self.columns = network, head, readers, columns

    @classmethod
    def of(cls, network, row: Inputs, names: dict[str, list[str]]) -> "Tapped":
        import keras

        inputs = {tensor.name: tensor for tensor in network.inputs}
        readers = {
            name: [layer for layer in network.layers if any(tensor is inputs[name] for tensor in _fed(layer))]
            for name, array in row.items()
            if np.issubdtype(array.dtype, np.integer)
        }
        whole = {name: tensor for name, tensor in inputs.items() if name not in readers}
        cut = {layer.name: layer.output for layers in readers.values() for layer in layers}
        order = [*whole, *cut]
        columns = {name: names[name] for name in whole}
        for name, layers in readers.items():
            for layer in layers:
                columns[layer.name] = _columns_behind(layer, row[name], _levels(layer, row[name]), names[name])
        head = keras.Model([*whole.values(), *cut.values()], network.output)
        return cls(network, lambda points: head([points[name] for name in order], training=False), readers, columns)

    def raw(self, inputs: Inputs) -> np.ndarray:
        return np.asarray(self.network(inputs, training=False))

    def continuous(self, inputs: Inputs) -> Inputs:
        """What the head eats: numbers as they are, category numbers as the network sees them."""
        seen = {name: array for name, array in inputs.items() if name not in self.readers}
        for name, layers in self.readers.items():
            seen |= {layer.name: np.asarray(layer(inputs[name])) for layer in layers}
        return seen


def _fed(layer) -> list:
    return [tensor for node in layer._inbound_nodes for tensor in node.input_tensors]


def _levels(layer, row: np.ndarray) -> list[int]:
    """How many numbers each column may hold, where the layer says so."""
    return list(getattr(layer, "cardinalities", None) or [MOST_PROBES] * row.shape[1])


def _columns_behind(layer, row: np.ndarray, levels: list[int], names: list[str]) -> list[str]:
    """The table column behind each output of a layer, found by changing one number at a time."""
    base = np.asarray(layer(row))[0]
    owner = [names[0]] * base.size
    for column, name in enumerate(names):
        probes = np.repeat(row, min(levels[column], MOST_PROBES), axis=0)
        probes[:, column] = np.arange(len(probes))
        moved = (np.asarray(layer(probes)) != base).any(axis=0).ravel()
        for place in np.flatnonzero(moved):
            owner[place] = name
    return owner


def raw(tapped: Sequence[Tapped], inputs: Inputs) -> np.ndarray:
    """The mean of the raw answers of networks."""
    return np.mean([member.raw(inputs) for member in tapped], axis=0)


def integrate(
    tapped: Sequence[Tapped], row: Inputs, typical: Inputs, weights: np.ndarray
) -> tuple[dict[str, float], float]:
    """The contribution of each table column to the mean answer of networks, and how far their sum is from the
    difference of the answers (a share of the larger of the two)."""
    difference = float((raw(tapped, row) - raw(tapped, typical))[0] @ weights)
    steps = FIRST_STEPS
    while True:
        shares: dict[str, float] = {}
        for member in tapped:
            start, end = member.continuous(typical), member.continuous(row)
            for name, gradient in _mean_gradient(member.head, start, end, weights, steps).items():
                moved = (gradient * (end[name] - start[name])[0]).ravel() / len(tapped)
                for column, value in zip(member.columns[name], moved, strict=True):
                    shares[column] = shares.get(column, 0.0) + float(value)
        size = max(abs(difference), sum(abs(value) for value in shares.values()), 1e-9)
        gap = abs(sum(shares.values()) - difference) / size
        if gap <= SMALL_GAP or steps >= MOST_STEPS:
            return shares, gap
        steps *= 4


def _mean_gradient(head, start: Inputs, end: Inputs, weights: np.ndarray, steps: int) -> Inputs:
    """The gradient of the weighted raw output, averaged over the middles of `steps` pieces of the way."""
    import tensorflow as tf

    sums = {name: np.zeros(array.shape[1:]) for name, array in start.items()}
    way = (np.arange(steps) + 0.5) / steps
    for some in np.array_split(way, max(1, steps // 1024)):
        points = {}
        for name, origin in start.items():
            along = some.reshape(-1, *[1] * (origin.ndim - 1))
            points[name] = tf.constant(origin + along * (end[name] - origin), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(points)
            output = tf.linalg.matvec(head(points), tf.constant(weights, tf.float32))
        for name, gradient in tape.gradient(output, points).items():
            sums[name] += 0.0 if gradient is None else gradient.numpy().sum(axis=0, dtype=np.float64)
    return {name: total / steps for name, total in sums.items()}


def _panel(row: pd.Series, shares: dict[str, float], gap: float, target: Target, reference: np.ndarray) -> Panel:
    ranked = sorted(shares, key=lambda name: -abs(shares[name]))
    speaking = [name for name in ranked if abs(shares[name]) > 0.002 * abs(shares[ranked[0]])]
    shown = speaking[:MOST_BARS]
    rest = ranked[len(shown) :]
    labels, values = [f"{name} = {_value(row[name])}" for name in shown], [shares[name] for name in shown]
    roles = ["up" if value > 0 else "down" for value in values]
    if rest:
        labels.append(f"{len(rest)} other column{'s' * (len(rest) > 1)}")
        values.append(sum(shares[name] for name in rest))
        roles.append("baseline")
    note = (
        f"The model answers {target.said(target.answer)}; for a typical row it would answer {target.said(reference)}."
    )
    upwards, downwards = ("for it", "against it") if target.unit == "log-odds" else ("upwards", "downwards")
    for word, sign in ((upwards, 1), (downwards, -1)):
        name = ranked[int(np.argmax([sign * shares[name] for name in ranked]))]
        if sign * shares[name] > 0:
            note += f" Strongest {word}: {name} = {_value(row[name])}."
    accuracy = "The bars add up to the difference" + (f" within {gap:.1%}." if gap > 0.0005 else ".")
    return Panel(
        kind="bars",
        title=f"Why {target.name}" if target.unit == "log-odds" else f"Why this {target.name}",
        note=f"{note} {accuracy}" if gap <= 5 * SMALL_GAP else f"{note} {accuracy} Read them as rough.",
        help="Integrated gradients: what each value adds, on the way from a typical row (the median of every number, "
        "the most frequent category) to this one.",
        data={
            "labels": labels,
            "values": values,
            "roles": roles,
            "x_title": f"Speaks for {target.name} (log-odds)"
            if target.unit == "log-odds"
            else f"Adds to {target.name}",
            "gap": gap,
        },
    )


def _value(value: object) -> str:
    if value is None or value != value:
        return "missing"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)

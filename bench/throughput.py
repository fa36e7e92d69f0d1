"""Samples per second of our trainer beside `fit`, and beside what the processor can do with products of these shapes.

    python -m bench.throughput all|one [--quick]

One child each of bench.engine: `all` may use every core, `one` is bound to one. Prints a JSON record per network.
"""

import functools
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench import stock
from bench.stock import Fit
from bench.workbench import Workbench
from dl_core import families
from dl_core.layers import losses
from dl_core.records import to_json
from dl_core.space import defaults
from dl_core.training.program import TrainState

# data set, family, what is changed of its defaults: the narrow end, and the wide one
NETWORKS: tuple[tuple[str, str, tuple[dict[str, Any], ...]], ...] = (
    ("classes", "mlp", ({"width": 64}, {"width": 256})),
    ("classes", "realmlp", ({"width": 128}, {"width": 256})),
    ("series", "dlinear", ({},)),
    ("series", "lstm", ({"units": 32}, {"units": 128})),
    ("series", "tide", ({"width": 64}, {"width": 256})),
    ("pictures", "resnet", ({"width": 16}, {"width": 32})),
    ("pictures", "cct", ({"width": 64}, {"width": 128})),
)
SECONDS, QUICK_SECONDS = 1.5, 0.6
QUICK = ("realmlp", "tide", "resnet")
REPEATS = 8  # of every product within one call, on arrays of its own


def ours(work: Workbench, family: str, params: dict, seconds: float) -> float:
    """Samples per second of the compiled segments."""
    bench, order = work.bench, work.order(family, params)
    model = bench.network(order)
    program, feed, state = bench.program(order, model), bench.feed("train"), TrainState.of(model)
    steps = feed.size // program.batch_size
    shuffled = np.random.default_rng(0).permutation(feed.size)
    hyper = {"learning_rate": 1e-3, "weight_decay": 1e-3, "label_smoothing": 0.0, "total_steps": 1e6}
    per_epoch = per_call(lambda: program.advance(state, feed, shuffled, 0, steps, hyper), seconds)
    return steps * program.batch_size / per_epoch


def per_call(call: Callable[[], Any], seconds: float) -> float:
    """Seconds that one call takes, after one that does not count: the best third of many, or one long one."""
    call()
    took: list[float] = []
    while sum(took) < seconds:
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return float(np.mean(sorted(took)[: max(1, len(took) // 3)]))


class Stopwatch(keras.callbacks.Callback):
    """Times epochs from the second on, and ends a `fit` after `seconds` of them."""

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds, self.took = seconds, []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            self.took.append(time.perf_counter() - self.began)
        self.model.stop_training = sum(self.took) >= self.seconds

    @property
    def epoch(self) -> float:
        return float(np.mean(sorted(self.took)[: max(1, len(self.took) // 3)]))


def fitting(work: Workbench, family: str, params: dict, how: Fit, seconds: float) -> float:
    """Samples per second of `fit`."""
    bench = work.bench
    recipe = families.load(family).recipe(bench.prepared.signature, params)
    arrays = stock.whole(bench, "train")
    recipe = replace(recipe, batch_size=min(recipe.batch_size, len(arrays[1])))
    model = stock.network(bench.network(work.order(family, params)))
    stock.compiled(model, recipe, getattr(losses, bench.task.loss), arrays[1], 10**6, how)
    data = stock.fed(arrays, recipe.batch_size, how, repeated=True)
    steps = data.get("steps_per_epoch", len(arrays[1]) // recipe.batch_size)
    watch = Stopwatch(seconds)
    model.fit(**data, epochs=10**6, callbacks=[watch], verbose=0)
    keras.backend.clear_session()
    return steps * recipe.batch_size / watch.epoch


def best_fit(measure: Callable[[Fit], float]) -> tuple[float, Fit]:
    """The best settings of `fit`: the way the data comes, then the steps a call, then XLA, each kept where it helps."""
    best = Fit(jit=False)
    rates = {best: measure(best)}
    for changes in ([{"data": "tf.data"}], [{"steps": 16}, {"steps": 64}], [{"jit": True}]):
        for change in changes:
            rates[candidate] = measure(candidate := replace(best, **change))
        best = max(rates, key=rates.__getitem__)
    return rates[best], best


# what the processor can do: the products of a network, run alone


def products(model: keras.Model, signature, batch: int) -> list[tf.Operation]:
    """The matrix products and convolutions of one forward pass for `batch` samples."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN):
            layer.unroll = True
    inputs = {name: tf.TensorSpec((batch, *spec.shape), spec.dtype) for name, spec in signature.inputs.items()}
    graph = tf.function(lambda x: model(x, training=True), autograph=False).get_concrete_function(inputs).graph
    hidden = [operation.type for operation in graph.get_operations() if "While" in operation.type]
    assert not hidden, f"Products inside of loops are not counted: {hidden}."
    return [operation for operation in graph.get_operations() if operation.type in PRODUCTS]


def _matmul(operation: tf.Operation) -> Callable:
    first, second = ("transpose_a", "transpose_b") if operation.type == "MatMul" else ("adj_x", "adj_y")
    flags = {"transpose_a": operation.get_attr(first), "transpose_b": operation.get_attr(second)}
    return functools.partial(tf.matmul, **flags)


def _convolution(operation: tf.Operation) -> Callable:
    strides, padding = operation.get_attr("strides"), operation.get_attr("padding").decode()
    return functools.partial(tf.nn.conv2d, strides=strides, padding=padding)


def _einsum(operation: tf.Operation) -> Callable:
    return functools.partial(tf.einsum, operation.get_attr("equation").decode())


PRODUCTS = {"MatMul": _matmul, "BatchMatMulV2": _matmul, "Conv2D": _convolution, "Einsum": _einsum}


def operations_of(product: tf.Operation) -> int:
    """Multiplications and additions of one product."""
    first, second = (tensor.shape.as_list() for tensor in product.inputs)
    if product.type == "Einsum":
        left, right = product.get_attr("equation").decode().split("->")[0].split(",")
        return 2 * math.prod((dict(zip(left, first, strict=True)) | dict(zip(right, second, strict=True))).values())
    if product.type == "Conv2D":
        summed = math.prod(second[:3])
    else:
        summed = first[-2] if _matmul(product).keywords["transpose_a"] else first[-1]
    return 2 * product.outputs[0].shape.num_elements() * summed


def product_rate(found: list[tf.Operation], seconds: float) -> float:
    """Operations per second of these products alone, in one compiled call."""
    calls = [PRODUCTS[product.type](product) for product in found]
    shapes = [[tensor.shape.as_list() for tensor in product.inputs] for product in found]
    arrays = [[[tf.random.normal(shape) for shape in pair] for pair in shapes] for _ in range(REPEATS)]

    @tf.function(autograph=False)
    def run(arrays):
        return [tf.reshape(call(*pair), [-1])[0] for pairs in arrays for call, pair in zip(calls, pairs, strict=True)]

    return REPEATS * sum(map(operations_of, found)) / per_call(lambda: run(arrays)[-1].numpy(), seconds)


def one_core(work: Workbench, family: str, params: dict, seconds: float) -> dict[str, Any]:
    """Three times the forward pass make a training step: forward, and backward to the weights and to the inputs."""
    order = work.order(family, params)
    model, signature = work.bench.network(order), work.bench.prepared.signature
    batch = min(families.load(family).recipe(signature, params).batch_size, work.bench.prepared.size("train"))
    found = products(model, signature, batch)
    operations = 3 * sum(map(operations_of, found)) / batch
    return {
        "rate": ours(work, family, params, seconds),
        "operations": operations,
        "products": product_rate(found, seconds),
    }


def all_cores(work: Workbench, family: str, params: dict, seconds: float) -> dict[str, Any]:
    rate, how = best_fit(lambda how: fitting(work, family, params, how, seconds))
    return {"fit": rate, "how": str(how), "rate": ours(work, family, params, seconds)}


def measured(cores: str, quick: bool) -> Iterator[dict[str, Any]]:
    measure = one_core if cores == "one" else all_cores
    with tempfile.TemporaryDirectory() as folder:
        works: dict[str, Workbench] = {}
        for data, family, widths in NETWORKS:
            if quick and family not in QUICK:
                continue
            if data not in works:
                works[data] = Workbench.of(data, Path(folder) / data)
            space = families.load(family).space(works[data].bench.prepared.signature)
            for changes in widths[-1:] if quick else widths:
                params = {**defaults(space), **changes}
                figures = measure(works[data], family, params, QUICK_SECONDS if quick else SECONDS)
                yield {"family": family, "width": next(iter(changes.values()), None), **figures}


def main() -> None:
    for record in measured(sys.argv[1], "--quick" in sys.argv):
        print(to_json(record), flush=True)


if __name__ == "__main__":
    main()

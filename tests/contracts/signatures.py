"""A small problem for every kind of input: a signature and samples that a network can learn by heart."""

import numpy as np

from dl_core.families import FAMILIES
from dl_core.signature import ModelSignature, TensorSpec

SAMPLES = 8
CLASSES = 3


def problems() -> list[tuple[str, str]]:
    """Every family with every task it is for."""
    return [(name, task) for name, card in FAMILIES.items() for task in sorted(card.tasks)]


def problem(name: str, task: str) -> tuple[ModelSignature, dict[str, np.ndarray], np.ndarray]:
    """(signature, inputs, target) for a family: 8 samples, as its feed would give them."""
    random = np.random.default_rng(0)
    inputs = FAMILIES[name].inputs
    if "image" in inputs:
        images = random.integers(0, 256, (SAMPLES, 16, 16, 3)).astype(np.uint8)
        spec = {"image": TensorSpec(shape=(16, 16, 3), dtype="uint8")}
        return _signature(spec, (CLASSES,), task), {"image": images}, np.arange(SAMPLES, dtype=np.int32) % CLASSES
    if "history" in inputs:
        lookback, horizon = 28, 7
        steps = np.arange(lookback + horizon)
        waves = (1 + steps / 20) * np.sin(steps / 7 * 2 * np.pi)  # growing: the last season repeated is no answer
        series = (waves * random.uniform(1, 3, (SAMPLES, 1)) + random.uniform(5, 9, (SAMPLES, 1))).astype(np.float32)
        calendar = random.normal(size=(SAMPLES, lookback + horizon, 2)).astype(np.float32)
        spec = {
            "history": TensorSpec(shape=(lookback,)),
            "calendar": TensorSpec(shape=(lookback + horizon, 2)),
        }
        options = {"horizon": horizon, "lookback": lookback, "season": 7}
        signature = _signature(spec, (horizon, 9), task, **options)
        return signature, {"history": series[:, :lookback], "calendar": calendar}, series[:, lookback:]
    spec = {
        "numeric": TensorSpec(shape=(4,)),
        "category": TensorSpec(shape=(2,), dtype="int32", cardinalities=(4, 40)),
    }
    numeric = random.normal(size=(SAMPLES, 4)).astype(np.float32)
    category = np.stack([random.integers(0, 4, SAMPLES), random.integers(0, 40, SAMPLES)], axis=1).astype(np.int32)
    if task == "regression":
        target = random.normal(size=(SAMPLES, 1)).astype(np.float32)
        return _signature(spec, (1,), task), {"numeric": numeric, "category": category}, target
    target = np.arange(SAMPLES, dtype=np.int32) % CLASSES
    return _signature(spec, (CLASSES,), task), {"numeric": numeric, "category": category}, target


def _signature(inputs, output, task, **options) -> ModelSignature:
    return ModelSignature(inputs=inputs, output=output, options={"task": task, "train_size": SAMPLES, **options})


class Memorised:
    """The same samples as train and valid part, in the form a RowFeed reads."""

    def __init__(self, signature: ModelSignature, inputs: dict[str, np.ndarray], target: np.ndarray):
        self.signature, self._inputs, self._target = signature, inputs, target

    def size(self, part: str) -> int:
        return len(self._target)

    def inputs(self, part: str) -> dict[str, np.ndarray]:
        return self._inputs

    def target(self, part: str) -> np.ndarray:
        return self._target

    def weight(self, part: str) -> None:
        return None

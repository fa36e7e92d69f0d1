"""What a trial reads: arrays of the train, valid and test parts, and what was learned from the train part."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dl_core.records import read_json
from dl_core.registry import Registry
from dl_core.signature import ModelSignature

PARTS = ("train", "valid", "test")

SAMPLERS = Registry(
    "sampler",
    {"rows": "dl_core.samples.rows:PreparedRows", "windows": "dl_core.samples.windows:PreparedWindows"},
)


class Prepared(Protocol):
    """A read-only view of runs/<id>/prepared. `state` is {"sampler", "task", "preprocessor", …}; arrays are memory
    mapped where they may be large.

    Parts are train, valid and test, and "all": every labelled sample. Where the train part is cut into `folds`, valid
    is the train part itself: each of its samples is judged by the model that did not learn from its fold.
    """

    folder: Path
    signature: ModelSignature
    state: dict[str, Any]
    folds: int
    fold_codes: np.ndarray

    def size(self, part: str) -> int: ...

    def inputs(self, part: str) -> dict[str, np.ndarray]:
        """Named network inputs, sample axis first."""

    def target(self, part: str) -> np.ndarray:
        """What the loss eats."""

    def truth(self, part: str) -> np.ndarray:
        """What the metrics compare with, in task space."""

    def weight(self, part: str) -> np.ndarray | None:
        """Loss weight of each sample (n,), 1 on average in the train part, or None for one each."""

    def context(self, part: str) -> dict[str, np.ndarray]:
        """Further arrays that metrics need, sample axis first."""

    def fold(self, number: int) -> "Prepared":
        """The same data, where the fold `number` is the valid part and the other folds are the train part."""

    def groups(self, part: str) -> np.ndarray | None:
        """Which samples hang together (n,), such as windows of one series; None where each stands for itself."""


def load_prepared(folder: Path) -> Prepared:
    """The prepared arrays in `folder`, whatever their sampler."""
    return SAMPLERS.load(read_json(folder / "state.json")["sampler"])(folder)

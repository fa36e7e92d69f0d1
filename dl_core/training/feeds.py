"""How batches are cut out of data in memory, inside the compiled training step."""

from copy import copy
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from dl_core.prepared import Prepared
from dl_core.registry import Registry

Tensors = dict[str, Any]


class Feed(Protocol):
    """One part of a dataset. `tensors` are uploaded once; they are arguments of the compiled program, never constants
    in it. `rows` are the samples that this feed gives, as indices for `gather`."""

    rows: np.ndarray
    tensors: Tensors

    @property
    def size(self) -> int: ...

    def gather(self, tensors: Tensors, indices: tf.Tensor) -> tuple[Tensors, tf.Tensor, tf.Tensor]:
        """Samples `indices` (batch,) as (named inputs, target, weight (batch,)), all with a batch axis."""


class RowFeed:
    """Samples are rows: gathering is indexing."""

    def __init__(self, prepared: Prepared, part: str):
        self.rows = np.arange(prepared.size(part), dtype=np.int32)
        weight = prepared.weight(part)
        self.tensors = {
            "target": tf.constant(prepared.target(part)),
            "weight": tf.constant(np.ones(self.size, np.float32) if weight is None else weight),
            "inputs": {name: tf.constant(array) for name, array in prepared.inputs(part).items()},
        }

    @property
    def size(self) -> int:
        return len(self.rows)

    def gather(self, tensors: Tensors, indices: tf.Tensor) -> tuple[Tensors, tf.Tensor, tf.Tensor]:
        inputs = {name: tf.gather(array, indices) for name, array in tensors["inputs"].items()}
        return inputs, tf.gather(tensors["target"], indices), tf.gather(tensors["weight"], indices)


FEEDS = Registry(
    "sampler", {"rows": "dl_core.training.feeds:RowFeed", "windows": "dl_core.training.window_feed:WindowFeed"}
)


def feed_for(prepared: Prepared, part: str) -> Feed:
    """The feed that suits the prepared samples."""
    return FEEDS.load(prepared.state["sampler"])(prepared, part)


def only(feed: Feed, rows: np.ndarray) -> Feed:
    """The same tensors, of which `rows` alone are given."""
    part = copy(feed)
    part.rows = rows.astype(np.int32)
    return part

"""Windows cut out of flat series inside the compiled step, so that overlapping windows are stored once."""

import numpy as np
import tensorflow as tf

from dl_core.samples.windows import PreparedWindows

LARGEST_EPOCH = 32_768  # windows; more would leave minutes between two looks at the validation part


class WindowFeed:
    """See dl_core.training.feeds.Feed. Where the train part has more windows than an epoch should, sample i stands for
    the `stride` neighbouring windows i · stride, i · stride + 1, …: each epoch shows another one of them, chosen by the
    company that i keeps in its batch, which the epoch's shuffling changes."""

    def __init__(self, prepared: PreparedWindows, part: str):
        cuts = prepared.cuts(part).astype(np.int32)
        stride = -(-prepared.size("train") // LARGEST_EPOCH) if part in ("train", "all") else 1
        self.rows = np.arange(len(cuts) // stride, dtype=np.int32)
        self.history, self.lookback, self.horizon = prepared.history, prepared.lookback, prepared.horizon
        self.tensors = {
            "values": tf.constant(prepared.values, tf.float32),
            "cuts": tf.constant(cuts),
            "stride": tf.constant(stride),
            "weight": tf.constant(prepared.weight(part)),
        }
        if "calendar" in prepared.signature.inputs:
            self.tensors["calendar"] = tf.constant(prepared.calendar)

    @property
    def size(self) -> int:
        return len(self.rows)

    def gather(self, tensors: dict, indices: tf.Tensor) -> tuple[dict, tf.Tensor, tf.Tensor]:
        """Samples `indices` (batch,) as (named inputs, target (batch, horizon), weight (batch,))."""
        indices = indices * tensors["stride"] + (indices + tf.reduce_sum(indices)) % tensors["stride"]
        cuts = tf.gather(tensors["cuts"], indices)[:, None]
        window = tf.gather(tensors["values"], cuts + tf.range(-self.history, self.horizon))
        inputs = {"history": window[:, : self.history]}
        if "calendar" in tensors:
            inputs["calendar"] = tf.gather(tensors["calendar"], cuts + tf.range(-self.lookback, self.horizon))
        return inputs, window[:, self.history :], tf.gather(tensors["weight"], indices)

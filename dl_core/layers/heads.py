"""Serving heads: from a network's raw output to answers a person can read, in the graph."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("deepboard")
class ClassProbabilities(keras.layers.Layer):
    """Logits (batch, classes) -> probabilities float32 (batch, classes). `classes` are the labels, in this order."""

    def __init__(self, classes, **kwargs):
        super().__init__(**kwargs)
        self.classes = [str(label) for label in classes]

    def call(self, logits):
        return ops.softmax(ops.cast(logits, "float32"), axis=-1)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable("deepboard")
class Quantities(keras.layers.Layer):
    """Standardised values (batch, targets) -> float64 (batch, targets) in the targets' units, clamped to the range
    that was seen in training. The arguments are lists with one number for each target."""

    def __init__(self, mean, scale, low, high, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.mean, self.scale, self.low, self.high = (list(map(float, each)) for each in (mean, scale, low, high))

    def call(self, raw):
        values = ops.cast(raw, "float64") * np.array(self.scale) + np.array(self.mean)
        return ops.clip(values, np.array(self.low), np.array(self.high))

    def compute_output_spec(self, raw):
        return keras.KerasTensor(raw.shape, "float64")

    def get_config(self):
        return {
            **super().get_config(), "mean": self.mean, "scale": self.scale, "low": self.low, "high": self.high,
        }  # fmt: skip


@keras.saving.register_keras_serializable("deepboard")
class Quantiles(keras.layers.Layer):
    """Forecasts (batch, horizon, 9), already in the series' unit -> float64 of the same shape: the quantiles 0.1 … 0.9
    in ascending order."""

    LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def call(self, forecast):
        return ops.sort(ops.cast(forecast, "float64"), axis=-1)

    def compute_output_spec(self, forecast):
        return keras.KerasTensor(forecast.shape, "float64")

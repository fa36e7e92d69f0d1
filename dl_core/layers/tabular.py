"""Layers of the table networks. Standalone: keras and numpy only.

Parameters with a learning rate of their own (RealMLP) are stored divided by that factor: under Adam, training u with
w = factor * u moves w as training w at factor times the rate would.
"""

import math

import keras
from keras import ops

PACKAGE = "deepboard"


def _hash_uniform(shape, counter):
    """Cheap random numbers in 0…1 of `shape` from a counter (murmur finaliser): fuses inside a compiled program, where
    a stateful generator costs ten times as much."""
    size = math.prod(shape)
    x = ops.cast(ops.reshape(ops.arange(size, dtype="int32"), shape), "uint32")
    x = x * ops.cast(0x9E3779B1, "uint32") + ops.cast(counter, "uint32") * ops.cast(0x27D4EB2F, "uint32")
    x = ops.bitwise_xor(x, ops.right_shift(x, ops.cast(16, "uint32"))) * ops.cast(0x85EBCA6B, "uint32")
    x = ops.bitwise_xor(x, ops.right_shift(x, ops.cast(13, "uint32"))) * ops.cast(0xC2B2AE35, "uint32")
    x = ops.bitwise_xor(x, ops.right_shift(x, ops.cast(16, "uint32")))
    return ops.cast(ops.right_shift(x, ops.cast(8, "uint32")), "float32") * (1.0 / 16777216.0)


@keras.saving.register_keras_serializable(PACKAGE)
class CounterDropout(keras.layers.Layer):
    """Dropout whose mask comes from a hash of a counter. The rate is a variable, so that networks that differ in it
    share one compiled program. Needs a static batch size in training."""

    def __init__(self, rate, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.seed = float(rate), int(seed)

    def build(self, shape):
        constant = keras.initializers.Constant
        self.share = self.add_weight(shape=(), initializer=constant(self.rate), trainable=False, name="dropout_share")
        self.counter = self.add_weight(
            shape=(), dtype="int32", initializer=constant(self.seed), trainable=False, name="counter"
        )

    def call(self, x, training=False):
        if not training:
            return x
        self.counter.assign(self.counter + 1)
        keep = _hash_uniform(tuple(x.shape), self.counter) >= self.share
        return ops.where(keep, x / (1.0 - self.share), 0.0)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(PACKAGE)
class CategoryFeatures(keras.layers.Layer):
    """Category numbers (batch, columns) int32 to features (batch, width): one-hot up to `one_hot` different numbers,
    an embedding above. A missing value (number 0) is all zeros in a one-hot column."""

    def __init__(self, cardinalities, one_hot=12, embedding=8, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.cardinalities = [int(c) for c in cardinalities]
        self.one_hot, self.embedding, self.seed = one_hot, embedding, seed

    def build(self, shape):
        self.tables = {
            column: self.add_weight(
                shape=(cardinality, self.embedding),
                initializer=keras.initializers.RandomNormal(stddev=0.3, seed=self.seed + column),
                name=f"table_{column}",
            )
            for column, cardinality in enumerate(self.cardinalities)
            if cardinality > self.one_hot
        }

    def call(self, numbers):
        features = []
        for column, cardinality in enumerate(self.cardinalities):
            values = numbers[:, column]
            if column in self.tables:
                features.append(ops.take(self.tables[column], values, axis=0))
            else:
                features.append(ops.one_hot(values - 1, cardinality - 1))
        return ops.concatenate(features, axis=-1)

    def compute_output_shape(self, shape):
        width = sum(c - 1 if c <= self.one_hot else self.embedding for c in self.cardinalities)
        return (shape[0], width)

    def get_config(self):
        return {
            **super().get_config(),
            "cardinalities": self.cardinalities,
            "one_hot": self.one_hot,
            "embedding": self.embedding,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class PeriodicEmbedding(keras.layers.Layer):
    """Numbers (batch, features) to (batch, features * width): each number beside a learned linear mix of cosines of
    itself (PBLD of RealMLP: Holzmüller, Grinsztajn and Steinwart, 2024)."""

    FACTOR = 0.1

    def __init__(self, cosines=16, width=4, sigma=0.1, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.cosines, self.width, self.sigma, self.seed = cosines, width, float(sigma), seed

    def build(self, shape):
        features, inner = shape[-1], self.width - 1
        normal, uniform = keras.initializers.RandomNormal, keras.initializers.RandomUniform
        bound = 1.0 / math.sqrt(self.cosines) / self.FACTOR

        def weight(name, dims, initializer):
            return self.add_weight(shape=dims, initializer=initializer, name=name)

        self.frequency = weight("frequency", (features, self.cosines), normal(0.0, self.sigma / self.FACTOR, self.seed))
        half = math.pi / self.FACTOR
        self.phase = weight("phase", (features, self.cosines), uniform(-half, half, self.seed + 1))
        self.mix = weight("mix", (features, self.cosines, inner), uniform(-bound, bound, self.seed + 2))
        self.shift = weight("shift", (features, inner), uniform(-bound, bound, self.seed + 3))

    def call(self, x):
        angle = 2.0 * math.pi * x[:, :, None] * (self.frequency * self.FACTOR) + self.phase * self.FACTOR
        mixed = ops.einsum("bfc,fcw->bfw", ops.cos(angle), self.mix * self.FACTOR) + self.shift * self.FACTOR
        joined = ops.concatenate([mixed, x[:, :, None]], axis=-1)
        return ops.reshape(joined, (-1, x.shape[1] * self.width))

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] * self.width)

    def get_config(self):
        return {
            **super().get_config(),
            "cosines": self.cosines,
            "width": self.width,
            "sigma": self.sigma,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class FeatureScale(keras.layers.Layer):
    """One learned factor per feature, learned six times as fast as the rest: a soft choice of features."""

    FACTOR = 6.0

    def build(self, shape):
        initializer = keras.initializers.Constant(1.0 / self.FACTOR)
        self.scale = self.add_weight(shape=(shape[-1],), initializer=initializer, name="scale")

    def call(self, x):
        return x * (self.scale * self.FACTOR)


@keras.saving.register_keras_serializable(PACKAGE)
class ScaledDense(keras.layers.Layer):
    """Dense layer in the neural tangent parametrisation: standard-normal weights divided by the square root of the
    inputs in the forward pass; the bias learns at a tenth of the rate."""

    FACTOR = 0.1

    def __init__(self, units, seed=0, zero=False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.seed, self.zero = units, seed, zero

    def build(self, shape):
        self.gain = 1.0 / math.sqrt(shape[-1])
        kernel = "zeros" if self.zero else keras.initializers.RandomNormal(0.0, 1.0, self.seed)
        bias = "zeros" if self.zero else keras.initializers.RandomNormal(0.0, 1.0 / self.FACTOR, self.seed + 1)
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer=kernel, name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer=bias, name="bias")

    def call(self, x):
        return ops.matmul(x, self.kernel) * self.gain + self.bias * self.FACTOR

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "seed": self.seed, "zero": self.zero}


@keras.saving.register_keras_serializable(PACKAGE)
class ParametricActivation(keras.layers.Layer):
    """x + a * (f(x) - x) with one learned a per unit: each unit chooses how nonlinear it is. f is 'selu' or 'mish'."""

    FACTOR = 0.1

    def __init__(self, function="selu", **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def build(self, shape):
        initializer = keras.initializers.Constant(1.0 / self.FACTOR)
        self.amount = self.add_weight(shape=(shape[-1],), initializer=initializer, name="amount")

    def call(self, x):
        return x + (_mish(x) - x if self.function == "mish" else ops.selu(x) - x) * (self.amount * self.FACTOR)

    def get_config(self):
        return {**super().get_config(), "function": self.function}


def _mish(x):
    """x * tanh(softplus(x)) with one exponential: tanh(log(1 + e)) = e(e + 2) / (e(e + 2) + 2)."""
    e = ops.exp(ops.minimum(x, 15.0))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))

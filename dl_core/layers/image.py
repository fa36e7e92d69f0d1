"""Layers for pictures: the encoder's Keras face, random views for training, parts of a compact transformer.

Standalone: keras only, so that a kit can carry this file. Pictures are (batch, height, width, channels).
"""

import keras
from keras import ops

MID_GREY = 128.0
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow's "L" means


@keras.saving.register_keras_serializable("deepboard")
class PictureEncoder(keras.layers.Layer):
    """uint8 pixels (batch, height, width, 3) of any size -> uint8 pixels (batch, size, size, channels).

    Shrinking averages over the source pixels that fall together (a triangle filter, as Pillow's BILINEAR), so that the
    answer is the one of dl_core/encoders/image.py within a grey level. `fit` "letterbox" keeps the picture's shape
    and centres it on mid-grey; "squash" stretches it over the square.
    """

    def __init__(self, size: int, channels: int = 3, fit: str = "letterbox", **kwargs):
        super().__init__(**kwargs)
        if channels not in (1, 3) or fit not in ("letterbox", "squash"):
            raise ValueError(
                "A picture encoder needs 1 or 3 channels and fit 'letterbox' or 'squash'. "
                f"Received: channels={channels!r}, fit={fit!r}."
            )
        self.size = size
        self.channels = channels
        self.fit = fit

    def call(self, pixels):
        height, width = ops.shape(pixels)[1:3]
        source = ops.cast(pixels, "float32")
        if self.channels == 1:
            source = ops.round(ops.sum(source * ops.array(LUMA, "float32"), axis=-1, keepdims=True))
        longest = ops.maximum(height, width)
        rows = self._weights(height, longest)
        columns = self._weights(width, longest)
        resized = ops.einsum("jw,biwc->bijc", columns, ops.einsum("ih,bhwc->biwc", rows, source))
        covered = ops.sum(rows, axis=1)[:, None] * ops.sum(columns, axis=1)[None, :]
        resized = resized + MID_GREY * (1.0 - covered)[None, :, :, None]
        return ops.cast(ops.clip(ops.round(resized), 0.0, 255.0), "uint8")

    def _weights(self, length, longest):
        """Share of each of `length` source pixels in each of `size` target pixels: (size, length), rows add up to 1,
        or to 0 beside the picture."""
        length, longest = ops.cast(length, "int32"), ops.cast(longest, "int32")
        if self.fit == "letterbox":
            span = ops.maximum(1, (2 * length * self.size + longest) // (2 * longest))
        else:
            span = ops.cast(self.size, "int32")
        start = (self.size - span) // 2
        step = ops.cast(length, "float32") / ops.cast(span, "float32")
        place = ops.arange(self.size, dtype="int32") - start
        centre = (ops.cast(place, "float32") + 0.5) * step
        source = ops.cast(ops.arange(length, dtype="int32"), "float32") + 0.5
        weights = ops.relu(1.0 - ops.abs(centre[:, None] - source[None, :]) / ops.maximum(step, 1.0))
        inside = ops.cast(ops.logical_and(place >= 0, place < span), "float32")
        return weights * (inside / ops.maximum(ops.sum(weights, axis=1), 1e-6))[:, None]

    def compute_output_spec(self, pixels):
        return keras.KerasTensor((pixels.shape[0], self.size, self.size, self.channels), dtype="uint8")

    def get_config(self):
        return {**super().get_config(), "size": self.size, "channels": self.channels, "fit": self.fit}


@keras.saving.register_keras_serializable("deepboard")
class RandomView(keras.layers.Layer):
    """Each picture of a batch seen a little differently, in training only: mirrored, moved, scaled, partly covered.

    A view is two small matrices per picture, one over rows and one over columns, so that a whole batch costs two
    matrix products whatever the mixture. What moves out at one side is mirrored in at the border.

    `mirror`: probability of a left-right flip. `shift`: largest move, as a share of the side. `zoom`: largest change
    of scale, drawn for height and width separately. `cover`: side of the covered square (Cutout, DeVries and Taylor,
    2017) as a share of the side; the square is filled with zeros, so pictures should be centred on zero.
    """

    def __init__(
        self,
        mirror: float = 0.5,
        shift: float = 0.125,
        zoom: float = 0.0,
        cover: float = 0.0,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.mirror, self.shift, self.zoom, self.cover, self.seed = mirror, shift, zoom, cover, seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, pictures, training=False):
        if not training:
            return pictures
        batch = ops.shape(pictures)[0]
        height, width, channels = pictures.shape[1:]
        rows = self._view(batch, height, mirror=0.0)
        columns = self._view(batch, width, mirror=self.mirror)
        seen = ops.matmul(rows, ops.reshape(pictures, (-1, height, width * channels)))
        seen = ops.transpose(ops.reshape(seen, (-1, height, width, channels)), (0, 2, 1, 3))
        seen = ops.matmul(columns, ops.reshape(seen, (-1, width, height * channels)))
        seen = ops.transpose(ops.reshape(seen, (-1, width, height, channels)), (0, 2, 1, 3))
        if self.cover:
            covered = self._band(batch, height)[:, :, None] * self._band(batch, width)[:, None, :]
            seen = seen * (1.0 - covered)[..., None]
        return seen

    def _uniform(self, batch, low, high):
        return keras.random.uniform((batch, 1), low, high, seed=self.random)

    def _view(self, batch, length, mirror):
        """Resampling matrices (batch, length, length): where each target pixel looks, linearly interpolated."""
        place = ops.arange(length, dtype="float32")[None, :] + (0.5 - length / 2)
        if self.zoom:
            place = place * (1.0 + self._uniform(batch, -self.zoom, self.zoom))
        if mirror:
            place = place * ops.where(self._uniform(batch, 0.0, 1.0) < mirror, -1.0, 1.0)
        if self.shift:
            place = place + ops.round(self._uniform(batch, -self.shift * length, self.shift * length))
        place = ops.abs(place + length / 2)  # mirrored in at the near border
        place = length - ops.abs(length - place)  # and at the far one
        place = ops.clip(place, 0.5, length - 0.5)
        source = ops.arange(length, dtype="float32") + 0.5
        return ops.relu(1.0 - ops.abs(place[:, :, None] - source[None, None, :]))

    def _band(self, batch, length):
        """1 in a band of `cover` times `length` pixels around a random centre, else 0: (batch, length)."""
        centre = self._uniform(batch, 0.0, float(length))
        distance = ops.abs(ops.arange(length, dtype="float32")[None, :] + 0.5 - centre)
        return ops.cast(distance < self.cover * length / 2, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "mirror": self.mirror,
            "shift": self.shift,
            "zoom": self.zoom,
            "cover": self.cover,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable("deepboard")
class StochasticDepth(keras.layers.Layer):
    """Leaves out a residual branch for a random share `rate` of the samples, in training only (Huang et al., 2016)."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, branch, training=False):
        if not training or not self.rate:
            return branch
        shape = (ops.shape(branch)[0],) + (1,) * (len(branch.shape) - 1)
        kept = keras.random.uniform(shape, seed=self.random) >= self.rate
        return branch * (ops.cast(kept, branch.dtype) / (1.0 - self.rate))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("deepboard")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each place of a sequence (batch, places, width)."""

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, shape):
        initializer = keras.initializers.TruncatedNormal(stddev=0.02, seed=self.seed)
        self.embedding = self.add_weight(shape=(1, *shape[1:]), initializer=initializer, name="embedding")

    def call(self, tokens):
        return tokens + self.embedding

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("deepboard")
class SequencePooling(keras.layers.Layer):
    """(batch, places, width) -> (batch, width): an average whose weights are learned from the content
    (Hassani et al., 2021)."""

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.score = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed), name="score")

    def build(self, shape):
        self.score.build(shape)

    def call(self, tokens):
        weights = ops.softmax(self.score(tokens), axis=1)
        return ops.sum(weights * tokens, axis=1)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("deepboard")
class SelfAttention(keras.layers.Layer):
    """Multi-head attention of a sequence (batch, places, width) to itself (Vaswani et al., 2017): one product for
    queries, keys and values, which a processor likes better than three."""

    def __init__(self, heads: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.seed = heads, seed

    def build(self, shape):
        width = shape[-1]
        if width % self.heads:
            raise ValueError(f"The width must be a multiple of the heads. Received: {width} and {self.heads}.")
        # queries, keys and values each as wide as the sequence, hence Glorot's limit of a square matrix
        limit = (3.0 / width) ** 0.5
        uniform = keras.initializers.RandomUniform(-limit, limit, seed=self.seed)
        square = keras.initializers.GlorotUniform(None if self.seed is None else self.seed + 1)
        self.mixing = keras.layers.Dense(3 * width, kernel_initializer=uniform, name="mixing")
        self.joining = keras.layers.Dense(width, kernel_initializer=square, name="joining")
        self.mixing.build(shape)
        self.joining.build(shape)

    def call(self, tokens):
        places, width = tokens.shape[1:]
        mixed = ops.reshape(self.mixing(tokens), (-1, places, 3, self.heads, width // self.heads))
        query, key, value = ops.unstack(ops.transpose(mixed, (2, 0, 3, 1, 4)), axis=0)
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * (width // self.heads) ** -0.5
        seen = ops.matmul(ops.softmax(scores, axis=-1), value)
        return self.joining(ops.reshape(ops.transpose(seen, (0, 2, 1, 3)), (-1, places, width)))

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "seed": self.seed}

"""Layers of the forecasting networks. Standalone: keras only.

A history is (batch, steps) with NaN for gaps and for what lies before the first value. Networks work on the scaled
history and answer in scaled quantiles; `WindowScale` and `WindowUnscale` lead there and back.
"""

import keras
from keras import ops

PACKAGE = "deepboard"
SMALLEST_SPREAD = 1e-3  # of the mean: a window that hardly moves is not blown up into noise
TINY = 1e-6


@keras.saving.register_keras_serializable(PACKAGE)
class WindowScale(keras.layers.Layer):
    """A history (batch, steps) -> its last `lookback` steps with mean 0 and deviation 1, the mask of the known ones,
    the mean and the deviation: (batch, lookback) twice, (batch, 1) twice.

    Each window is scaled by itself (Kim et al., 2022), so that one network serves series of any size. A gap takes the
    value one season before, however many seasons back it is known, else the mean.
    """

    def __init__(self, lookback, season=1, **kwargs):
        super().__init__(**kwargs)
        self.lookback, self.season = int(lookback), int(season)

    def call(self, history):
        window = history[:, -self.lookback :]
        known = ops.logical_not(ops.isnan(window))
        mask = ops.cast(known, window.dtype)
        count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
        values = ops.where(known, window, 0.0)
        mean = ops.sum(values, axis=1, keepdims=True) / count
        values = ops.where(known, window - mean, 0.0)
        deviation = ops.sqrt(ops.sum(ops.square(values), axis=1, keepdims=True) / count)
        deviation = ops.maximum(deviation, SMALLEST_SPREAD * ops.abs(mean) + TINY)
        return self._carried(values / deviation, mask), mask, mean, deviation

    def _carried(self, values, mask):
        shift = self.season
        while shift < self.lookback:  # by 1, 2, 4, … seasons: every distance is a sum of these
            before = ops.pad(values[:, :-shift], [[0, 0], [shift, 0]])
            mask_before = ops.pad(mask[:, :-shift], [[0, 0], [shift, 0]])
            values = ops.where(mask > 0, values, before)
            mask = ops.maximum(mask, mask_before)
            shift *= 2
        return values

    def compute_output_shape(self, shape):
        return (shape[0], self.lookback), (shape[0], self.lookback), (shape[0], 1), (shape[0], 1)

    def get_config(self):
        return {**super().get_config(), "lookback": self.lookback, "season": self.season}


@keras.saving.register_keras_serializable(PACKAGE)
class WindowUnscale(keras.layers.Layer):
    """Scaled quantiles (batch, horizon, levels), the mean and the deviation (batch, 1) -> quantiles in the unit of the
    series. They are sorted outside training, so that bands never cross."""

    def call(self, inputs, training=False):
        quantiles, mean, deviation = inputs
        if not training:
            quantiles = ops.sort(quantiles, axis=-1)
        return mean[:, :, None] + deviation[:, :, None] * quantiles

    def compute_output_shape(self, shapes):
        return shapes[0]


@keras.saving.register_keras_serializable(PACKAGE)
class TrendSplit(keras.layers.Layer):
    """(batch, steps) -> its moving average over `kernel` steps and what remains (Zeng et al., 2023). The edges repeat
    the first and the last value."""

    def __init__(self, kernel, **kwargs):
        super().__init__(**kwargs)
        self.kernel = int(kernel)

    def call(self, window):
        before, after = (self.kernel - 1) // 2, self.kernel // 2
        padded = ops.concatenate(
            [ops.repeat(window[:, :1], before, axis=1), window, ops.repeat(window[:, -1:], after, axis=1)], axis=1
        )
        trend = ops.average_pool(padded[:, :, None], self.kernel, strides=1, padding="valid")[:, :, 0]
        return trend, window - trend

    def compute_output_shape(self, shape):
        return shape, shape

    def get_config(self):
        return {**super().get_config(), "kernel": self.kernel}


@keras.saving.register_keras_serializable(PACKAGE)
class SeasonalRepeat(keras.layers.Layer):
    """The last season of a window (batch, steps), over and over: (batch, horizon). What a network adds to it is all
    that it has to learn."""

    def __init__(self, season, horizon, **kwargs):
        super().__init__(**kwargs)
        self.season, self.horizon = int(season), int(horizon)

    def call(self, window):
        season = min(self.season, window.shape[1])
        repeats = -(-self.horizon // season)
        return ops.tile(window[:, -season:], [1, repeats])[:, : self.horizon]

    def compute_output_shape(self, shape):
        return shape[0], self.horizon

    def get_config(self):
        return {**super().get_config(), "season": self.season, "horizon": self.horizon}


@keras.saving.register_keras_serializable(PACKAGE)
class CalendarAhead(keras.layers.Layer):
    """Calendar numbers (batch, lookback + horizon, k) -> those of the first step to forecast (batch, k), which place a
    whole window in time, and those of every step ahead (batch, horizon, k)."""

    def __init__(self, horizon, **kwargs):
        super().__init__(**kwargs)
        self.horizon = int(horizon)

    def call(self, calendar):
        return calendar[:, -self.horizon], calendar[:, -self.horizon :]

    def compute_output_shape(self, shape):
        return (shape[0], shape[2]), (shape[0], self.horizon, shape[2])

    def get_config(self):
        return {**super().get_config(), "horizon": self.horizon}


@keras.saving.register_keras_serializable(PACKAGE)
class Patches(keras.layers.Layer):
    """(batch, steps) -> (batch, patches, length), from the end; the first patch starts with zeros where the steps do
    not fill it."""

    def __init__(self, length, **kwargs):
        super().__init__(**kwargs)
        self.length = int(length)

    def call(self, window):
        missing = -window.shape[1] % self.length
        padded = ops.pad(window, [[0, 0], [missing, 0]])
        return ops.reshape(padded, (-1, padded.shape[1] // self.length, self.length))

    def compute_output_shape(self, shape):
        return shape[0], -(-shape[1] // self.length), self.length

    def get_config(self):
        return {**super().get_config(), "length": self.length}

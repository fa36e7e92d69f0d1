"""The Keras faces of the encoders: the arithmetic of dl_core/encoders in a graph, over the same fitted states.

Numbers stay float64 until the last step, so that both faces round alike. Each layer takes a list of columns, each of
shape (batch,), and gives one tensor.
"""

import math

import keras
import numpy as np
from keras import ops

LARGEST_NUMBER = 1e150
LARGEST_SCORE = 1e6
LARGEST_TIME = 1e12
DAY, WEEK, YEAR = 86_400.0, 7.0, 365.2425
UNSEEN = "\ue000unseen"


def _squash(values, center, scale):
    scores = (ops.clip(values, -LARGEST_NUMBER, LARGEST_NUMBER) - center) / scale
    scores = ops.clip(scores, -LARGEST_SCORE, LARGEST_SCORE)
    return scores / ops.sqrt(1.0 + ops.square(scores / 3.0))


@keras.saving.register_keras_serializable("deepboard")
class NumericEncoder(keras.layers.Layer):
    """Numbers, NaN for missing -> float32 (batch, k): of each column the smoothly clipped robust score, 0 where
    missing, and 1 where missing if the train part had gaps. `states` are those of dl_core/encoders/numeric.py."""

    def __init__(self, states, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.states = states
        width = len(states)
        order = []
        for column, state in enumerate(states):
            order += [column] if "scale" in state else []
            order += [width + column] if state["missing"] else []
        self._order = np.array(order, "int32")
        self._center = np.array([state.get("center", 0.0) for state in states], "float64")
        self._scale = np.array([state.get("scale", 1.0) for state in states], "float64")

    def call(self, columns):
        values = ops.stack(columns, axis=1)
        missing = ops.isnan(values)
        known = ops.where(missing, ops.zeros_like(values), values)
        scores = _squash(known, self._center, self._scale)
        scores = ops.where(missing, ops.zeros_like(scores), scores)
        both = ops.concatenate([scores, ops.cast(missing, "float64")], axis=1)
        return ops.cast(ops.take(both, self._order, axis=1), "float32")

    def compute_output_spec(self, columns):
        return keras.KerasTensor((columns[0].shape[0], len(self._order)), "float32")

    def get_config(self):
        return {**super().get_config(), "states": self.states}


@keras.saving.register_keras_serializable("deepboard")
class DatetimeEncoder(keras.layers.Layer):
    """Seconds since 1970-01-01 UTC, NaN for missing -> float32 (batch, k): of each column the parts that varied in
    the train part as sine and cosine, the time elapsed and, if the train part had gaps, 1 where missing. `states` are
    those of dl_core/encoders/datetime.py."""

    def __init__(self, states, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.states = states

    def call(self, columns):
        parts = [
            part for state, seconds in zip(self.states, columns, strict=True) for part in self._parts(state, seconds)
        ]
        return ops.cast(ops.stack(parts, axis=1), "float32")

    @staticmethod
    def _parts(state, seconds):
        missing = ops.isnan(seconds)
        zero = ops.zeros_like(seconds)
        known = ops.where(missing, zero, seconds)
        days = ops.clip(known, -LARGEST_TIME, LARGEST_TIME) / DAY
        whole = ops.floor(days)
        week, year = (whole + 3.0) / WEEK, whole / YEAR
        turns = {"hour": days - whole, "weekday": week - ops.floor(week), "day of year": year - ops.floor(year)}
        parts = []
        for part in state["parts"]:
            angle = 2.0 * math.pi * turns[part]
            parts += [ops.sin(angle), ops.cos(angle)]
        if "scale" in state:
            parts.append(_squash(known, state["center"], state["scale"]))
        parts = [ops.where(missing, zero, part) for part in parts]
        return [*parts, ops.cast(missing, "float64")] if state["missing"] else parts

    def compute_output_spec(self, columns):
        width = sum(2 * len(state["parts"]) + ("scale" in state) + state["missing"] for state in self.states)
        return keras.KerasTensor((columns[0].shape[0], width), "float32")

    def get_config(self):
        return {**super().get_config(), "states": self.states}


@keras.saving.register_keras_serializable("deepboard")
class CategoryEncoder(keras.layers.Layer):
    """Text, "" for missing -> int32 (batch, columns): 0 is missing, 1 is unseen, 2 and up are the entries of each
    column's list in `vocabularies`."""

    def __init__(self, vocabularies, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.vocabularies = [list(vocabulary) for vocabulary in vocabularies]
        self.lookups = [
            keras.layers.StringLookup(vocabulary=vocabulary, mask_token="", oov_token=UNSEEN)
            for vocabulary in self.vocabularies
        ]

    def build(self, shapes):
        for lookup, shape in zip(self.lookups, shapes, strict=True):
            lookup.build(shape)

    def call(self, columns):
        numbers = [lookup(column) for lookup, column in zip(self.lookups, columns, strict=True)]
        return ops.cast(ops.stack(numbers, axis=1), "int32")

    def compute_output_spec(self, columns):
        return keras.KerasTensor((columns[0].shape[0], len(self.vocabularies)), "int32")

    def get_config(self):
        return {**super().get_config(), "vocabularies": self.vocabularies}

"""Preprocessing has two faces over one fitted state; on any table they give the same arrays."""

import numpy as np
import pytest
from hypothesis import given, settings

from dl_core.encoders import Preprocessor
from dl_core.errors import DataError
from tests.encoders.tables import tables

pytestmark = pytest.mark.heavy


@settings(max_examples=60, deadline=None)
@given(tables())
def test_numpy_and_keras_agree_on_any_table(table):
    import tensorflow as tf

    from dl_core.bundle.graph import FACES
    from dl_core.encoders.typed import typed

    schema, train, later = table
    try:
        preprocessor = Preprocessor.fit(schema, train)
    except DataError:
        return
    for frame in (train, later):
        parts = {}
        for encoder, face in FACES.items():
            group = [one for one in preprocessor.encoded if one.encoder is encoder]
            if group:
                values = [tf.constant(typed(frame[one.column.name], one.column)) for one in group]
                parts.setdefault(encoder.TENSOR, []).append(face([one.state for one in group])(values).numpy())
        for tensor, expected in preprocessor.transform(frame).items():
            actual = np.concatenate(parts[tensor], axis=1)
            assert actual.dtype == expected.dtype
            np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


def test_layers_come_back_from_their_config():
    import keras

    from dl_core.layers.encoders import CategoryEncoder, DatetimeEncoder, NumericEncoder

    number = {"missing": True, "center": 2.0, "scale": 3.0}
    for layer in (
        NumericEncoder([number, {"missing": True, "constant": True}]),
        DatetimeEncoder([{**number, "parts": ["hour", "day of year"]}]),
        CategoryEncoder([["a", "日本"], ["[UNK]"]]),
    ):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert again.get_config() == layer.get_config()

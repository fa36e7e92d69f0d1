"""Encoders: a column's values become numbers a network can eat. Fitted on the train part only; state is JSON.

An encoder is a module, and a line in preprocessor.ENCODERS:

    TENSOR                                   what it fills: "numeric" float32 (rows, k) or "category" int32 (rows, 1)
    fit(values, column) -> state             learn from the train part; plain JSON
    transform(state, values) -> {TENSOR: array}
    labels(state) -> list[str]               what each of its tensor columns holds; none where nothing varies

Its second face is a Keras layer over the same state in layers/encoders.py.
"""

from dl_core.encoders.preprocessor import Preprocessor

__all__ = ["Preprocessor"]

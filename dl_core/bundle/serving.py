"""Asking a serving model, and writing what it says. Standalone (numpy, keras, tensorflow), so that kits carry it as it
is and answer by the same code as the app."""

import csv
import os
import re
import tempfile

import numpy as np

BATCH = 1024
PICTURES = 32
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


class ServingModel:
    """A Keras model behind a compiled call: any number of samples, traced once."""

    def __init__(self, model):
        import tensorflow as tf

        self.model = model
        self.inputs = {tensor.name: tensor for tensor in model.inputs}
        signature = {name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in self.inputs.items()}
        self._call = tf.function(lambda inputs: model(inputs, training=False), input_signature=[signature])

    @classmethod
    def load(cls, path):
        """Read a .keras file; its custom layers must be registered. Code inside the file is refused."""
        import keras

        return cls(keras.models.load_model(path, compile=False, safe_mode=True))

    def __call__(self, inputs, batch=BATCH):
        """Named arrays, sample axis first -> answers of all samples. Texts may be str or bytes."""
        rows = len(next(iter(inputs.values())))
        parts = [self._answer(inputs, slice(start, start + batch)) for start in range(0, max(rows, 1), batch)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def look_at(self, pictures):
        """Pictures, each uint8 (height, width, 3) of any size -> answers of all of them, in order."""
        (name,) = self.inputs
        parts = [self({name: batch}) for batch in batches_of_pictures(pictures)]
        return np.concatenate(parts) if parts else np.zeros((0, *self.model.output.shape[1:]))

    def _answer(self, inputs, rows):
        import tensorflow as tf

        tensors = {name: tf.constant(_plain(inputs[name][rows], tensor.dtype)) for name, tensor in self.inputs.items()}
        return self._call(tensors).numpy()


def batches_of_pictures(pictures, most=PICTURES):
    """Neighbouring pictures (height, width, 3) of one size as batches (up to `most`, height, width, 3)."""
    batch: list = []
    for picture in pictures:
        if batch and (batch[0].shape != picture.shape or len(batch) == most):
            yield np.stack(batch)
            batch = []
        batch.append(picture)
    if batch:
        yield np.stack(batch)


def _plain(values, dtype):
    if dtype == "string":
        encoded = [text if isinstance(text, bytes) else text.encode("utf-8", "replace") for text in values]
        return np.array(encoded, dtype=object)
    return np.asarray(values, dtype)


def answer_columns(state, targets, predictions):
    """{name: values} of an answer table for rows or pictures: `prediction`, and for classes `probability_<class>`.
    `state` is what the task learned, `targets` the names of the columns to predict."""
    if "classes" in state:
        classes = np.array(state["classes"], dtype=object)
        shares = {f"probability_{label}": predictions[:, number] for number, label in enumerate(classes)}
        return {"prediction": classes[predictions.argmax(axis=1)], **shares}
    if len(targets) == 1:
        return {"prediction": predictions[:, 0]}
    return {f"prediction_{name}": predictions[:, number] for number, name in enumerate(targets)}


def guarded(value):
    """A text cell that no spreadsheet takes for a formula: an apostrophe before = + - @ tab and return, unless the
    text is a number."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.fullmatch(value):
        return "'" + value
    return value


def write_csv(path, columns):
    """Write {name: values} as a whole UTF-8 CSV file or none. Numbers keep every digit, NaN and None are empty."""
    path = os.path.abspath(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(suffix=".csv", dir=os.path.dirname(path))
    try:
        with open(descriptor, "w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([guarded(name) for name in columns])
            writer.writerows(zip(*([_cell(value) for value in values] for values in columns.values()), strict=True))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _cell(value):
    if value is None or value != value:
        return ""
    return guarded(value) if isinstance(value, str) else str(value)

"""A dataset's preprocessor: the encoders of its feature columns, composed into the named tensors a network eats."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.schema import Column, Schema
from dl_core.encoders import category, datetime, image, numeric
from dl_core.encoders.typed import Files, typed
from dl_core.errors import DataError
from dl_core.signature import TensorSpec

State = dict[str, Any]

# In the order in which their tensor columns stand; the Keras faces take each kind's columns together.
ENCODERS = {"numeric": numeric, "datetime": datetime, "category": category, "boolean": category, "image": image}
FEATURE_ROLES = ("feature", "static", "known-ahead")


@dataclass(frozen=True)
class Encoded:
    """A column with what its encoder learned from the train part."""

    column: Column
    state: State

    @property
    def encoder(self):
        return ENCODERS[self.column.kind]

    @property
    def tensor(self) -> str:
        return self.encoder.TENSOR

    @property
    def labels(self) -> list[str]:
        return self.encoder.labels(self.state)


@dataclass(frozen=True)
class Preprocessor:
    """Encoded columns: numbers, times, categories, each in file order. `names` leads from tensor columns
    back to table columns; `left_out` says why a feature column contributes nothing."""

    encoded: tuple[Encoded, ...]
    left_out: dict[str, str]

    @classmethod
    def fit(
        cls, schema: Schema, frame: pd.DataFrame, *, columns: Iterable[str] | None = None, files: Files | None = None
    ) -> "Preprocessor":
        """Learn from the train part only. `columns` are the features; by default those whose role says so. Raises
        DataError where no column can be used."""
        wanted = (
            [schema[name] for name in columns]
            if columns is not None
            else [column for column in schema.columns if column.role in FEATURE_ROLES]
        )
        encoded: list[Encoded] = []
        left_out = {}
        for column in wanted:
            if column.kind not in ENCODERS:
                left_out[column.name] = f"columns of kind {column.kind} are not used yet"
                continue
            if column.kind == "image" and any(one.encoder is image for one in encoded):
                left_out[column.name] = "one column of pictures is used, the first"
                continue
            encoder = ENCODERS[column.kind]
            one = Encoded(column, encoder.fit(typed(frame[column.name], column, files), column))
            if one.labels:
                encoded.append(one)
            else:
                left_out[column.name] = "all values of the train part are the same, or none occurs twice"
        if not encoded:
            reasons = "; ".join(f"{name!r}: {reason}" for name, reason in left_out.items()) or "there are none"
            raise DataError(
                f"No feature column can be used ({reasons}). A model needs at least one number, category or time "
                "that varies: check the kinds and roles of the columns."
            )
        order = list(dict.fromkeys(ENCODERS.values()))
        return cls(tuple(sorted(encoded, key=lambda one: order.index(one.encoder))), left_out)

    def transform(
        self, frame: pd.DataFrame, *, files: Files | None = None, pixels: Path | None = None
    ) -> dict[str, np.ndarray]:
        """Rows of raw values to {"numeric": float32 (rows, F), "category": int32 (rows, C), "image": uint8 (rows, size,
        size, channels)}; a tensor without columns is absent. With `pixels` pictures are streamed into that .npy file
        and come back as a memory map. Raises DataError where a table column is missing."""
        values = self.values(frame, files=files)
        parts: dict[str, list[np.ndarray]] = {}
        for one in self.encoded:
            options = {"out": pixels} if one.encoder is image else {}
            for tensor, array in one.encoder.transform(one.state, values[one.column.name], **options).items():
                parts.setdefault(tensor, []).append(array)
        return {
            tensor: arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)
            for tensor, arrays in parts.items()
        }

    def values(self, frame: pd.DataFrame, *, files: Files | None = None) -> dict[str, np.ndarray]:
        """What the encoders eat, column by column (see typed). Raises DataError where a column is missing."""
        absent = [repr(one.column.name) for one in self.encoded if one.column.name not in frame]
        if absent:
            raise DataError(
                f"The table lacks {', '.join(absent[:5])}{' and more' * (len(absent) > 5)}. It needs the columns the "
                "model was trained on; a column may be empty, but it must be there."
            )
        return {one.column.name: typed(frame[one.column.name], one.column, files) for one in self.encoded}

    def signature_inputs(self) -> dict[str, TensorSpec]:
        """The tensors `transform` gives, as a network must declare them."""
        specs = {}
        if width := len(self.names.get("numeric", ())):
            specs["numeric"] = TensorSpec(shape=(width,))
        if levels := [category.cardinality(one.state) for one in self.encoded if one.tensor == "category"]:
            specs["category"] = TensorSpec(shape=(len(levels),), dtype="int32", cardinalities=tuple(levels))
        for one in self.encoded:
            if one.encoder is image:
                specs["image"] = TensorSpec(shape=image.tensor_shape(one.state), dtype="uint8")
        return specs

    @property
    def names(self) -> dict[str, list[str]]:
        """For each tensor, the table column behind each tensor column."""
        names: dict[str, list[str]] = {}
        for one in self.encoded:
            names.setdefault(one.tensor, []).extend([one.column.name] * len(one.labels))
        return names

    @property
    def labels(self) -> dict[str, list[str]]:
        """For each tensor, what each tensor column holds, in words: 'age', 'age · missing', 'sold · hour (sin)'."""
        labels: dict[str, list[str]] = {}
        for one in self.encoded:
            labels.setdefault(one.tensor, []).extend(
                f"{one.column.name} · {label}" if label else one.column.name for label in one.labels
            )
        return labels

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table columns that are used."""
        return tuple(one.column for one in self.encoded)

    def to_json(self) -> State:
        columns = [{"column": asdict(one.column), "state": one.state} for one in self.encoded]
        return {"columns": columns, "left_out": self.left_out}

    @classmethod
    def from_json(cls, record: State) -> "Preprocessor":
        encoded = (Encoded(Column(**item["column"]), item["state"]) for item in record["columns"])
        return cls(tuple(encoded), record["left_out"])

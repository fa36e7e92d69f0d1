"""The joint between data, task and network: named tensors in, one raw tensor out."""

from dataclasses import asdict, dataclass, field
from typing import Any

# the names of the tensors that samples of one modality may have
TABLE = frozenset({"numeric", "category"})
IMAGE = frozenset({"image"})
WINDOW = frozenset({"history", "calendar"})


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """A named tensor without its batch axis. A dimension may be None.

    `cardinalities` belongs to a tensor of category numbers with shape (columns,): how many numbers each column may
    hold (0 is missing, 1 is unseen, 2 and up are the values seen in training).
    """

    shape: tuple[int | None, ...]
    dtype: str = "float32"
    cardinalities: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelSignature:
    """What a family must eat and give. `output` is the shape of the raw output without its batch axis; `options`
    holds numbers about the samples that shape a network (season, horizon, train size)."""

    inputs: dict[str, TensorSpec]
    output: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict) -> "ModelSignature":
        inputs = {
            name: TensorSpec(
                shape=tuple(spec["shape"]), dtype=spec["dtype"], cardinalities=tuple(spec["cardinalities"])
            )
            for name, spec in record["inputs"].items()
        }
        return cls(inputs=inputs, output=tuple(record["output"]), options=record["options"])

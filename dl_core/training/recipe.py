"""How a network is trained: what a family's space leaves open."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """AdamW with a schedule over a known number of steps.

    `epochs` is a cap: the planned number follows from the deadline and the measured speed. `patience` is the share of
    the planned epochs without a better validation score after which training ends. `label_smoothing` is a share.
    `jit` compiles with XLA where there is no time to measure: right for dense and recurrent layers, wrong for
    convolutions on a CPU.
    """

    batch_size: int
    epochs: int
    learning_rate: float
    weight_decay: float = 0.0
    schedule: Literal["coslog4", "cosine", "flat_cosine"] = "cosine"
    beta_2: float = 0.999
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    patience: float = 1.0
    jit: bool = False

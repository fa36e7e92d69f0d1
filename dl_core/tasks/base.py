"""What every task kind answers. A task has no state of its own: what it learns from the train part is plain JSON."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from dl_core.problems import Problem
from dl_core.runspec import TaskSpec

State = dict[str, Any]


class Task(ABC):
    """Three spaces: raw target values as the table holds them; what the loss eats (`encode`); and task space
    (`decode` of the network's raw output): probabilities (n, classes), values (n, targets) or quantiles
    (n, horizon, 9)."""

    kind: ClassVar[str]
    title: ClassVar[str]
    sampler: ClassVar[str]  # "rows" or "windows"
    metrics: ClassVar[tuple[str, ...]]
    loss: ClassVar[str]  # a name in dl_core/layers/losses.py

    @abstractmethod
    def default_metric(self, state: State) -> str:
        """The metric to choose by where nobody asked for one."""

    @abstractmethod
    def check(self, targets: pd.DataFrame, spec: TaskSpec) -> list[Problem]:
        """What stands against predicting these raw target values (rows, targets). Errors name the column."""

    @abstractmethod
    def fit(self, targets: pd.DataFrame) -> State:
        """Learn classes or scales from the train part's raw target values."""

    @abstractmethod
    def output(self, state: State) -> tuple[int, ...]:
        """Shape of the network's raw output, without its batch axis."""

    @abstractmethod
    def encode(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        """What the loss eats: class numbers (n,) int32 or standardised values (n, targets) float32."""

    @abstractmethod
    def truth(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        """What the metrics compare with: class numbers (n,), -1 for a class never seen, or values (n, targets)."""

    @abstractmethod
    def decode(self, state: State, raw: np.ndarray) -> np.ndarray:
        """Raw network output to task space."""

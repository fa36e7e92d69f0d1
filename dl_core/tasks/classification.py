"""Classification: one target, two or many classes."""

import numpy as np
import pandas as pd

from dl_core.data.values import canonical_text
from dl_core.errors import TargetError
from dl_core.problems import Problem
from dl_core.runspec import TaskSpec
from dl_core.tasks.base import State, Task

MOST_CLASSES = 1000


def as_labels(values: pd.Series) -> pd.Series:
    """Class labels as text; missing stays missing. Whole numbers are written without a decimal point."""
    return pd.Series(canonical_text(values.to_numpy()), index=values.index, dtype=object)


class Classification(Task):
    kind = "classification"
    title = "Classification"
    sampler = "rows"
    metrics = (
        "roc_auc", "accuracy", "balanced_accuracy", "f1_macro", "log_loss", "pr_auc", "brier", "mcc", "ece",
    )  # fmt: skip
    loss = "softmax_crossentropy"

    def default_metric(self, state: State) -> str:
        return "roc_auc" if len(state["classes"]) == 2 else "accuracy"

    def check(self, targets: pd.DataFrame, spec: TaskSpec) -> list[Problem]:
        if len(spec.targets) != 1:
            return [Problem("error", "Classification predicts one column.", "Choose one target.")]
        name = spec.targets[0]
        labels = as_labels(targets[name]).dropna()
        counts = labels.value_counts()
        if labels.empty:
            return [Problem("error", f"Every value of {name!r} is missing.", "Choose another target.", name)]
        if len(counts) == 1:
            return [
                Problem(
                    "error",
                    f"Column {name!r} has one class only ({counts.index[0]!r}); there is nothing to tell apart.",
                    "Choose another target, or add rows of another class.",
                    name,
                )
            ]
        if len(counts) > MOST_CLASSES or len(counts) > 0.5 * len(labels) > 5:
            return [
                Problem(
                    "error",
                    f"Column {name!r} has {len(counts):,} distinct values in {len(labels):,} rows; classification "
                    "needs values that repeat.",
                    f"Choose another target, or the regression task if {name!r} is a quantity.",
                    name,
                )
            ]
        return []

    def fit(self, targets: pd.DataFrame) -> State:
        labels = as_labels(targets.iloc[:, 0]).dropna()
        classes = sorted(labels.unique(), key=_numbers_first)
        if len(classes) < 2:
            raise TargetError(
                f"The train part holds one class of {targets.columns[0]!r} only. Choose another split or target."
            )
        return {"classes": classes}

    def output(self, state: State) -> tuple[int, ...]:
        return (len(state["classes"]),)

    def encode(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        return self.truth(state, targets)

    def truth(self, state: State, targets: pd.DataFrame) -> np.ndarray:
        numbers = {label: number for number, label in enumerate(state["classes"])}
        return as_labels(targets.iloc[:, 0]).map(numbers).fillna(-1).to_numpy(np.int32)

    def decode(self, state: State, raw: np.ndarray) -> np.ndarray:
        shifted = np.exp(raw - raw.max(axis=-1, keepdims=True))
        return shifted / shifted.sum(axis=-1, keepdims=True)


def _numbers_first(label: str) -> tuple:
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)

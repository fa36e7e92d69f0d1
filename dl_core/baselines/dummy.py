"""Always the same answer: the class shares, or the mean."""

from typing import Any

import numpy as np

from dl_core.prepared import Prepared
from dl_core.tasks.base import Task


class Dummy:
    def fit(self, prepared: Prepared, task: Task, seconds: float) -> dict[str, Any]:
        truth = np.asarray(prepared.truth("train"))
        if task.kind == "classification":
            return {"answer": (np.bincount(truth, minlength=prepared.signature.output[0]) / len(truth)).tolist()}
        return {"answer": truth.mean(axis=0).tolist()}

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        samples = len(next(iter(inputs.values())))
        return np.tile(np.array(state["answer"]), (samples, 1))

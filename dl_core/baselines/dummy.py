"""Always the same answer: the class shares, or the mean."""

from typing import Any

import numpy as np

from dl_core.prepared import Prepared
from dl_core.tasks.base import Task


class Dummy:
    def fit(self, prepared: Prepared, task: Task, seconds: float) -> dict[str, Any]:
        truth, weight = np.asarray(prepared.truth("train")), prepared.weight("train")
        if task.kind == "classification":
            counts = np.bincount(truth, weight, minlength=prepared.signature.output[0])
            return {"answer": (counts / counts.sum()).tolist()}
        return {"answer": np.average(truth, axis=0, weights=weight).tolist()}

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        samples = len(next(iter(inputs.values())))
        return np.tile(np.array(state["answer"]), (samples, 1))

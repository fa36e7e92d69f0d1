"""Reports: what stored predictions say about one model, as panels. A task kind is one file and one line here."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dl_core.errors import NotFoundError
from dl_core.records import read_array
from dl_core.registry import Registry
from dl_core.report import Panel
from dl_core.runspec import TaskSpec
from dl_core.store.run import Run

REPORTS = Registry(
    "report",
    {
        "classification": "dl_core.evaluation.reports.classification:report",
        "regression": "dl_core.evaluation.reports.regression:report",
        "forecasting": "dl_core.evaluation.reports.forecasting:report",
    },
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model's task-space predictions for one part, and what they are compared with. `prepared` is of the task's
    sampler."""

    task: TaskSpec
    prepared: Any
    part: str
    truth: np.ndarray
    prediction: np.ndarray

    @classmethod
    def of(cls, run: Run, model: str, part: str) -> "Case":
        """Raises NotFoundError where the model has no predictions for this part."""
        path = run.model_folder(model) / f"{part}.npy"
        if not path.exists():
            raise NotFoundError(f"Model {model!r} has no predictions for the {part} part yet. Wait until the run ends.")
        prepared = run.prepared
        return cls(
            task=run.spec.task,
            prepared=prepared,
            part=part,
            truth=prepared.truth(part),
            prediction=read_array(path),
        )


def model_report(run: Run, model: str, part: str = "test") -> list[Panel]:
    """The panels of one model of a run, most telling first, for its test part by default."""
    case = Case.of(run, model, part)
    return REPORTS.load(case.task.kind)(case)

"""Explanations of models and of single predictions, as panels. An explanation is one file and one line here.

An explanation is a function `explain(context) -> list[Panel]`. This catalogue is light, so that pages can list what
they never import; what needs gradients or activations imports TensorFlow in the function that needs it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from dl_core.errors import SpecError
from dl_core.families import IMAGE, TABLE, WINDOW
from dl_core.metrics import METRICS, Metric
from dl_core.registry import Registry
from dl_core.report import Panel
from dl_core.store.run import Run
from dl_core.tasks import TASKS
from dl_core.tasks.base import Task

if TYPE_CHECKING:
    from dl_core.data.dataset import Dataset

Needs = Literal["predictions", "gradients", "activations"]


@dataclass(frozen=True, kw_only=True)
class ExplanationCard:
    """What a person reads about an explanation, and where it fits. `needs` says what the model must offer: baselines
    offer predictions only. `of` is what it explains: the whole model, or one sample at a time."""

    path: str
    title: str
    why: str
    needs: Needs
    of: Literal["model", "sample"]
    inputs: frozenset[str]


EXPLANATIONS: dict[str, ExplanationCard] = {
    "importance": ExplanationCard(
        path="dl_core.explain.importance:explain",
        title="What the model relies on",
        why="Each column is shuffled in turn: the more the score falls, the more the model relies on that column.",
        needs="predictions",
        of="model",
        inputs=TABLE,
    ),
    "attribution": ExplanationCard(
        path="dl_core.explain.attribution:explain",
        title="Why this row",
        why="What each value of a row adds to the answer, compared with a typical row (integrated gradients).",
        needs="gradients",
        of="sample",
        inputs=TABLE,
    ),
    "grad_cam": ExplanationCard(
        path="dl_core.explain.grad_cam:explain",
        title="Where the model looks",
        why="The parts of a picture that speak for the answer (Grad-CAM).",
        needs="activations",
        of="sample",
        inputs=IMAGE,
    ),
    "components": ExplanationCard(
        path="dl_core.explain.components:explain",
        title="What a series is made of",
        why="Trend, season and what is left over; and whether the model's errors still hold a pattern.",
        needs="predictions",
        of="sample",
        inputs=WINDOW,
    ),
}

_REGISTRY = Registry("explanation", {name: card.path for name, card in EXPLANATIONS.items()})


@dataclass(frozen=True, kw_only=True)
class Context:
    """What an explanation may read.

    `predictor` answers raw rows (`predict(frame)`); `network` is the trained Keras model with encoded inputs and a raw
    output, None for a baseline. `sample` is the number of a sample of the test part (of a series, in a forecast);
    `frame` holds the raw values of one row instead, for a row that is in no part. `seconds` is how long it may take.
    """

    run: Run
    model: str
    predictor: Any
    network: Any = None
    sample: int | None = None
    frame: pd.DataFrame | None = None
    seconds: float = 20.0

    @property
    def dataset(self) -> "Dataset":
        return self.run.dataset

    @cached_property
    def prepared(self) -> Any:
        """Of the task's sampler."""
        return self.run.prepared

    @cached_property
    def task(self) -> Task:
        return TASKS.load(self.run.spec.task.kind)()

    @cached_property
    def metric(self) -> Metric:
        return METRICS.load(self.run.spec.task.metric)

    def row(self) -> pd.DataFrame:
        """The raw values of the row to explain, as a table of one row."""
        if self.frame is not None:
            return self.frame.iloc[:1]
        if self.sample is None:
            raise SpecError("Which row? This explanation is about one row; name the sample.")
        return test_rows(self.run, [self.sample])


def test_rows(run: Run, samples: list[int]) -> pd.DataFrame:
    """Raw values of samples of the test part (rows and pictures), in the order asked for."""
    prepared: Any = run.prepared
    numbers = np.asarray(prepared.rows("test"))
    if any(not 0 <= sample < len(numbers) for sample in samples):
        raise SpecError(f"The test part has samples 0 to {len(numbers) - 1:,}. Received {samples}.")
    known = [name for name in run.schema.names if name in run.tested.schema]
    return run.tested.table(known, rows=numbers[samples].tolist())


def fitting(inputs: set[str], kind: str) -> list[str]:
    """Names of the explanations that fit a model of this kind (network, ensemble, baseline) over these tensors."""
    return [
        name
        for name, card in EXPLANATIONS.items()
        if set(inputs) <= card.inputs and (kind != "baseline" or card.needs == "predictions")
    ]


def explain(name: str, context: Context) -> list[Panel]:
    """The panels of one explanation. Raises SpecError for a name that is unknown or does not fit the model."""
    function = _REGISTRY.load(name)
    card = EXPLANATIONS[name]
    if card.needs != "predictions" and context.network is None:
        raise SpecError(f"“{card.title}” looks inside a network; {context.model!r} is a baseline. Choose a network.")
    return function(context)


def record_name(name: str, sample: int | None) -> str:
    """The file an explanation is kept in, without its ending: one for each sample it is about."""
    return name if sample is None else f"{name}-{sample}"

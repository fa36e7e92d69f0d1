"""Two models of two runs against each other, where both answered the same test samples."""

import numpy as np

from dl_core.evaluation.leaderboard import Part
from dl_core.metrics import METRICS
from dl_core.metrics.intervals import difference
from dl_core.records import read_array
from dl_core.store.run import Run


def lead(run: Run, model: str, other: Run, other_model: str) -> tuple[float, float, float] | None:
    """How far `model` is ahead in the metric of `run` on the test part, positive where it is better, and the 95 %
    interval of that paired difference: (gap, low, high). None where the two were tested on different samples."""
    metric = METRICS.load(run.spec.task.metric)
    parts = [Part.of(each.prepared, "test") for each in (run, other)]
    if not np.array_equal(parts[0].truth, parts[1].truth, equal_nan=parts[0].truth.dtype.kind == "f"):
        return None
    answers = [read_array(each.model_folder(name) / "test.npy") for each, name in ((run, model), (other, other_model))]
    if answers[0].shape != answers[1].shape:
        return None
    gap = metric.sign * (parts[0].score(metric, answers[0]) - parts[0].score(metric, answers[1]))
    draws = [parts[0].resampled(metric, answer, run.spec.seed) for answer in answers]
    low, high = sorted(metric.sign * end for end in difference(draws[0], draws[1]))
    return gap, low, high

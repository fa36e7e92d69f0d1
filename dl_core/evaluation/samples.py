"""Samples worth a look: how wrong each one is, the worst first, and some like any other."""

from dataclasses import dataclass

import numpy as np

from dl_core.evaluation.reports import Case
from dl_core.report import percent, significant
from dl_core.seeds import generator

WORST, USUAL = 24, 24


@dataclass(frozen=True)
class Look:
    """One sample of a part: its number, what is true, what the model said, and how wrong that is (more is worse)."""

    sample: int
    truth: str
    said: str
    error: float
    right: bool | None


def errors(case: Case) -> np.ndarray:
    """How wrong each prediction is, (samples,): the surprise at the true class, the error in units of the target's
    spread (mean over the targets), or the scaled error of a forecast. NaN where it cannot be told."""
    truth, prediction = np.asarray(case.truth), np.asarray(case.prediction, np.float64)
    if case.task.kind == "classification":
        share = prediction[np.arange(len(truth)), np.maximum(truth, 0)]
        return np.where(truth >= 0, -np.log(np.clip(share, 1e-15, 1.0)), np.nan)
    if case.task.kind == "regression":
        spread = np.nanstd(truth, axis=0)
        return (np.abs(truth - prediction) / np.where(spread > 0, spread, 1.0)).mean(1)
    scale = np.asarray(case.prepared.context(case.part)["scale"])[:, None]
    gaps = np.abs(truth - prediction[:, :, prediction.shape[2] // 2]) / scale
    known = np.isfinite(gaps)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, gaps, 0.0).sum(1) / known.sum(1)


def worst(case: Case, count: int = WORST) -> list[Look]:
    """The samples that are predicted worst, worst first."""
    each = errors(case)
    order = np.argsort(-np.nan_to_num(each, nan=-np.inf), kind="stable")[:count]
    return [_look(case, int(sample), each) for sample in order if np.isfinite(each[sample])]


def usual(case: Case, count: int = USUAL, seed: int = 0) -> list[Look]:
    """Samples drawn at random, in order of their number."""
    each = errors(case)
    drawn = generator(seed, "usual samples").permutation(len(each))[:count]
    return [_look(case, int(sample), each) for sample in np.sort(drawn)]


def _look(case: Case, sample: int, each: np.ndarray) -> Look:
    prediction = np.asarray(case.prediction[sample], np.float64)
    if case.task.kind == "classification":
        classes = case.prepared.state["task"]["classes"]
        chosen, true = int(prediction.argmax()), int(case.truth[sample])
        said = f"{classes[chosen]} ({percent(float(prediction[chosen]))})"
        return Look(
            sample, str(classes[true]) if true >= 0 else "another class", said, float(each[sample]), chosen == true
        )
    if case.task.kind == "regression":
        truth, said = (", ".join(map(significant, values)) for values in (np.asarray(case.truth[sample]), prediction))
        return Look(sample, truth, said, float(each[sample]), None)
    return Look(sample, "", f"MASE {significant(float(each[sample]))}", float(each[sample]), None)


def margin(truth: np.ndarray, prediction: np.ndarray, level: float = 0.8) -> np.ndarray:
    """How far below and above a prediction the truth lies in `level` of the cases: (2, targets), from the residuals of
    samples that neither fitted the model nor chose its weights or settings, as those of the test part
    (split-conformal: Lei et al., 2018)."""
    residual = truth - prediction
    samples = len(residual)
    share = min(1.0, np.ceil((samples + 1) * (1 + level) / 2) / samples)
    return np.stack([np.quantile(residual, 1 - share, axis=0), np.quantile(residual, share, axis=0)])

"""Scores of class probabilities (samples, classes) against class numbers (samples,), -1 for a class never trained on.

A sample of a class never trained on counts as a miss where classes are counted, and is left out where a probability
of the true class would be needed.
"""

from collections.abc import Iterator

import numpy as np

from dl_core.metrics import Metric, mean_of

_KINDS = ("classification",)
_BINS = 15


def _one(weighted):
    """A `compute` from a `weighted`: every sample counts once."""

    def compute(truth: np.ndarray, prediction: np.ndarray, **context) -> float:
        return float(weighted(np.ones((1, len(truth)), np.float32), truth, prediction, **context)[0])

    return compute


def _ranked(weights: np.ndarray, truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of positives and of all samples at each distinct score, best score first: two arrays
    (resamples, distinct scores). `truth` is boolean (samples,)."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    everything = weights[:, order]
    positives = everything * truth[order]
    if len(starts) < len(order):
        everything = np.add.reduceat(everything, starts, axis=1)
        positives = np.add.reduceat(positives, starts, axis=1)
    return positives, everything


def _against_rest(
    weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`_ranked` of the second class of two, or of each of many classes against the rest; classes that do not occur
    (or are all there is) are left out."""
    known = truth >= 0
    weights, truth, prediction = weights[:, known], truth[known], prediction[known]
    classes = (1,) if prediction.shape[1] == 2 else range(prediction.shape[1])
    for number in classes:
        positive = truth == number
        if 0 < positive.sum() < len(truth):
            yield _ranked(weights, positive, prediction[:, number])


def _two_classes(truth: np.ndarray) -> bool:
    """Whether there is anything to rank: a sample of a class and one that is not."""
    return len(np.unique(truth[truth >= 0])) > 1


def _average(scores: list[np.ndarray], resamples: int) -> np.ndarray:
    return np.mean(scores, axis=0) if scores else np.full(resamples, np.nan)


def _roc_auc(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    scores = []
    for positives, everything in _against_rest(weights, truth, prediction):
        negatives = everything - positives
        below = negatives.sum(1, keepdims=True) - np.cumsum(negatives, axis=1) + 0.5 * negatives
        pairs = positives.sum(1, dtype=np.float64) * negatives.sum(1, dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores.append(np.einsum("rs,rs->r", positives, below, dtype=np.float64) / pairs)
    return _average(scores, len(weights))


def _pr_auc(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    scores = []
    for positives, everything in _against_rest(weights, truth, prediction):
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.nan_to_num(np.cumsum(positives, axis=1) / np.cumsum(everything, axis=1))
            found = np.einsum("rs,rs->r", positives, precision, dtype=np.float64)
            scores.append(found / positives.sum(1, dtype=np.float64))
    return _average(scores, len(weights))


def _counts(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weight of each class as truth, as choice and as both: three arrays (resamples, classes)."""
    chosen = prediction.argmax(1)
    classes = np.arange(prediction.shape[1])
    is_truth = (truth[:, None] == classes).astype(np.float32)
    is_choice = (chosen[:, None] == classes).astype(np.float32)
    return weights @ is_truth, weights @ is_choice, weights @ (is_truth * is_choice)


def _balanced_accuracy(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    actual, _chosen, hits = _counts(weights, truth, prediction)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / actual
    return _mean_over_classes(recall)


def _f1_macro(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    actual, chosen, hits = _counts(weights, truth, prediction)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _mean_over_classes(2 * hits / (actual + chosen))


def _mean_over_classes(scores: np.ndarray) -> np.ndarray:
    known = np.isfinite(scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, scores, 0).sum(1) / known.sum(1)


def _mcc(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    """Gorodkin (2004): the correlation of truth and choice for any number of classes; 0 where one of them is
    constant."""
    actual, chosen, hits = (counts.astype(np.float64) for counts in _counts(weights, truth, prediction))
    total = weights.sum(1, dtype=np.float64)
    covariance = hits.sum(1) * total - (actual * chosen).sum(1)
    spread = (total**2 - (actual**2).sum(1)) * (total**2 - (chosen**2).sum(1))
    return np.divide(covariance, np.sqrt(spread), out=np.zeros_like(total), where=spread > 0)


def _ece(weights: np.ndarray, truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    """Guo et al. (2017), 15 bins of equal width over the probability of the chosen class."""
    confidence = prediction.max(1)
    gap = confidence - (prediction.argmax(1) == truth)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    terms = np.zeros((len(truth), _BINS), np.float32)
    terms[np.arange(len(truth)), bins] = gap
    return np.abs(weights @ terms).sum(1) / weights.sum(1)


def _log_loss(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    truth = np.asarray(truth)
    probability = prediction[np.arange(len(truth)), np.maximum(truth, 0)].astype(np.float64)
    return np.where(truth >= 0, -np.log(np.clip(probability, 1e-15, 1.0)), np.nan)


def _brier(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    """Brier (1950): squared distance to the true class, summed over classes; halved for two classes, which is the
    usual one-column form."""
    classes = prediction.shape[1]
    hot = np.asarray(truth)[:, None] == np.arange(classes)
    return ((prediction - hot) ** 2).sum(1) / (2 if classes == 2 else 1)


def _accuracy(truth: np.ndarray, prediction: np.ndarray, **_) -> np.ndarray:
    return (prediction.argmax(1) == truth).astype(np.float64)


roc_auc = Metric(
    name="roc_auc",
    title="ROC AUC",
    direction="max",
    kinds=_KINDS,
    compute=_one(_roc_auc),
    weighted=_roc_auc,
    fits=_two_classes,
    help="How often a sample of the class gets a higher probability than a sample that is not: 0.5 is guessing, "
    "1 is perfect. With many classes, the mean over each class against the rest.",
)
accuracy = Metric(
    name="accuracy",
    title="Accuracy",
    direction="max",
    kinds=_KINDS,
    **mean_of(_accuracy),
    help="The share of samples whose most probable class is the true one.",
)
balanced_accuracy = Metric(
    name="balanced_accuracy",
    title="Balanced accuracy",
    direction="max",
    kinds=_KINDS,
    compute=_one(_balanced_accuracy),
    weighted=_balanced_accuracy,
    help="The share of right answers in each class, averaged over the classes, so that rare classes count as much as "
    "frequent ones.",
)
f1_macro = Metric(
    name="f1_macro",
    title="F1 (macro)",
    direction="max",
    kinds=_KINDS,
    compute=_one(_f1_macro),
    weighted=_f1_macro,
    help="For each class the balance between finding it and not crying wolf, averaged over the classes.",
)
log_loss = Metric(
    name="log_loss",
    title="Log loss",
    direction="min",
    kinds=_KINDS,
    **mean_of(_log_loss),
    help="How surprised the model is by the truth: small when the true class gets a high probability.",
)
pr_auc = Metric(
    name="pr_auc",
    title="PR AUC",
    direction="max",
    kinds=_KINDS,
    compute=_one(_pr_auc),
    weighted=_pr_auc,
    fits=_two_classes,
    help="Average precision over all shares of found positives: the honest score when the class is rare. Guessing "
    "scores the share of the class.",
)
brier = Metric(
    name="brier",
    title="Brier score",
    direction="min",
    kinds=_KINDS,
    **mean_of(_brier),
    help="Mean squared distance between the probabilities and the truth: 0 is perfect.",
)
mcc = Metric(
    name="mcc",
    title="Matthews correlation",
    direction="max",
    kinds=_KINDS,
    compute=_one(_mcc),
    weighted=_mcc,
    help="Correlation between the chosen and the true class: 0 is guessing, 1 is perfect, whatever the class sizes.",
)
ece = Metric(
    name="ece",
    title="Calibration error",
    direction="min",
    kinds=_KINDS,
    compute=_one(_ece),
    weighted=_ece,
    ranks=False,
    help="How far the stated probability is from the share of right answers, on average.",
)

"""What class probabilities are worth: confusion, ROC, precision and recall, calibration, class by class."""

import numpy as np

from dl_core.evaluation.reports import Case
from dl_core.metrics import METRICS
from dl_core.report import Panel, significant

_MOST_IN_MATRIX = 20
_MOST_CURVES = 6
_CURVE_POINTS = 200
_BINS = 10
_FEWEST_IN_BIN = 5


def report(case: Case) -> list[Panel]:
    classes = [str(label) for label in case.prepared.state["task"]["classes"]]
    known = case.truth >= 0
    truth, prediction = np.asarray(case.truth)[known], np.asarray(case.prediction, np.float64)[known]
    counts = _confusion(truth, prediction)
    panels = [
        confusion(counts, classes),
        roc(truth, prediction, classes),
        precision_recall(truth, prediction, classes),
        calibration(truth, prediction, classes),
        per_class(counts, classes),
    ]
    return [panel for panel in panels if panel is not None]


def _confusion(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    classes = prediction.shape[1]
    return np.bincount(truth * classes + prediction.argmax(1), minlength=classes**2).reshape(classes, classes)


def confusion(counts: np.ndarray, classes: list[str]) -> Panel:
    """Who was taken for whom; with many classes only the confusions that happen most."""
    wrong = counts - np.diag(np.diag(counts))
    right, total = int(np.trace(counts)), int(counts.sum())
    note = f"{right:,} of {total:,} are right."
    if wrong.any():
        actual, named = np.unravel_index(wrong.argmax(), wrong.shape)
        note += f" Most often, “{classes[actual]}” is taken for “{classes[named]}”: {wrong[actual, named]:,} times."
    title, help = "Who is taken for whom", "Rows are the true classes, columns what the model said."
    if len(classes) <= _MOST_IN_MATRIX:
        return Panel(
            kind="matrix", title=title, note=note, help=help, data={"labels": classes, "counts": counts.tolist()}
        )
    pairs = [np.unravel_index(place, wrong.shape) for place in np.argsort(-wrong, axis=None)[:15]]
    pairs = [(actual, named) for actual, named in pairs if wrong[actual, named]]
    return Panel(
        kind="bars",
        title="The most frequent confusions",
        note=note,
        help="True class, then what the model said.",
        data={
            "labels": [f"{classes[actual]} → {classes[named]}" for actual, named in pairs],
            "values": [float(wrong[pair]) for pair in pairs],
            "x_title": "How many times",
            "hover": [
                f"{wrong[actual, named]:,} of {counts[actual].sum():,} “{classes[actual]}” were taken for "
                f"“{classes[named]}”."
                for actual, named in pairs
            ],
        },
    )


def _chosen(truth: np.ndarray, classes: list[str]) -> list[int]:
    """The classes to draw: the second of two; of many the most frequent ones that occur."""
    occurring = np.bincount(truth, minlength=len(classes))
    if len(classes) == 2:
        return [1] if 0 < occurring[1] < len(truth) else []
    order = np.argsort(-occurring, kind="stable")
    return [int(number) for number in order if 0 < occurring[number] < len(truth)][:_MOST_CURVES]


def _ranked(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positives and negatives at or above each distinct score, best first."""
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    found = np.cumsum(positive[order])[last_of_ties]
    return found, last_of_ties + 1 - found


def _thinned(*arrays: np.ndarray) -> list[list[float]]:
    """The same few places of every array, both ends among them."""
    places = np.unique(np.linspace(0, len(arrays[0]) - 1, _CURVE_POINTS).round().astype(int))
    return [array[places].round(5).tolist() for array in arrays]


def roc(truth: np.ndarray, prediction: np.ndarray, classes: list[str]) -> Panel | None:
    chosen = _chosen(truth, classes)
    series = []
    for number in chosen:
        positive = truth == number
        found, alarms = _ranked(positive, prediction[:, number])
        x, y = _thinned(np.r_[0, alarms / (~positive).sum()], np.r_[0, found / positive.sum()])
        role = "accent" if len(chosen) == 1 else None
        series.append({"name": classes[number], "x": x, "y": y, "role": role})
    if not series:
        return None
    area = METRICS.load("roc_auc").compute(truth, prediction)
    return Panel(
        kind="curve",
        title="Ranking: ROC",
        note=f"Area {significant(area)}: the chance that a sample of the class is ranked above one that is not.",
        help="Each point is a threshold: how many of the class are found, against how many others raise a false alarm.",
        data={
            "series": series,
            "x_title": "Others that raise a false alarm",
            "y_title": "Found of the class",
            "diagonal": True,
            "diagonal_name": "guessing",
            "sentence": "To find {y} of the class, {x} of the others raise a false alarm.",
        },
    )


def precision_recall(truth: np.ndarray, prediction: np.ndarray, classes: list[str]) -> Panel | None:
    chosen = _chosen(truth, classes)
    series = []
    for number in chosen:
        positive = truth == number
        found, alarms = _ranked(positive, prediction[:, number])
        x, y = _thinned(found / positive.sum(), found / (found + alarms))
        role = "accent" if len(chosen) == 1 else None
        series.append({"name": classes[number], "x": x, "y": y, "role": role})
    if not series:
        return None
    area = METRICS.load("pr_auc").compute(truth, prediction)
    data: dict = {
        "series": series,
        "x_title": "Found of the class (recall)",
        "y_title": "Right when it says so (precision)",
        "sentence": "When {x} of the class are found, {y} of those named are right.",
    }
    note = f"Area {significant(area)}"
    if len(chosen) == 1:
        share = float((truth == chosen[0]).mean())
        data |= {"level": share, "level_name": "guessing"}
        note += f"; guessing would score {significant(share)}, the share of “{classes[chosen[0]]}”"
    return Panel(
        kind="curve",
        title="Finding without crying wolf: precision and recall",
        note=f"{note}.",
        help="The honest curve for a rare class: false alarms are counted against what is found.",
        data=data,
    )


def calibration(truth: np.ndarray, prediction: np.ndarray, classes: list[str]) -> Panel | None:
    """Stated probability against the share that is true: of the second of two classes, of the chosen one of many."""
    binary = len(classes) == 2
    stated = prediction[:, 1] if binary else prediction.max(1)
    happened = truth == 1 if binary else prediction.argmax(1) == truth
    bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    shown = np.flatnonzero(counts >= _FEWEST_IN_BIN)
    if not len(shown):
        return None
    said = np.bincount(bins, stated, _BINS)[shown] / counts[shown]
    true = np.bincount(bins, happened, _BINS)[shown] / counts[shown]
    gap = float((counts[shown] * np.abs(said - true)).sum() / counts[shown].sum())
    example = f"Where it says {said[-1]:.0%}, {true[-1]:.0%} are right."
    verdict = "can be taken at their word" if gap < 0.03 else "are off"
    return Panel(
        kind="curve",
        title="Are the probabilities true? Calibration",
        note=f"The probabilities {verdict}: on average {gap * 100:.1f} points from what happens. {example}",
        help="Points on the line: things said to be 70 % likely happen 70 times in 100. Size is how many samples.",
        data={
            "series": [
                {
                    "name": f"“{classes[1]}”" if binary else "The chosen class",
                    "x": said.round(4).tolist(),
                    "y": true.round(4).tolist(),
                    "counts": counts[shown].tolist(),
                    "markers": True,
                    "role": "accent",
                }
            ],
            "x_title": f"Stated probability of “{classes[1]}”" if binary else "Stated probability of the chosen class",
            "y_title": "Share that is true",
            "diagonal": True,
            "diagonal_name": "perfect",
            "sentence": "Said to be {x} likely, true for {y}.",
        },
    )


def per_class(counts: np.ndarray, classes: list[str]) -> Panel:
    actual, named, hits = counts.sum(1), counts.sum(0), np.diag(counts)
    rows = []
    for number in np.argsort(-actual, kind="stable"):
        found = float(hits[number] / actual[number]) if actual[number] else None
        right = float(hits[number] / named[number]) if named[number] else None
        both = float(2 * hits[number] / (actual[number] + named[number])) if actual[number] + named[number] else None
        rows.append([classes[number], int(actual[number]), found, right, both])
    scored = [row for row in rows if row[1] and row[2] is not None]
    worst = min(scored, key=lambda row: row[2], default=None)
    note = f"Hardest to find: “{worst[0]}”, {worst[2]:.0%} of {worst[1]:,}." if worst and len(scored) > 1 else ""
    return Panel(
        kind="table",
        title="Class by class",
        note=note,
        help="Found is recall, right when named is precision, F1 balances the two.",
        data={"columns": ["Class", "Samples", "Found", "Right when named", "F1"], "rows": rows},
    )

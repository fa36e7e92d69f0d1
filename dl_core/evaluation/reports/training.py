"""What the trials of a run say: learning curves, the search over time, which parameters pay."""

from collections import Counter

from dl_core.evaluation import spoken
from dl_core.metrics import Metric
from dl_core.report import Panel, significant

_MOST_AXES = 6
_LOG_SPAN = 20.0


def _points(trial: dict, key: str) -> tuple[list[float], list[float]]:
    pairs = [(point["epoch"], point[key]) for point in trial.get("curve") or () if point.get(key) is not None]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def losses(trial: dict) -> Panel | None:
    """Training and validation loss of one trial, or nothing where it left no curve."""
    train, valid = _points(trial, "train_loss"), _points(trial, "valid_loss")
    if not train[0] and not valid[0]:
        return None
    note = ""
    if valid[1]:
        best = min(range(len(valid[1])), key=valid[1].__getitem__)
        note = f"The validation loss is lowest after {valid[0][best]:g} of {valid[0][-1]:g} epochs."
    return Panel(
        kind="lines",
        title="Loss",
        note=note,
        help="What training minimises. Where the validation loss rises while the other falls, the network memorises.",
        data={
            "x_title": "epochs",
            "y_title": "loss",
            "series": [
                {"name": "training", "x": train[0], "y": train[1]},
                {"name": "validation", "x": valid[0], "y": valid[1], "role": "accent"},
            ],
        },
    )


def learning_curves(trials: list[dict], metric: Metric, best: str | None = None, folds: int = 1) -> Panel | None:
    """The validation score of every trial after each epoch, of its first network where there are `folds`; the trial
    `best` stands out."""
    series = []
    for trial in trials:
        x, y = _points(trial, "score")
        if x:
            chosen = trial["trial"] == best
            name = f"{trial['family']} {trial['trial']}"
            series.append(
                {"name": name, "x": x, "y": y, "role": "accent" if chosen else "quiet", "markers": len(x) == 1}
            )
    if not series:
        return None
    return Panel(
        kind="lines",
        title="Learning curves",
        note=f"{len(series)} trials; the best is drawn in colour." if len(series) > 1 else "One trial.",
        help=f"{metric.title} on the validation part after every pass over the training part."
        if folds == 1
        else f"{metric.title} of the first of a trial's {folds} networks on the fold that it does not learn from, "
        "after every pass over the others.",
        data={
            "x_title": "epochs",
            "y_title": f"validation {metric.title}" if folds == 1 else f"{metric.title} on the first fold",
            "series": series,
            "y_range": _readable(series, metric),
        },
    )


def _ended(trial: dict) -> bool:
    """Whether the score of a trial is that of a whole training; one that was pruned has been given up on the way."""
    return trial.get("score") is not None and trial["status"] != "pruned"


def _readable(series: list[dict], metric: Metric) -> list[float]:
    """An axis on which the leaders can be told apart: the worst tenth of the points may lie outside."""
    ordered = sorted((value for line in series for value in line["y"]), key=lambda value: metric.sign * value)
    low, high = sorted((ordered[len(ordered) // 10], ordered[-1]))
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return [low - room, high + room]


def over_time(trials: list[dict], metric: Metric, folds: int = 1) -> Panel | None:
    """Every trial that was trained to its end at the moment it ended, and the best score so far."""
    done = [trial for trial in trials if _ended(trial) and trial.get("started")]
    if not done:
        return None
    start = min(trial["started"] for trial in done)
    done.sort(key=lambda trial: trial["started"] + (trial.get("seconds") or 0))
    seconds = [trial["started"] + (trial.get("seconds") or 0) - start for trial in done]
    scores = [trial["score"] for trial in done]
    best, so_far = scores[0], []
    for score in scores:
        best = score if metric.sign * (score - best) > 0 else best
        so_far.append(best)
    first, last = significant(so_far[0]), significant(so_far[-1])
    return Panel(
        kind="lines",
        title="How the search went",
        note=_gained(first, last, len(done)),
        help="Each dot is a trial; the line is the best score so far.",
        data={
            "x_title": "seconds",
            "y_title": f"validation {metric.title}" if folds == 1 else f"{metric.title} {spoken.name(folds)}",
            "series": [
                {"name": "trials", "x": seconds, "y": scores, "role": "baseline", "markers": True, "dots": True},
                {"name": "best so far", "x": seconds, "y": so_far, "role": "accent", "shape": "hv"},
            ],
        },
    )


def _gained(first: str, last: str, trials: int) -> str:
    if first == last:
        return f"The first trial reached {first}" + ("; no later one went beyond." if trials > 1 else ".")
    return f"From {first} after the first trial to {last} after {trials}."


def parameters(trials: list[dict], metric: Metric, family: str) -> Panel | None:
    """What the trials of one family tried, as lines through their parameters; nothing for fewer than three trials."""
    done = [trial for trial in trials if trial["family"] == family and _ended(trial)]
    if len(done) < 3:
        return None
    names = Counter(name for trial in done for name in trial["params"])
    shared = [name for name, count in names.items() if count == len(done)]
    varied = [name for name in shared if len({str(trial["params"][name]) for trial in done}) > 1][:_MOST_AXES]
    if not varied:
        return None
    axes = []
    for name in varied:
        values = [trial["params"][name] for trial in done]
        values = [
            value if isinstance(value, int | float) and not isinstance(value, bool) else str(value) for value in values
        ]
        numbers = all(isinstance(value, int | float) for value in values)
        log = numbers and min(values) > 0 and max(values) / min(values) > _LOG_SPAN
        axes.append({"name": name, "values": values, "log": log})
    best = max(done, key=lambda trial: metric.sign * trial["score"])
    return Panel(
        kind="parallel",
        title="Which settings pay",
        note=f"The best of {len(done)} is {best['trial']}: "
        + ", ".join(f"{name} {_said(best['params'][name])}" for name in varied[:3])
        + ".",
        help="Each line is a trial, running through its settings to its score; the stronger the colour, the better.",
        data={
            "axes": axes,
            "score": [trial["score"] for trial in done],
            "score_title": metric.title,
            "direction": metric.direction,
        },
    )


def _said(value: object) -> str:
    return significant(value) if isinstance(value, float) else str(value)


def trial_table(trials: list[dict], metric: Metric, folds: int = 1) -> Panel:
    """Every trial with its family, source, status, score and settings, in start order. With `folds` a trial that was
    pruned has the score of its first one only, which is no score beside the others."""
    rows = [
        [
            trial["trial"],
            trial["family"],
            trial["source"],
            trial["status"],
            trial.get("score") if folds == 1 or _ended(trial) else None,
            trial.get("seconds"),
            trial.get("epochs"),
            trial.get("parameters"),
            ", ".join(f"{name} {_said(value)}" for name, value in trial["params"].items()),
            trial.get("error") or "",
        ]
        for trial in trials
    ]
    columns = [
        "Trial",
        "Family",
        "From",
        "Status",
        metric.title,
        "Seconds",
        "Epochs",
        "Parameters",
        "Settings",
        "Reason",
    ]
    return Panel(kind="table", title="Trials", data={"columns": columns, "rows": rows})

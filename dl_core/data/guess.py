"""What a dataset is probably for: target, task, time, split and horizon, each with its reason."""

import re
from collections.abc import Sequence
from typing import Any

from dl_core.data.panel import Grid
from dl_core.data.schema import Column, Schema

MOST_CLASSES = 100
FEW_CODES = 10
ROWS_PER_CLASS = 5
STEPS_PER_HORIZON = 8
"""A horizon takes at most this part of the usual series, so that there is a past to learn from."""

ANSWERS = re.compile(
    r"^(?:target|targets|label|labels|class|classes|y|outcome|output|response|answer|ground_?truth|diagnosis|ziel|zielwert)$",
    re.IGNORECASE,
)
LIKELY = re.compile(
    r"^(?:survived|churn(?:ed)?|income|species|default(?:ed)?|fraud|is_?fraud|spam|is_?spam|sentiment|quality|cnt|medv"
    r"|charges|sale_?price|attrition|exited|approved|purchased|converted|clicked|readmitted|machine[ _]failure|failure"
    r"|letter|rul|rings|two_year_recid|binary|result|category|rating|score|grade|mpg|count|revenue|sales|salary|wage"
    r"|amount|credit_risk|loan_status)$|(?:_|\b)(?:target|label|class|outcome)$|(?:^|[_ ])price(?:[_ ]|$)",
    re.IGNORECASE,
)
CODES = re.compile(r"(?:class|label|type|category|species|group|cluster|digit|target)", re.IGNORECASE)
QUANTITIES = re.compile(
    r"(?:score|rating|rank|count|cnt|number|num|age|year|rooms|rings|stars|quality|price|amount|hours|days|size|level)",
    re.IGNORECASE,
)
MEASURED = re.compile(
    r"^(?:y|value|target|sales|demand|price|close|count|cnt|load|passengers|quantity|qty|volume|consumption|ot|power|traffic"
    r"|pm2[._]?5|production|revenue|visits|clicks|orders|total|energy|sunspots|barrels|births|temperature|amount)$",
    re.IGNORECASE,
)
SEVERAL = re.compile(r"^(?:y|target|output|label)[_ ]?\d+$", re.IGNORECASE)

HORIZONS = {"min": 60, "h": 48, "D": 14, "B": 10, "W": 13, "MS": 12, "ME": 12, "QS": 8, "QE": 8, "YS": 6, "YE": 6}
"""As in the M4 competition (Makridakis et al. 2020) for hours, days, weeks, quarters and years; a year of months."""
USUAL_STEPS = 48
DAY = 86_400.0

Guess = dict[str, Any]


def guess(schema: Schema, profile: dict[str, Any], modality: str, name: str = "") -> Guess:
    """{"task", "targets", "time", "series", "horizon", "season", "frequency", "split": {"kind", "column"}, "metric",
    "why", "reasons"}: what a person would most likely want, None or empty where that is open. `why` says why this
    target; `reasons` has a sentence for each key. The season is left to the run, which looks at the values. `name` is
    what the file was called."""
    if modality == "series":
        return _forecast(schema, profile)
    targets, why = _targets(schema, profile, modality, name)
    reasons = {"targets": why}
    result: Guess = {
        "task": None, "targets": targets, "time": None, "series": [], "horizon": None, "season": None,
        "frequency": None, "metric": None, "why": why, "reasons": reasons,
    }  # fmt: skip
    if targets:
        result["task"], reasons["task"] = task_of([schema[name] for name in targets], profile)
    result["split"], reasons["split"] = split_of(schema, profile, result["task"])
    result["metric"], reasons["metric"] = _metric(result["task"], targets, profile)
    return result


# tables and pictures


def _targets(schema: Schema, profile: dict[str, Any], modality: str, name: str) -> tuple[list[str], str]:
    marked = [column.name for column in schema.having("target")]
    if marked:
        return marked, "it is marked as the target"
    usable = [column for column in schema.columns if can_be_target(column, profile)]
    if modality == "image":
        label = next((column for column in usable if column.name == "label"), None)
        if label is not None:
            return [label.name], label.reason
    if not usable:
        return [], "no column holds numbers or classes that repeat"
    several = [column.name for column in usable if SEVERAL.search(column.name)]
    if len(several) > 1 and len({column.kind for column in usable if column.name in several}) == 1:
        return several, "their names say that they belong together as answers"
    named = [column for column in usable if ANSWERS.search(column.name)]
    if named:
        return [named[-1].name], f"a column called {named[-1].name!r} usually is the answer"
    titled = [column for column in usable if len(_letters(column.name)) > 3 and _letters(column.name) in _letters(name)]
    if titled:
        return [titled[-1].name], f"the file is named after {titled[-1].name!r}"
    first, last = schema.columns[0].name, schema.columns[-1].name
    likely = [column for column in usable if LIKELY.search(column.name)]
    if likely:
        ends = [column for column in likely if column.name in (first, last)]
        chosen = (ends or likely)[-1]
        return [chosen.name], f"a column called {chosen.name!r} often is what people want to know"
    classes = [column for column in usable if column.kind in ("category", "boolean")]
    if len(classes) == 1 and classes[0].name == first:
        return [first], "it is the first column and the only one with classes"
    if usable[-1].name == last:
        return [last], "it is the last column, where the answer usually stands"
    return [usable[-1].name], "it is the last column that holds numbers or classes that repeat"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def can_be_target(column: Column, profile: dict[str, Any]) -> bool:
    """Whether there is something to predict: a quantity, or classes that repeat."""
    about = profile["columns"][column.name]
    if column.role not in ("feature", "target") or about["distinct"] < 2:
        return False
    if column.kind in ("category", "boolean"):
        return about["distinct"] <= MOST_CLASSES and about.get("rare", 0) <= about["distinct"] / 2
    return column.kind == "numeric"


def task_of(targets: Sequence[Column], profile: dict[str, Any]) -> tuple[str, str]:
    """(task kind, reason) for these targets."""
    column = targets[0]
    about = profile["columns"][column.name]
    distinct = about["distinct"]
    if column.kind != "numeric":
        return "classification", f"{column.name!r} holds {distinct:,} different {column.kind} values"
    if len(targets) > 1:
        return "regression", f"{column.name!r} and {len(targets) - 1} more are numbers"
    present = profile["rows"] - about["missing"]
    codes = about.get("whole") and distinct <= FEW_CODES and present >= ROWS_PER_CLASS * distinct
    gapless = codes and about["max"] - about["min"] + 1 == distinct and (about["min"] == 0 or distinct <= 3)
    if codes and (distinct == 2 or CODES.search(column.name) or (gapless and not QUANTITIES.search(column.name))):
        return (
            "classification",
            f"{column.name!r} holds only {distinct} whole numbers, which look like codes of classes",
        )
    return "regression", f"{column.name!r} is a quantity with {distinct:,} different values"


def split_of(schema: Schema, profile: dict[str, Any], task: str | None) -> tuple[dict[str, str | None], str]:
    """({"kind", "column"}, reason)."""
    for role, kind, why in (
        ("split", "column", "it says which rows train and which test"),
        ("group", "group", "rows of one group belong together"),
    ):
        marked = schema.having(role)  # type: ignore[arg-type]
        if marked:
            return {"kind": kind, "column": marked[0].name}, f"{marked[0].name!r}: {why}"
    if task == "classification":
        return {"kind": "stratified", "column": None}, "every part gets the same shares of the classes"
    return {"kind": "random", "column": None}, "rows do not depend on one another, as far as is known"


def other_splits(schema: Schema, task: str, chosen: str) -> list[str]:
    """In words, the splits that these columns and this task allow beside the `chosen` kind."""
    dated = schema.having("time") or any(column.kind == "datetime" for column in schema.columns)
    grouped = schema.having("group") or any(column.kind in ("category", "id") for column in schema.columns)
    possible = {
        "random": "at random",
        "stratified": "with the same shares of the classes" if task == "classification" else "",
        "time": "by time" if dated else "",
        "group": "by a column whose rows stay together" if grouped else "",
        "file": "your own test file",
    }
    return [words for kind, words in possible.items() if words and kind != chosen]


def _metric(task: str | None, targets: Sequence[str], profile: dict[str, Any]) -> tuple[str | None, str]:
    if task == "regression":
        return "rmse", "it is in the unit of the target and punishes large errors"
    if task == "classification":
        classes = profile["columns"][targets[0]]["distinct"]
        if classes == 2:
            return "roc_auc", "two classes: it does not depend on a threshold or on how rare a class is"
        return "log_loss", f"{classes} classes: it judges the probabilities of all of them"
    return None, "there is no target yet"


# series


def _forecast(schema: Schema, profile: dict[str, Any]) -> Guess:
    time = schema.having("time")[0]
    series = [column.name for column in schema.having("series")]
    about = profile.get("series", {})
    target, why = _measure(schema, profile)
    frequency = about.get("frequency")
    horizon, why_horizon = _horizon(frequency, about)
    return {
        "task": "forecasting" if target else None,
        "targets": [target] if target else [],
        "time": time.name,
        "series": series,
        "horizon": horizon,
        "season": None,
        "frequency": frequency,
        "split": {"kind": "time", "column": time.name},
        "metric": "mase" if target else None,
        "why": why,
        "reasons": {
            "targets": why,
            "task": "the rows are a history in time",
            "time": time.reason,
            "series": "with the time they tell every row apart" if series else "there is one series",
            "horizon": why_horizon,
            "season": "found from the values when training starts",
            "frequency": f"{about.get('regular', 0):.0%} of neighbouring times are one step apart",
            "split": "a forecast is tested on the future",
            "metric": "it compares with the seasonal naive forecast, whatever the unit of a series",
        },
    }


def _measure(schema: Schema, profile: dict[str, Any]) -> tuple[str | None, str]:
    marked = schema.having("target")
    if marked:
        return marked[0].name, "it is marked as the target"
    usable = [c for c in schema.columns if c.kind == "numeric" and c.role == "feature"]
    varied = [c for c in usable if profile["columns"][c.name]["distinct"] > 1] or usable
    if not varied:
        return None, "no column holds numbers that change over time"
    if len(varied) == 1:
        return varied[0].name, "it is the only number that changes over time"
    named = [column for column in varied if MEASURED.search(column.name)]
    if named:
        return named[0].name, f"a column called {named[0].name!r} usually is what is forecast"
    return varied[0].name, "it is the first number beside the time"


def _horizon(frequency: str | None, about: dict[str, Any]) -> tuple[int, str]:
    """(steps, reason): what is usual for the frequency, as long as the series are eight times as long."""
    usual = USUAL_STEPS
    if frequency and frequency != "step":
        base = frequency.lstrip("0123456789").split("-")[0]
        grid = Grid.of(frequency)
        if base in HORIZONS and frequency[0].isalpha():
            usual = HORIZONS[base]
        elif grid.seconds is not None and grid.seconds < DAY:
            usual = int(min(USUAL_STEPS, max(12, round(DAY / grid.seconds))))
        else:
            usual = 12
    length = about.get("length", [0, 0.0, 0])
    room = max(1, int(length[1] // STEPS_PER_HORIZON))
    if room < usual:
        return room, f"the usual series has {length[1]:,.0f} steps; an eighth of them leaves a past to learn from"
    what = f"a step every {frequency}" if frequency and frequency != "step" else "numbered steps"
    return usual, f"usual for {what}"

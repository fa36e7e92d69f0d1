"""Plan: from a dataset and what a person asked for to a RunSpec; every default is a decision with its reason. Light."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from dl_core import families as catalogue
from dl_core.data.dataset import Dataset
from dl_core.data.panel import STEP, PanelError, guess_frequency, guess_step, regular_panel, series_codes, times_of
from dl_core.data.schema import Column, Schema
from dl_core.errors import DataError, SpecError, TargetError
from dl_core.metrics import metrics_of
from dl_core.runspec import SPLITS, Budget, RunSpec, SplitSpec, TaskSpec
from dl_core.samples.cuts import cut_series
from dl_core.tasks import TASKS

Decision = dict[str, Any]
MOST_WHOLE_CLASSES = 10  # a column of whole numbers with no more distinct values is taken for classes
TARGET_NAMES = ("target", "label", "class", "y", "value", "outcome", "output", "response")


def plan(
    dataset: Dataset,
    *,
    targets: Sequence[str] | None = None,
    task: str | None = None,
    metric: str | None = None,
    seconds: float = 60.0,
    seed: int = 0,
    split: str | None = None,
    group: str | None = None,
    test: Dataset | None = None,
    test_share: float = 0.2,
    families: Sequence[str] = (),
    time: str | None = None,
    series: Sequence[str] = (),
    horizon: int | None = None,
    trials: int | None = None,
    epochs: int | None = None,
    guess_target: bool = True,
) -> tuple[RunSpec, list[Decision]]:
    """What to run on the newest schema of `dataset`. What is given is taken as it is; the rest is guessed, and each
    guess is a decision {"key", "what", "why", "alternatives"}.

    `split` is random, stratified, time, group, or the name of a column that holds train, valid and test; `test` is the
    user's own test file, imported. `horizon` is in steps; without it the run decides. Without `guess_target` a target
    must be named where only its place in the file would speak for it. Raises SpecError, TargetError or DataError with
    a sentence where the wishes contradict each other or the data.
    """
    asked = _Asked(dataset, dataset.schema, dict(dataset.meta.get("guess") or {}))
    for name in (*(targets or ()), *series, *filter(None, (group, time))):
        asked.column(name)
    chosen = asked.targets(targets, series, guess_target)
    kind = asked.kind(task, chosen, bool(horizon or series))
    spec = TaskSpec(kind=kind, targets=chosen, metric="")
    if kind == "forecasting":
        spec = asked.series(spec, time, tuple(series), horizon)
    elif horizon or series:
        raise SpecError(f"A horizon and series belong to forecasting. Leave them out, or the task {kind!r}.")
    frame = dataset.table(list(dict.fromkeys([*chosen, *spec.series, *([spec.time] if spec.time else [])])))
    _refuse_unfit(spec, frame[list(chosen)], asked.schema)
    if spec.horizon is not None:
        _refuse_too_long(spec, frame, asked.schema, test is not None)
    spec = asked.metric(spec, metric, frame[list(chosen)])
    parts = asked.split(spec, split, group, test, test_share)
    _refuse_nothing_to_learn_from(asked.schema, spec, parts)
    run = RunSpec(
        dataset=dataset.id,
        schema_version=asked.schema.version,
        task=spec,
        split=parts,
        budget=Budget(seconds=seconds, trials=trials, epochs=epochs),
        families=_known_families(families, kind, dataset.modality),
        seed=seed,
    )
    return run, asked.decisions


@dataclass
class _Asked:
    """The questions of a plan in turn; an answer that nobody gave is found here and logged."""

    dataset: Dataset
    schema: Schema
    guess: dict[str, Any]
    decisions: list[Decision] = field(default_factory=list)

    def decide(self, key: str, what: str, why: str, alternatives: Sequence[str] = ()) -> None:
        self.decisions.append({"key": key, "what": what, "why": why, "alternatives": list(alternatives)})

    def column(self, name: str) -> Column:
        """Raises SpecError with the name that was probably meant."""
        if name in self.schema:
            return self.schema[name]
        same = [known for known in self.schema.names if known.lower() == name.lower()]
        near = same or difflib.get_close_matches(name, self.schema.names, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(self.schema.names[:20])}."
        raise SpecError(f"There is no column {name!r} in {self.dataset.meta['name']!r}. {hint}")

    def targets(self, given: Sequence[str] | None, series: Sequence[str], bold: bool) -> tuple[str, ...]:
        if given:
            return tuple(dict.fromkeys(given))
        marked = self._marked("target")
        guessed = tuple(name for name in self.guess.get("targets", ()) if name in self.schema)
        wanted = ("numeric",) if self.dataset.modality == "series" else ("numeric", "category", "boolean")
        usable = [column.name for column in self.schema.having("feature") if column.kind in wanted]
        usable = [name for name in usable if name not in series]
        named = [name for name in usable if name.lower() in TARGET_NAMES]
        if marked:
            chosen, why = marked, "it is marked as the target"
        elif guessed:
            chosen, why = guessed, self.guess.get("why", "it looks like an answer")
        elif len(usable) == 1:
            chosen, why = (usable[0],), "no other column could be the answer"
        elif named:
            chosen, why = (named[0],), "a column of this name usually is the answer"
        elif usable and not bold:
            raise SpecError(f"Say which column is to be predicted. Choose a target from: {', '.join(usable[:20])}.")
        elif usable:
            chosen, why = (usable[-1],), "the last column often is the answer"
        else:
            raise SpecError("No column could be predicted: there is none with numbers or classes. Check the columns.")
        others = [name for name in usable if name not in chosen][:8]
        self.decide("targets", f"Predict {' and '.join(map(repr, chosen))}", why, others)
        return chosen

    def kind(self, given: str | None, targets: tuple[str, ...], ahead: bool) -> str:
        if given is not None:
            TASKS.load(given)
            return given
        columns = [self.schema[name] for name in targets]
        numbers = all(column.storage == "number" for column in columns)
        if ahead:
            kind, why = "forecasting", "you named a horizon or series"
        elif self.guess.get("task") and set(targets) == set(self.guess.get("targets", ())):
            kind, why = self.guess["task"], self.guess.get("why", columns[0].reason)
        elif self.dataset.modality == "series" and numbers:
            kind, why = "forecasting", "the rows are a history in time"
        elif numbers and not (len(targets) == 1 and (classes := self._few_whole_numbers(targets[0]))):
            kind, why = "regression", f"{targets[0]!r} is a quantity ({columns[0].reason})"
        elif numbers:
            kind, why = "classification", f"{targets[0]!r} holds only {classes} different whole numbers"
        else:
            kind, why = "classification", f"{targets[0]!r} holds {columns[0].kind} values ({columns[0].reason})"
        self.decide("task", TASKS.load(kind).title, why, [name for name in TASKS if name != kind])
        return kind

    def _few_whole_numbers(self, name: str) -> int:
        """How many distinct values a column of few whole numbers has, 0 for any other."""
        values = self.dataset.table([name])[name].dropna()
        distinct = values.unique()
        few = len(distinct) <= MOST_WHOLE_CLASSES and len(values) >= 5 * len(distinct)
        return len(distinct) if few and (np.asarray(distinct, float) % 1 == 0).all() else 0

    def series(self, task: TaskSpec, time: str | None, series: tuple[str, ...], horizon: int | None) -> TaskSpec:
        """A forecasting task with its time column, series ids and horizon."""
        if horizon is not None and horizon < 1:
            raise SpecError(f"A horizon counts steps and must be 1 or more. Received {horizon}.")
        if not series:
            series = self._marked("series") or tuple(self.guess.get("series", ()))
            if series:
                self.decide("series", f"One series for each {' and '.join(map(repr, series))}", "it repeats over time")
        if time is None:
            marked = self._marked("time")
            dated = [c.name for c in self.schema.columns if c.kind == "datetime" and c.name not in task.targets]
            time = next(iter((*marked, *filter(None, [self.guess.get("time")]), *dated)), None)
            what = f"Time is {time!r}" if time else "Rows are taken as steps in the order of the file"
            why = self.schema[time].reason if time else "no column holds dates"
            self.decide("time", what, why or "it is marked as the time", [name for name in dated if name != time])
        if horizon is None and (horizon := self.guess.get("horizon")):
            self.decide("horizon", f"A horizon of {horizon} steps", "what is usual for this frequency")
        for name, what in ((time, "time"), *((one, "series id") for one in series)):
            if name in task.targets:
                raise SpecError(f"Column {name!r} cannot be the target and the {what} at once. Choose another target.")
        season, frequency = self.guess.get("season"), self.guess.get("frequency")
        return replace(
            task,
            time=time,
            series=series,
            horizon=horizon,
            season=season if time == self.guess.get("time") else None,
            frequency=frequency if time == self.guess.get("time") else None,
        )

    def _marked(self, role: Any) -> tuple[str, ...]:
        return tuple(column.name for column in self.schema.having(role))

    def metric(self, task: TaskSpec, given: str | None, values: pd.DataFrame) -> TaskSpec:
        choices = {metric.name: metric for metric in metrics_of(task.kind)}
        judge = TASKS.load(task.kind)()
        state = {} if task.kind == "forecasting" else judge.fit(values.dropna())
        if given is None:
            given = judge.default_metric(state)
            classes = len(state.get("classes", ()))
            why = f"usual for {classes} classes. " if classes else ""
            others = [name for name in choices if name != given]
            self.decide("metric", f"Ranked by {choices[given].title}", f"{why}{choices[given].help}", others)
        elif given not in choices:
            raise SpecError(f"There is no metric {given!r} for {task.kind}. Choose one of: {', '.join(choices)}.")
        elif state and not choices[given].fits(judge.truth(state, values.dropna())):
            raise SpecError(
                f"{choices[given].title} says nothing about the values of {task.targets[0]!r}. Choose another metric, "
                f"for example {choices[judge.default_metric(state)].title}."
            )
        return replace(task, metric=given)

    def split(
        self, task: TaskSpec, given: str | None, group: str | None, test: Dataset | None, test_share: float
    ) -> SplitSpec:
        if test is not None:
            if given is not None or group is not None:
                raise SpecError("An own test file already says what is tested. Leave the split and the group out.")
            missing = [name for name in task.targets if name in test.meta.get("absent", ()) or name not in test.schema]
            if missing:
                raise TargetError(f"The test file has no column {missing[0]!r}. A test file must hold the target.")
            return SplitSpec(kind="file", test_share=test_share, test_dataset=test.id)
        if task.kind == "forecasting":
            if given not in (None, "time") or group is not None:
                raise SpecError("A forecast is tested on the future: its split is by time. Leave the split out.")
            return SplitSpec(kind="time", column=task.time, test_share=test_share)
        kind, column = self._asked_split(given, group)
        if kind is None:
            kind, column = self._usual_split(task)
            shares = f"{test_share:.0%} test, 20% of the rest for validation"
            whats = {
                "stratified": (f"Stratified split: {shares}", "every part has the same shares of the classes"),
                "random": (f"Random split: {shares}", "rows do not depend on one another, as far as is known"),
                "group": (f"Split by {column!r}: {shares}", "rows of one group are never torn apart"),
                "column": (f"Split as {column!r} says", "it is marked as the split column"),
            }
            others = [other for other in ("random", "stratified", "time", "group") if other != kind]
            self.decide("split.kind", *whats[kind], [*others, "your own test file"])
        if kind == "stratified" and task.kind != "classification":
            raise SpecError("A stratified split keeps the shares of classes; it needs classification. Choose random.")
        if column in task.targets:
            raise SpecError(f"Column {column!r} cannot be the target and decide the split at once. Choose another one.")
        return SplitSpec(kind=kind, column=column, test_share=test_share)

    def _asked_split(self, given: str | None, group: str | None) -> tuple[str | None, str | None]:
        """Kind and column of the split that was asked for; None where nothing was."""
        if group is not None:
            if given not in (None, "group"):
                raise SpecError(f"A group column goes with the split 'group'. Received the split {given!r} as well.")
            return "group", group
        if given in (None, "random", "stratified"):
            return given, None
        if given == "group":
            marked = self._marked("group")
            if not marked:
                raise SpecError("A split by group needs a column that names the groups. Name it as the group.")
            return "group", marked[0]
        if given == "time":
            dated = [*self._marked("time"), *(c.name for c in self.schema.columns if c.kind == "datetime")]
            if not dated:
                raise SpecError(
                    "A split by time needs a column with dates; this dataset has none. Choose another split."
                )
            return "time", dated[0]
        if given not in self.schema:
            kinds = [kind for kind in SPLITS if kind not in ("column", "file")]
            raise SpecError(
                f"There is no split {given!r}. Choose one of: {', '.join(kinds)}, or the name of a column that holds "
                "train, valid and test."
            )
        return "column", given

    def _usual_split(self, task: TaskSpec) -> tuple[str, str | None]:
        for role, kind in (("split", "column"), ("group", "group")):
            if marked := self._marked(role):
                return kind, marked[0]
        return ("stratified" if task.kind == "classification" else "random"), None


def _refuse_unfit(task: TaskSpec, values: pd.DataFrame, schema: Schema) -> None:
    for name in task.targets:
        column = schema[name]
        if column.kind == "id" and task.kind != "forecasting":
            raise TargetError(
                f"Column {name!r} is an id ({column.reason}); there is no rule behind it to learn. Choose another "
                "target, or change its kind if it is a quantity or a class."
            )
        if column.kind in ("image", "audio", "text", "datetime"):
            raise TargetError(
                f"Column {name!r} holds {column.kind} values, which cannot be predicted yet. Choose a target with "
                "numbers or classes."
            )
    errors = [problem for problem in TASKS.load(task.kind)().check(values, task) if problem.severity == "error"]
    if errors:
        raise TargetError(f"{errors[0].message} {errors[0].fix}")


def _refuse_too_long(task: TaskSpec, frame: pd.DataFrame, schema: Schema, test_follows: bool) -> None:
    """A horizon that leaves no history to learn from is refused before anything starts."""
    codes, _ = series_codes(frame, task.series)
    try:
        times = times_of(frame, task.time, codes)
        counted = task.time is None or schema[task.time].storage == "number"
        frequency = task.frequency or (STEP if counted else guess_frequency(times, codes))
        step = guess_step(times, codes) if frequency == STEP else 1.0
        panel = regular_panel(
            frame,
            {
                "time": task.time,
                "series": list(task.series),
                "target": task.targets[0],
                "frequency": frequency,
                "step": step,
            },
        )
    except PanelError as error:
        raise DataError(str(error)) from error
    cut_series(panel.lengths, task.horizon or 1, task.season or 1, test_follows=test_follows)


def _refuse_nothing_to_learn_from(schema: Schema, task: TaskSpec, split: SplitSpec) -> None:
    if task.kind == "forecasting":
        return
    taken = {*task.targets, split.column if split.kind in ("group", "column") else None}
    roles = ("feature", "static", "known-ahead")
    if not any(column.role in roles and column.name not in taken for column in schema.columns):
        raise SpecError("There is no column left to learn from. Give at least one column the role 'feature'.")


def _known_families(names: Sequence[str], kind: str, modality: str) -> tuple[str, ...]:
    fitting = catalogue.fitting(kind, {"image"} if modality == "image" else None)
    if modality == "table":
        fitting = [name for name in fitting if catalogue.FAMILIES[name].inputs != catalogue.IMAGE]
    unfit = [name for name in names if name not in fitting]
    if unfit:
        why = "does not fit this task and data" if unfit[0] in catalogue.FAMILIES else "is unknown"
        raise SpecError(f"The family {unfit[0]!r} {why}. Choose from: {', '.join(fitting)}.")
    return tuple(dict.fromkeys(names))

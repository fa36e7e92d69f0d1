"""Plan: from a dataset and what a person asked for to a RunSpec; every default is a decision with its reason. Light."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from dl_core import families as catalogue
from dl_core.data.dataset import Dataset
from dl_core.data.guess import Guess, can_be_target, guess, other_splits, split_of, task_of
from dl_core.data.schema import Column, Schema
from dl_core.errors import SpecError, TargetError
from dl_core.metrics import metrics_of
from dl_core.runspec import SPLITS, Budget, RunSpec, SplitSpec, TaskSpec
from dl_core.samples.cuts import cut_series
from dl_core.samples.windows import on_grid, series_columns
from dl_core.tasks import TASKS

Decision = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person asked for; what they left open is guessed.

    `split` is random, stratified, time, group, or the name of a column that holds train, valid and test; `test` is the
    user's own test file, imported. `horizon` is in steps; `trials` and `epochs` are caps;
    `search` is bayesian, random or hyperband; `refit` trains the delivered network again on every labelled row.
    """

    targets: Sequence[str] = ()
    task: str | None = None
    metric: str | None = None
    seconds: float = 60.0
    seed: int = 0
    split: str | None = None
    group: str | None = None
    test: Dataset | None = None
    test_share: float = 0.2
    families: Sequence[str] = ()
    time: str | None = None
    series: Sequence[str] = ()
    horizon: int | None = None
    trials: int | None = None
    epochs: int | None = None
    search: str = "bayesian"
    refit: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.targets, *self.series, *filter(None, (self.group, self.time)))


def plan(
    dataset: Dataset, wishes: Wishes | None = None, *, guess_target: bool = True
) -> tuple[RunSpec, list[Decision]]:
    """What to run on the newest schema of `dataset`. What is wished is taken as it is; the rest is guessed, and each
    guess is a decision {"key", "what", "why", "alternatives"}.

    Without `guess_target` a target must be named where more than one could be meant. Raises SpecError, TargetError or
    DataError with a sentence where the wishes contradict each other or the data.
    """
    wishes = wishes or Wishes()
    asked = _Asked(dataset, wishes, dataset.schema, _guess(dataset))
    for name in wishes.columns:
        asked.column(name)
    targets = asked.targets(guess_target)
    values = dataset.table(targets)
    task = TaskSpec(kind=asked.kind(targets, values), targets=targets, metric="")
    if task.kind == "forecasting":
        task = asked.series(task)
    elif wishes.horizon or wishes.series:
        raise SpecError(f"A horizon and series belong to forecasting. Leave them out, or the task {task.kind!r}.")
    _refuse_unfit(task, values, asked.schema)
    if task.horizon is not None:
        _refuse_too_long(task, dataset, wishes.test is not None)
    task = asked.metric(task, values)
    split = asked.split(task)
    _refuse_nothing_to_learn_from(asked.schema, task, split)
    run = RunSpec(
        dataset=dataset.id,
        schema_version=asked.schema.version,
        task=task,
        split=split,
        budget=Budget(seconds=wishes.seconds, trials=wishes.trials, epochs=wishes.epochs),
        families=_known_families(wishes.families, task.kind, dataset.modality),
        search=wishes.search,
        refit=wishes.refit,
        seed=wishes.seed,
    )
    return run, asked.decisions


def _guess(dataset: Dataset) -> Guess:
    """What the dataset is probably for, by its newest schema."""
    schema = dataset.schema
    ordered = dataset.modality == "series" and bool(schema.having("time"))
    modality = "series" if ordered else dataset.modality.replace("series", "table")
    return guess(schema, dataset.profile, modality, dataset.meta["source"])


@dataclass
class _Asked:
    """The questions of a plan in turn; an answer that nobody gave is found here and logged."""

    dataset: Dataset
    wishes: Wishes
    schema: Schema
    guess: Guess
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

    def targets(self, bold: bool) -> tuple[str, ...]:
        if self.wishes.targets:
            return tuple(dict.fromkeys(self.wishes.targets))
        profile, quantity = self.dataset.profile, self.dataset.modality == "series"
        possible = [column for column in self.schema.having("feature") if can_be_target(column, profile)]
        possible = [column for column in possible if column.kind == "numeric" or not quantity]
        usable = [column.name for column in possible if column.name not in self.wishes.series]
        chosen = tuple(self.guess["targets"])
        if not chosen:
            raise SpecError(f"Nothing can be predicted: {self.guess['why']}. Check the columns, or bring other data.")
        clear = self._marked("target") or self.dataset.modality == "image" or len(usable) == 1
        if not clear and not bold:
            raise SpecError(f"Say which column is to be predicted. Choose a target from: {', '.join(usable[:20])}.")
        others = [name for name in usable if name not in chosen][:8]
        self.decide("targets", f"Predict {' and '.join(map(repr, chosen))}", self.guess["why"], others)
        return chosen

    def kind(self, targets: tuple[str, ...], values: pd.DataFrame) -> str:
        if self.wishes.task is not None:
            TASKS.load(self.wishes.task)
            return self.wishes.task
        columns = [self.schema[name] for name in targets]
        if self.wishes.horizon or self.wishes.series:
            kind, why = "forecasting", "you named a horizon or series"
        elif self.guess["task"] and set(targets) == set(self.guess["targets"]):
            kind, why = self.guess["task"], self.guess["reasons"]["task"]
        elif self.guess["task"] == "forecasting" and all(column.kind == "numeric" for column in columns):
            kind, why = "forecasting", self.guess["reasons"]["task"]
        else:
            kind, why = task_of(columns, self.dataset.profile)
        others = [TASKS.load(other).title for other in self._possible_kinds(targets, values) if other != kind]
        self.decide("task", TASKS.load(kind).title, why, others)
        return kind

    def _possible_kinds(self, targets: tuple[str, ...], values: pd.DataFrame) -> Iterator[str]:
        """The task kinds that these targets allow and that some family can do."""
        for kind in TASKS:
            if kind == "forecasting" and not self._dated():
                continue
            problems = TASKS.load(kind)().check(values, TaskSpec(kind=kind, targets=targets, metric=""))
            if _fitting(kind, self.dataset.modality) and not any(problem.severity == "error" for problem in problems):
                yield kind

    def series(self, task: TaskSpec) -> TaskSpec:
        """A forecasting task with its time column, series ids and horizon."""
        time, series, horizon = self.wishes.time, tuple(self.wishes.series), self.wishes.horizon
        if horizon is not None and horizon < 1:
            raise SpecError(f"A horizon counts steps and must be 1 or more. Received {horizon}.")
        reasons = self.guess["reasons"]
        if not series and (series := tuple(self.guess["series"] or self._marked("series"))):
            why = reasons.get("series", "it is marked as what tells series apart")
            self.decide("series", f"One series for each {' and '.join(map(repr, series))}", why)
        if time is None:
            dated = self._dated()
            time = self.guess["time"] or next((name for name in dated if name not in task.targets), None)
            what = f"Time is {time!r}" if time else "Rows are taken as steps in the order of the file"
            why = reasons.get("time") or (self.schema[time].reason if time else "no column holds dates")
            self.decide("time", what, why, [name for name in dated if name != time])
        as_guessed = time == self.guess["time"] and series == tuple(self.guess["series"])
        if horizon is None and as_guessed and (horizon := self.guess["horizon"]):
            self.decide("horizon", f"A horizon of {horizon} steps", reasons["horizon"], ["any other number of steps"])
        for name, what in ((time, "time"), *((one, "series id") for one in series)):
            if name in task.targets:
                raise SpecError(f"Column {name!r} cannot be the target and the {what} at once. Choose another target.")
        return replace(
            task,
            time=time,
            series=series,
            horizon=horizon,
            frequency=self.guess["frequency"] if as_guessed else None,
        )

    def _marked(self, role: Any) -> tuple[str, ...]:
        return tuple(column.name for column in self.schema.having(role))

    def _dated(self) -> list[str]:
        """The columns that hold times, the marked one first."""
        dates = [column.name for column in self.schema.columns if column.kind == "datetime"]
        return list(dict.fromkeys([*self._marked("time"), *dates]))

    def metric(self, task: TaskSpec, values: pd.DataFrame) -> TaskSpec:
        given = self.wishes.metric
        known = {metric.name: metric for metric in metrics_of(task.kind)}
        choices = {name: metric for name, metric in known.items() if metric.ranks}
        judge = TASKS.load(task.kind)()
        state = {} if task.kind == "forecasting" else judge.fit(values.dropna())
        if given is None:
            given = judge.default_metric(state)
            classes = len(state.get("classes", ()))
            why = f"usual for {classes} classes. " if classes else ""
            truth = judge.truth(state, values.dropna()) if state else None
            others = [m.title for m in choices.values() if m.name != given and (truth is None or m.fits(truth))]
            self.decide("metric", f"Ranked by {choices[given].title}", f"{why}{choices[given].help}", others)
        elif given in known and given not in choices:
            raise SpecError(
                f"{known[given].title} describes models but cannot rank them: it can be perfect where nothing was "
                f"learned. Choose one of: {', '.join(choices)}."
            )
        elif given not in choices:
            raise SpecError(f"There is no metric {given!r} for {task.kind}. Choose one of: {', '.join(choices)}.")
        elif state and not choices[given].fits(judge.truth(state, values.dropna())):
            raise SpecError(
                f"{choices[given].title} says nothing about the values of {task.targets[0]!r}. Choose another metric, "
                f"for example {choices[judge.default_metric(state)].title}."
            )
        return replace(task, metric=given)

    def split(self, task: TaskSpec) -> SplitSpec:
        given, group, test = self.wishes.split, self.wishes.group, self.wishes.test
        test_share = self.wishes.test_share
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
        kind, column = self._asked_split()
        if kind is None:
            usual, why = split_of(self.schema, self.dataset.profile, task.kind)
            kind, column = str(usual["kind"]), usual["column"]
            by = f" by {column!r}" if column else ""
            what = f"{kind.capitalize()} split{by}, {test_share:.0%} of the rows for the test"
            self.decide("split.kind", what, why, other_splits(self.schema, task.kind, kind))
        if kind == "stratified" and task.kind != "classification":
            raise SpecError("A stratified split keeps the shares of classes; it needs classification. Choose random.")
        if column in task.targets:
            raise SpecError(f"Column {column!r} cannot be the target and decide the split at once. Choose another one.")
        return SplitSpec(kind=kind, column=column, test_share=test_share)

    def _asked_split(self) -> tuple[str | None, str | None]:
        """Kind and column of the split that was asked for; None where nothing was."""
        given, group = self.wishes.split, self.wishes.group
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
            dated = self._dated()
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


def _refuse_too_long(task: TaskSpec, dataset: Dataset, test_follows: bool) -> None:
    """A horizon that leaves no history to learn from is refused before anything starts."""
    schema = dataset.schema
    _, panel = on_grid(dataset.table(series_columns(task, schema)), task, schema)
    cut_series(panel.lengths, task.horizon or 1, task.season or 1, test_follows=test_follows)


def _refuse_nothing_to_learn_from(schema: Schema, task: TaskSpec, split: SplitSpec) -> None:
    if task.kind == "forecasting":
        return
    taken = {*task.targets, split.column if split.kind in ("group", "column") else None}
    roles = ("feature", "static", "known-ahead")
    if not any(column.role in roles and column.name not in taken for column in schema.columns):
        raise SpecError("There is no column left to learn from. Give at least one column the role 'feature'.")


def _fitting(kind: str, modality: str) -> list[str]:
    """The families that a dataset of this modality can train for this task."""
    fitting = catalogue.fitting(kind, {"image"} if modality == "image" else None)
    if modality == "table":
        fitting = [name for name in fitting if catalogue.FAMILIES[name].inputs != catalogue.IMAGE]
    return fitting


def _known_families(names: Sequence[str], kind: str, modality: str) -> tuple[str, ...]:
    fitting = _fitting(kind, modality)
    unfit = [name for name in names if name not in fitting]
    if unfit:
        why = "does not fit this task and data" if unfit[0] in catalogue.FAMILIES else "is unknown"
        raise SpecError(f"The family {unfit[0]!r} {why}. Choose from: {', '.join(fitting)}.")
    return tuple(dict.fromkeys(names))

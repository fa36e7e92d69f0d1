"""Splits of a dataset into train, valid and test parts that never share a sample or a group."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.dataset import Dataset
from dl_core.data.schema import Column
from dl_core.data.values import canonical_text, parse_numbers
from dl_core.errors import DataError, SpecError
from dl_core.runspec import RunSpec
from dl_core.seeds import generator

Parts = dict[str, np.ndarray]

PARTS = ("train", "valid", "test")
WORDS = {
    "train": ("train", "training", "learn", "fit"),
    "valid": ("valid", "validation", "val", "dev", "development", "eval"),
    "test": ("test", "testing", "holdout", "hold-out"),
}
PART_OF = {word: part for part, words in WORDS.items() for word in words}
FOLDS = 5
FOLD_ROWS = 10_000  # from here on one validation part is large enough to choose by
BINS = 10
GROUP_TRIES = 32


def split_rows(
    dataset: Dataset, spec: RunSpec, *, labelled: np.ndarray | None = None, test_rows: np.ndarray | None = None
) -> Parts:
    """Row numbers (int64, ascending) of the parts train, valid and test.

    `labelled` (rows,) says which rows may be used; all may, where it is left out. `spec.split.test_share` is a share of
    these rows, `valid_share` one of what the test part leaves. With kind 'file' the test part is `test_rows` of the
    user's own test dataset. Pictures with the same content count as one sample. The same seed gives the same parts.

    Raises SpecError where the asked split cannot be made, DataError where there are too few rows.
    """
    rows = np.arange(dataset.n_rows, dtype=np.int64) if labelled is None else np.flatnonzero(labelled).astype(np.int64)
    if len(rows) < 3:
        raise DataError(
            f"Only {len(rows)} rows can be used; train, valid and test parts need three or more. Bring more rows."
        )
    split = spec.split
    if split.kind == "column":
        return _by_column(dataset, spec, rows)
    if split.kind == "time":
        return _by_time(dataset, spec, rows)
    if split.kind == "group":
        return _by_group(dataset, spec, rows)
    classes = _strata(dataset, spec, rows) if split.kind in ("stratified", "file") else None
    rng = generator(spec.seed, "split")
    if split.kind == "file":
        train, valid = _draw(dataset, rows, classes, split.valid_share, rng)
        return {"train": train, "valid": valid, "test": np.zeros(0, np.int64) if test_rows is None else test_rows}
    rest, test = _draw(dataset, rows, classes, split.test_share, rng)
    train, valid = _draw(dataset, rest, _of(classes, rows, rest), split.valid_share, rng)
    return {"train": train, "valid": valid, "test": test}


def fold_codes(dataset: Dataset, spec: RunSpec, parts: Parts) -> np.ndarray | None:
    """Which of five folds each row of the train and valid parts (ascending) belongs to: classes, or tenths of the range
    of numbers, are spread evenly, and a group stays whole. None where models are to be chosen on the valid part alone:
    for many rows, pictures and series, rows in time, and parts that a column names."""
    rows = np.sort(np.concatenate([parts["train"], parts["valid"]]))
    pictures = any(column.kind == "image" for column in dataset.schema.columns)
    total = len(rows) + (0 if spec.split.kind == "file" else len(parts["test"]))
    if pictures or spec.task.kind == "forecasting" or spec.split.kind in ("time", "column"):
        return None
    if total >= FOLD_ROWS or len(rows) < 2 * FOLDS:
        return None
    if spec.split.kind != "group":
        shuffled = generator(spec.seed, "folds").permutation(len(rows))
        strata = _strata(dataset, spec, rows)
        order = shuffled if strata is None else shuffled[np.argsort(strata[shuffled], kind="stable")]
        codes = np.empty(len(rows), np.int64)
        codes[order] = np.arange(len(rows)) % FOLDS
        return codes
    groups = _groups(dataset, _column(dataset, spec.split.column, "group"), rows)
    sizes = np.bincount(groups)
    if len(sizes) < FOLDS:
        return None
    filled, fold_of = np.zeros(FOLDS, np.int64), np.empty(len(sizes), np.int64)
    for group in np.argsort(-sizes, kind="stable"):  # the largest first, each into the emptiest fold
        fold_of[group] = np.argmin(filled)
        filled[fold_of[group]] += sizes[group]
    return fold_of[groups]


def describe_split(dataset: Dataset, spec: RunSpec, parts: Parts, folds: np.ndarray | None = None) -> dict[str, Any]:
    """What a drawing of the split needs: for each part {"rows", "share"} and "classes", "from" and "to", or "groups";
    beside them "kind", "column" and a "sentence". With the `folds` of `fold_codes` the valid part belongs to the train
    part, which has a number of "folds"."""
    if folds is not None:
        parts = {"train": np.sort(np.concatenate([parts["train"], parts["valid"]])), "test": parts["test"]}
    total = sum(len(rows) for rows in parts.values())
    described: dict[str, Any] = {part: {"rows": len(rows), "share": len(rows) / total} for part, rows in parts.items()}
    if folds is not None:
        described["train"]["folds"] = FOLDS
    own = {part: rows for part, rows in parts.items() if not (spec.split.kind == "file" and part == "test")}
    column = spec.split.column or (spec.task.time if spec.split.kind == "time" else None)
    if spec.split.kind in ("time", "group") and column:
        values = dataset.table([column])[column]
        for part, rows in own.items():
            found = values.loc[rows].dropna()
            if spec.split.kind == "group":
                described[part]["groups"] = int(found.nunique())
            elif len(found):
                times = parse_numbers(found.to_numpy())
                described[part] |= {"from": float(times.min()), "to": float(times.max())}
    elif spec.task.kind == "classification":
        classes = dataset.table([spec.task.targets[0]])[spec.task.targets[0]]
        for part, rows in own.items():
            found = pd.Series(canonical_text(classes.loc[rows].to_numpy())).value_counts()
            described[part]["classes"] = {str(name): int(number) for name, number in found.head(50).items()}
    how = {
        "random": "Rows were drawn at random",
        "stratified": "Rows were drawn at random, each class in proportion",
        "time": f"The latest rows by {column!r} are the test part, those before them the valid part",
        "group": f"All rows of one {column!r} stay together",
        "column": f"The column {column!r} says where a row belongs",
        "file": "The test part is a file of its own",
    }[spec.split.kind]
    sizes = ", ".join(
        f"{len(rows):,} {part}" + (f" in {FOLDS} folds" if "folds" in described[part] else "")
        for part, rows in parts.items()
    )
    return {**described, "kind": spec.split.kind, "column": column, "sentence": f"{how}: {sizes}."}


# drawing rows


def _draw(
    dataset: Dataset, rows: np.ndarray, classes: np.ndarray | None, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(kept, drawn): about `share` of `rows` drawn, at least one and never all; copies of a picture go together, every
    class stays among the kept where it has any row there to spare."""
    content = _content(dataset, rows)
    first = np.arange(len(rows)) if content is None else np.unique(content, return_index=True)[1]
    if len(first) < 2:
        raise DataError("There are too few different rows to split. Bring more rows.")
    order = rng.permutation(first)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    number = int(np.clip(round(len(order) * share), 1, len(order) - 1))
    places = np.floor((np.arange(number) + rng.random()) * len(order) / number).astype(np.int64)
    drawn = np.zeros(len(rows), dtype=bool)
    drawn[order[places]] = True
    if classes is not None:
        _leave_one_of_each(drawn, first, classes)
    if content is not None:
        drawn = drawn[first][np.searchsorted(content[first], content)]
    return rows[~drawn], rows[drawn]


def _leave_one_of_each(drawn: np.ndarray, first: np.ndarray, classes: np.ndarray) -> None:
    """Give classes that were drawn completely one row back, as long as another row stays drawn."""
    kept = set(classes[first[~drawn[first]]])
    for row in first[drawn[first]]:
        if classes[row] not in kept and drawn.sum() > 1:
            drawn[row] = False
            kept.add(classes[row])


def _content(dataset: Dataset, rows: np.ndarray) -> np.ndarray | None:
    """A code for each row's picture, equal for equal pictures; None where the dataset has none."""
    images = [column.name for column in dataset.schema.columns if column.kind == "image"]
    if not images:
        return None
    paths = dataset.table([images[0]])[images[0]].loc[rows]
    stored = [dataset.file(path).name if isinstance(path, str) else f"row {row}" for row, path in paths.items()]
    return np.unique(stored, return_inverse=True)[1]


def _strata(dataset: Dataset, spec: RunSpec, rows: np.ndarray) -> np.ndarray | None:
    """A code for each row's class, or for the tenth of the range that its number lies in; None without a target."""
    if not spec.task.targets or spec.task.targets[0] not in dataset.schema:
        return None
    target = dataset.table([spec.task.targets[0]])[spec.task.targets[0]].loc[rows]
    if spec.task.kind == "classification":
        return np.unique(canonical_text(target.to_numpy()).astype(str), return_inverse=True)[1]
    numbers = pd.to_numeric(target, errors="coerce").rank(method="first", na_option="top")
    return np.floor((numbers.to_numpy() - 1) * BINS / len(rows)).astype(np.int64)


def _of(classes: np.ndarray | None, rows: np.ndarray, some: np.ndarray) -> np.ndarray | None:
    return None if classes is None else classes[np.searchsorted(rows, some)]


# by column


def _column(dataset: Dataset, name: str | None, what: str) -> Column:
    if not name:
        raise SpecError(f"A split by {what} needs a column. Name one of: {', '.join(dataset.schema.names[:20])}.")
    return dataset.schema[name]


def _by_column(dataset: Dataset, spec: RunSpec, rows: np.ndarray) -> Parts:
    column = _column(dataset, spec.split.column, "a column")
    words = canonical_text(dataset.table([column.name])[column.name].loc[rows].to_numpy())
    parts = np.array([PART_OF.get(str(word).lower(), "") for word in words])
    if (parts == "").any():
        wrong = sorted({str(word) for word, part in zip(words, parts, strict=True) if not part})[:3]
        raise SpecError(
            f"The split column {column.name!r} must hold train, valid or test in every row. Received "
            f"{', '.join(map(repr, wrong))}. Choose another column, or split by group where it names groups."
        )
    found = {part: rows[parts == part] for part in PARTS}
    if not len(found["train"]) or len(set(parts)) < 2:
        raise SpecError(
            f"The split column {column.name!r} only holds {parts[0]!r}. It must hold train, and test or valid as well."
        )
    rng = generator(spec.seed, "split")
    for part, share in (("test", spec.split.test_share), ("valid", spec.split.valid_share)):
        if not len(found[part]):
            classes = _strata(dataset, spec, found["train"]) if spec.task.kind == "classification" else None
            found["train"], found[part] = _draw(dataset, found["train"], classes, share, rng)
    return found


def _by_time(dataset: Dataset, spec: RunSpec, rows: np.ndarray) -> Parts:
    """The past trains, the future tests; rows of one moment are never torn apart. Rows without a time train."""
    column = _column(dataset, spec.split.column or spec.task.time, "time")
    times = parse_numbers(dataset.table([column.name])[column.name].loc[rows].to_numpy())
    if np.isnan(times).all():
        raise SpecError(
            f"A split by time needs a time or a number to order by. Received {column.name!r}, a {column.kind} column."
        )
    times = np.where(np.isnan(times), -np.inf, times)
    moments, counts = np.unique(times, return_counts=True)
    if len(moments) < 3:
        raise SpecError(
            f"A split by time needs three or more different times; {column.name!r} has {len(moments)}. "
            "Choose another split."
        )
    before = np.cumsum(counts) / len(rows)
    test = _cut(before, 1 - spec.split.test_share, low=2, high=len(moments) - 1)
    share = (1 - spec.split.test_share) * (1 - spec.split.valid_share)
    valid = _cut(before, share, low=1, high=test - 1)
    return {
        "train": rows[times < moments[valid]],
        "valid": rows[(times >= moments[valid]) & (times < moments[test])],
        "test": rows[times >= moments[test]],
    }


def _cut(before: np.ndarray, share: float, low: int, high: int) -> int:
    """The number of the first moment behind the cut that comes closest to `share` of the rows."""
    return int(np.clip(np.argmin(np.abs(before - share)) + 1, low, high))


def _by_group(dataset: Dataset, spec: RunSpec, rows: np.ndarray) -> Parts:
    column = _column(dataset, spec.split.column, "group")
    codes = _groups(dataset, column, rows)
    number = int(codes.max()) + 1
    if number < 3:
        raise SpecError(
            f"A split by group needs three or more groups; {column.name!r} has {number}. Choose another column."
        )
    classes = _strata(dataset, spec, rows)
    classes = np.zeros(len(rows), np.int64) if classes is None else classes
    table = np.zeros((number, int(classes.max()) + 1))
    np.add.at(table, (codes, classes), 1)
    rng = generator(spec.seed, "split")
    everything = np.arange(number)
    test = _draw_groups(table, everything, spec.split.test_share, 2, rng)
    rest = np.setdiff1d(everything, test)
    valid = _draw_groups(table, rest, spec.split.valid_share, 1, rng)
    where = {"test": np.isin(codes, test), "valid": np.isin(codes, valid)}
    return {
        "train": rows[~where["test"] & ~where["valid"]],
        "valid": rows[where["valid"]],
        "test": rows[where["test"]],
    }


def _groups(dataset: Dataset, column: Column, rows: np.ndarray) -> np.ndarray:
    """A code for each row's group; a row without one is a group of its own."""
    values = dataset.table([column.name])[column.name].loc[rows]
    codes = pd.factorize(pd.Series(canonical_text(values.to_numpy())))[0]
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes


def _draw_groups(
    table: np.ndarray, groups: np.ndarray, share: float, leave: int, rng: np.random.Generator
) -> Sequence[int]:
    """Groups that hold about `share` of the rows, with classes in proportion: the best of some random tries. `table`
    (all groups, classes) counts rows; at least `leave` groups stay, and every class where that can be done."""
    total, sizes = table[groups].sum(axis=0), table.sum(axis=1).tolist()
    best, best_cost = [int(groups[0])], np.inf
    for _ in range(GROUP_TRIES if len(groups) <= 1_000 else 4):
        chosen: list[int] = []
        size, goal = 0.0, share * total.sum()
        for group in rng.permutation(groups):
            rows = sizes[group]
            if abs(size + rows - goal) < abs(size - goal) and len(chosen) < len(groups) - leave:
                chosen.append(int(group))
                size += rows
        chosen = chosen or [int(min(groups, key=sizes.__getitem__))]
        drawn = table[chosen].sum(axis=0)
        lost = int(((total > 0) & (drawn == total)).sum())
        cost = np.abs(drawn - share * total).sum() / total.sum() + 10 * lost
        if cost < best_cost:
            best, best_cost = chosen, cost
    return best

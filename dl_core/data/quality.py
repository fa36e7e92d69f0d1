"""What is good and what needs a person in a dataset, with numbers and with what to do: Passed / Needs you."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.dataset import Dataset
from dl_core.data.schema import Column, Schema
from dl_core.data.values import canonical_text
from dl_core.problems import Problem
from dl_core.seeds import generator

ORDER = ("error", "warning", "note", "fixed", "passed")
FEW_ROWS = 100
MUCH_MISSING = 0.4
IMBALANCE = 0.9
RARE_ROWS = 10
TOLD_ROWS = 0.01
FENCE = 5.0
"""Outliers lie further than so many interquartile ranges outside the quartiles."""
SAMPLE_ROWS = 20_000
BINS = 64
LEAK_CLASSES, LEAK_NUMBERS = 0.9, 0.98
"""A feature that alone explains so much of the target is suspected to be made from it."""
FEW_LEVELS = 12
MANY_COLUMNS = 300


def quality(dataset: Dataset, schema: Schema, guess: dict[str, Any]) -> list[Problem]:
    """The findings about a dataset under a schema and for a task ({"task", "targets", "horizon", …} as data/guess.py
    gives), worst first. Each check says something: what it found, with numbers and a fix, or that it passed."""
    look = _Look(dataset, schema, guess)
    found = [Problem(**record) for record in dataset.meta["problems"]]
    for check in (_enough, _missing, _targets, _classes, _constants, _ids, _grouped_ids, _repeated, _outliers):
        found += check(look)
    found += _leaks(look)
    if "images" in look.profile:
        found += _pictures(look)
    if "series" in look.profile:
        found += _series(look)
    return sorted(found, key=lambda problem: ORDER.index(problem.severity))


@dataclass(frozen=True)
class _Look:
    """What the checks look at."""

    dataset: Dataset
    schema: Schema
    guess: dict[str, Any]

    @cached_property
    def profile(self) -> dict[str, Any]:
        return self.dataset.profile

    @property
    def rows(self) -> int:
        return self.profile["rows"]

    @property
    def targets(self) -> list[str]:
        return [name for name in self.guess.get("targets", ()) if name in self.schema]

    @property
    def features(self) -> list[Column]:
        return [c for c in self.schema.columns if c.role == "feature" and c.name not in self.targets]

    def about(self, name: str) -> dict[str, Any]:
        return self.profile["columns"][name]

    @cached_property
    def sample(self) -> pd.DataFrame:
        """Up to SAMPLE_ROWS rows of the targets and features, drawn at random."""
        names = [*self.targets, *(column.name for column in self.features)]
        if self.rows <= SAMPLE_ROWS:
            return self.dataset.table(names)
        rows = np.sort(generator(0, "quality").choice(self.rows, SAMPLE_ROWS, replace=False))
        return self.dataset.table(names, rows=rows.tolist())


def _listed(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(repr(name) for name in names[:most]) + (", …" if len(names) > most else "")


# rows and columns


def _enough(look: _Look) -> Iterator[Problem]:
    if look.rows < FEW_ROWS and "series" not in look.profile:
        yield Problem(
            "warning",
            f"There are only {look.rows:,} rows: scores will be rough, and a simple model may be the best one.",
            fix="Bring more rows if you can, and look at the intervals of the scores.",
        )
    else:
        yield Problem("passed", f"There are {look.rows:,} rows.")


def _missing(look: _Look) -> Iterator[Problem]:
    shares = {
        c.name: look.about(c.name)["missing"] / max(1, look.rows)
        for c in look.schema.columns
        if c.name not in look.targets and c.role != "ignored"
    }
    much = sorted((name for name, share in shares.items() if share >= MUCH_MISSING), key=lambda name: -shares[name])
    for name in much[:8]:
        yield Problem(
            "warning",
            f"{shares[name]:.0%} of {name!r} is missing.",
            fix="Find out why. A missing value is told to the models as such; leave the column out if it says nothing.",
            column=name,
        )
    if len(much) > 8:
        yield Problem("warning", f"{len(much) - 8} more columns are mostly missing: {_listed(much[8:])}.")
    some = sorted((name for name, share in shares.items() if 0 < share < MUCH_MISSING), key=lambda name: -shares[name])
    if some:
        worst = ", ".join(f"{name!r} ({shares[name]:.1%})" for name in some[:4]) + (", …" if len(some) > 4 else "")
        yield Problem(
            "note",
            f"{'One column lacks' if len(some) == 1 else f'{len(some)} columns lack'} values: {worst}.",
            fix="Nothing to do: they are filled in, and the models are told which ones were.",
        )
    if not much and not some:
        yield Problem("passed", "No value is missing.")


def _targets(look: _Look) -> Iterator[Problem]:
    for name in look.targets:
        missing = look.about(name)["missing"]
        if missing == look.rows:
            yield Problem("error", f"Every value of {name!r} is missing.", fix="Choose another target.", column=name)
        elif missing and look.guess.get("task") == "forecasting":
            yield Problem(
                "note",
                f"{missing:,} values of {name!r} are missing ({missing / look.rows:.1%}).",
                fix="Nothing to do: the gaps are bridged for learning and do not count in the scores.",
                column=name,
            )
        elif missing:
            yield Problem(
                "warning",
                f"{missing:,} rows have no {name!r} ({missing / look.rows:.1%}) and are left out of training.",
                fix="Fill the target in where you know it.",
                column=name,
            )
        else:
            yield Problem("passed", f"Every row has a value of {name!r}.", column=name)


def _classes(look: _Look) -> Iterator[Problem]:
    if look.guess.get("task") != "classification" or not look.targets:
        return
    name = look.targets[0]
    values = pd.Series(canonical_text(look.dataset.table([name])[name].to_numpy())).dropna()
    counts = values.value_counts()
    if len(counts) < 2:
        what = f"{name!r} has one class only ({counts.index[0]!r})" if len(counts) else f"{name!r} has no class"
        yield Problem("error", f"{what}; there is nothing to tell apart.", fix="Choose another target.", column=name)
        return
    rare = [str(label) for label, number in counts.items() if number < RARE_ROWS]
    if rare:
        verb = "has" if len(rare) == 1 else "have"
        listed = _listed(rare)
        yield Problem(
            "warning",
            f"{len(rare)} of the {len(counts)} classes of {name!r} {verb} fewer than {RARE_ROWS} rows: {listed}.",
            fix="Bring more rows of them, or join them into one class.",
            column=name,
        )
    share = counts.iloc[0] / counts.sum()
    if share > IMBALANCE:
        yield Problem(
            "warning",
            f"{share:.1%} of the rows have the {name!r} {counts.index[0]!r}: saying so always is right that often.",
            fix="Judge by ROC AUC, PR AUC or balanced accuracy instead of accuracy.",
            column=name,
        )
    if not rare and share <= IMBALANCE:
        smallest, largest = counts.iloc[-1] / counts.sum(), share
        yield Problem(
            "passed",
            f"All {len(counts)} classes of {name!r} have enough rows: {smallest:.1%} to {largest:.1%}.",
            column=name,
        )


def _constants(look: _Look) -> Iterator[Problem]:
    others = [column.name for column in look.schema.columns if column.name not in look.targets]
    constant = [name for name in others if look.about(name)["distinct"] <= 1]
    if constant:
        what = "column holds" if len(constant) == 1 else "columns hold"
        yield Problem(
            "note",
            f"{len(constant)} {what} a single value or nothing at all: {_listed(constant)}.",
            fix="Nothing to do: what never changes cannot explain anything.",
        )
    else:
        yield Problem("passed", "Every column changes.")


def _ids(look: _Look) -> Iterator[Problem]:
    ids = [c.name for c in look.schema.columns if c.kind == "id" and c.role == "ignored"]
    used = [c.name for c in look.features if c.kind == "id"]
    if used:
        yield Problem(
            "warning",
            f"{_listed(used)} names rows and is used as a feature: a model would learn the rows by heart.",
            fix="Give it the role 'ignored', or 'group' where several rows share it.",
            column=used[0],
        )
    if ids:
        yield Problem("passed", f"What names rows is left out: {_listed(ids)}.")
    present = {name: look.rows - look.about(name)["missing"] for name in ids}
    for name in [name for name in ids if 1 < look.about(name)["distinct"] <= present[name] / 2][:2]:
        shared = f"{present[name]:,} rows share {look.about(name)['distinct']:,} values of {name!r}"
        yield Problem(
            "warning",
            f"{shared}. If they belong together (one person, one machine), a random split shows the model what it is "
            "tested on.",
            fix=f"Give {name!r} the role 'group' and split by group.",
            column=name,
        )


def _grouped_ids(look: _Look) -> Iterator[Problem]:
    """Ids such as 309_1, 309_2, … are repeated measurements of one thing."""
    for column in look.schema.columns:
        if column.kind != "id" or look.about(column.name)["distinct"] < 40 or "series" in look.profile:
            continue
        texts = look.dataset.table([column.name], limit=SAMPLE_ROWS)[column.name].dropna().astype(str)
        split = texts.str.extract(r"^(.*\w)[_\-./: ]\w{1,4}$")[0].dropna()
        sizes = split.value_counts()
        if len(split) > 0.95 * len(texts) and len(sizes) > 5 and sizes.median() >= 3:
            yield Problem(
                "warning",
                f"The values of {column.name!r} fall into {len(sizes):,} groups of about {sizes.median():.0f} rows "
                f"(such as {sizes.index[0]!r}): probably repeated measurements of one thing.",
                fix="Add a column with the group alone, give it the role 'group', and split by group.",
                column=column.name,
            )


def _repeated(look: _Look) -> Iterator[Problem]:
    repeated = look.profile.get("duplicates")
    if repeated is None or "series" in look.profile:
        return
    if repeated:
        severe = repeated > TOLD_ROWS * look.rows
        yield Problem(
            "warning" if severe else "note",
            f"{repeated:,} rows repeat an earlier one ({repeated / look.rows:.1%}).",
            fix="Remove them if they are copies by mistake: the same row in train and test flatters the scores."
            if severe
            else "Nothing to do, unless they are copies by mistake.",
        )
    else:
        yield Problem("passed", "No row repeats another one.")


def _outliers(look: _Look) -> Iterator[Problem]:
    columns = [*look.features, *map(look.schema.__getitem__, look.targets)]
    numbers = [column for column in columns if column.kind == "numeric" and column.storage == "number"]
    found: dict[str, tuple[float, float]] = {}
    for column in numbers[:MANY_COLUMNS]:
        about = look.about(column.name)
        if "quantiles" not in about or about["distinct"] <= FEW_LEVELS:
            continue
        low, high = about["quantiles"]["0.25"], about["quantiles"]["0.75"]
        spread = high - low
        if spread > 0 and (about["min"] < low - FENCE * spread or about["max"] > high + FENCE * spread):
            values = look.sample[column.name]
            share = float(((values < low - FENCE * spread) | (values > high + FENCE * spread)).mean())
            extreme = about["max"] if about["max"] - high > low - about["min"] else about["min"]
            found[column.name] = (share, extreme)
    worst = sorted(found, key=lambda name: -found[name][0])
    if worst:
        listed = ", ".join(f"{name!r} ({found[name][1]:,.6g})" for name in worst[:4]) + (", …" if worst[4:] else "")
        what = "One column has" if len(worst) == 1 else f"{len(worst)} columns have"
        yield Problem(
            "note",
            f"{what} values far outside the others: {listed}.",
            fix="Check for slips of the pen. The models tame extreme values of features by themselves.",
            column=worst[0],
        )
    elif numbers:
        yield Problem("passed", "No number lies far outside the others.")


# leakage


def _leaks(look: _Look) -> Iterator[Problem]:
    task = look.guess.get("task")
    if task not in ("classification", "regression") or not look.targets or "series" in look.profile:
        return
    name = look.targets[0]
    if look.about(name)["distinct"] < 2:
        return
    known = look.sample[name].notna().to_numpy()
    frame = look.sample[known]
    if len(frame) < 30:
        return
    classes = pd.factorize(pd.Series(canonical_text(frame[name].to_numpy())))[0] if task == "classification" else None
    numbers = None if classes is not None else frame[name].rank().to_numpy(np.float64)  # no tail outweighs the rest
    limit = LEAK_CLASSES if classes is not None else LEAK_NUMBERS
    suspects = {}
    codes = {}
    for column in look.features[:MANY_COLUMNS]:
        if column.kind in ("image", "text", "id") or look.about(column.name)["distinct"] < 2:
            continue
        codes[column.name] = _codes(frame[column.name], column)
        score = _told(codes[column.name], classes, numbers)
        if score >= limit:
            suspects[column.name] = score
    for feature, score in sorted(suspects.items(), key=lambda item: -item[1])[:6]:
        yield Problem(
            "warning",
            f"{feature!r} alone tells {score:.0%} of {name!r}. It may be made from the answer, or known only later.",
            fix=f"If {feature!r} is not known when you predict, give it the role 'ignored'.",
            column=feature,
        )
    joined = _told_together(look, codes, classes, suspects) if classes is not None else None
    if joined:
        yield Problem(
            "warning",
            f"{_listed(joined)} together decide {name!r} without exception: the answer is spelt out in them.",
            fix="Give them the role 'ignored' if they are not known when you predict.",
            column=joined[0],
        )
    if codes and not suspects and not joined:
        yield Problem("passed", f"No feature alone gives {name!r} away.")


def _codes(values: pd.Series, column: Column) -> np.ndarray:
    """Each value's bin (n,): categories as they are, numbers in BINS parts of equal size, missing on its own."""
    if column.kind in ("numeric", "datetime") and values.dtype.kind in "if":
        numbers = values.to_numpy(np.float64)
        edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
        return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right"))
    return pd.factorize(values, use_na_sentinel=False)[0]


def _told(codes: np.ndarray, classes: np.ndarray | None, numbers: np.ndarray | None) -> float:
    """How much of the target the bins tell, each row guessed from the other rows of its bin: the share of the errors
    that the best constant makes which is gone; 0 to 1."""
    bins = int(codes.max()) + 1
    if classes is not None:
        table = np.zeros((bins, int(classes.max()) + 1))
        np.add.at(table, (codes, classes), 1)
        left = table[codes]
        left[np.arange(len(codes)), classes] -= 1
        right = (left.argmax(axis=1) == classes) & (left.max(axis=1) > 0)
        base = table.sum(axis=0).max() / len(classes)
        return float((right.mean() - base) / (1 - base)) if base < 1 else 0.0
    assert numbers is not None
    counts = np.bincount(codes, minlength=bins)
    sums = np.bincount(codes, numbers, minlength=bins)
    mean = numbers.mean()
    others = counts[codes] - 1
    guessed = np.where(others > 0, (sums[codes] - numbers) / np.maximum(others, 1), mean)
    total = ((numbers - mean) ** 2).sum()
    return float(1 - ((numbers - guessed) ** 2).sum() / total) if total > 0 else 0.0


def _told_together(
    look: _Look, codes: dict[str, np.ndarray], classes: np.ndarray, suspects: dict[str, float]
) -> list[str]:
    """Two or three columns of few values which together leave one class in every combination."""
    few = [
        name
        for name in codes
        if name not in suspects and look.schema[name].storage == "text" and look.about(name)["distinct"] <= FEW_LEVELS
    ][:12]
    for size in (2, 3):
        for chosen in combinations(few, size):
            joined = np.zeros(len(classes), np.int64)
            for name in chosen:
                joined = joined * (int(codes[name].max()) + 1) + codes[name]
            if _told(joined, classes, None) == 1.0:
                return list(chosen)
    return []


# pictures


def _pictures(look: _Look) -> Iterator[Problem]:
    about = look.profile["images"]
    doubled = about["count"] - about["distinct"]
    if doubled:
        yield Problem(
            "warning" if doubled > TOLD_ROWS * about["count"] else "note",
            f"{doubled:,} pictures are copies of another one, such as {about['doubled'][0][0]!r} and "
            f"{about['doubled'][0][1]!r}.",
            fix="Copies stay in one part of the split. Remove them if they are there by mistake.",
        )
        yield from _torn(look, about["doubled"])
    else:
        yield Problem("passed", f"All {about['count']:,} pictures are different.")
    ratio = max(about["width"][2] / about["width"][0], about["height"][2] / about["height"][0])
    if ratio > 4:
        (least_w, _, most_w), (least_h, _, most_h) = about["width"], about["height"]
        yield Problem(
            "note",
            f"The pictures differ much in size: {least_w:.0f} × {least_h:.0f} to {most_w:.0f} × {most_h:.0f} pixels.",
            fix="Nothing to do: they are brought to one size. Check that small ones still show what matters.",
        )
    else:
        yield Problem("passed", f"The pictures are of similar size, about {about['sizes'][0][0]} pixels.")


def _torn(look: _Look, doubled: list[list[str]]) -> Iterator[Problem]:
    """The same picture under two labels."""
    if look.guess.get("task") != "classification" or not look.targets:
        return
    image = next(column.name for column in look.schema.columns if column.kind == "image")
    frame = look.dataset.table([image, look.targets[0]]).set_index(image)[look.targets[0]]
    torn = [paths for paths in doubled if frame.reindex(paths).nunique() > 1]
    if torn:
        yield Problem(
            "warning",
            f"{len(torn):,} pictures occur in two classes, such as {torn[0][0]!r} and {torn[0][1]!r}.",
            fix="Decide which class is right and remove the other copy.",
        )


# series


def _series(look: _Look) -> Iterator[Problem]:
    about = look.profile["series"]
    if about["timeless"]:
        yield Problem("warning", f"{about['timeless']:,} rows have no time and are left out.", fix="Fill the times in.")
    if about["doubled"]:
        yield Problem(
            "warning",
            f"{about['doubled']:,} rows have a time that their series had before. They are averaged.",
            fix="Sum them up beforehand where they are parts of a whole, or name the column that tells them apart.",
        )
    else:
        yield Problem("passed", "No time occurs twice in a series.")
    if about["missing_steps"]:
        yield Problem(
            "note" if about["missing_steps"] < 0.05 * look.rows else "warning",
            f"{about['missing_steps']:,} steps are missing in {about['gaps']:,} of {about['number']:,} series "
            f"(a step every {about['frequency']}).",
            fix="Nothing to do for a few: gaps are bridged for learning and do not count in the scores.",
        )
    elif about["frequency"]:
        yield Problem("passed", "The series have no gaps.")
    horizon = look.guess.get("horizon") or 1
    shortest = about["length"][0]
    if shortest < 3 * horizon + 4:
        yield Problem(
            "warning" if about["length"][1] >= 3 * horizon + 4 else "error",
            f"The shortest series has {shortest:,} steps; a horizon of {horizon:,} needs {3 * horizon + 4:,} or more.",
            fix="Choose a shorter horizon. Series that are too short to learn from are still forecast.",
        )
    else:
        yield Problem(
            "passed", f"Every series is long enough: {shortest:,} steps or more for a horizon of {horizon:,}."
        )
    names = [c.name for c in look.schema.having("series")]
    if look.targets and names and look.schema[look.targets[0]].kind == "numeric":
        frame = look.dataset.table([*names, look.targets[0]])
        flat = frame.groupby(names, sort=False, dropna=False)[look.targets[0]].nunique()
        still = flat[flat <= 1]
        if len(still):
            shown = re.sub(r"[()']", "", str(still.index[0]))
            yield Problem(
                "note",
                f"{len(still):,} of {len(flat):,} series never change, such as {shown!r}.",
                fix="Leave them out, or keep them: they are easy to forecast and tell nothing.",
            )

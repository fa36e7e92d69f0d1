"""How each column goes with the target: a strength between 0 and 1 and a drawing, on a sample of the rows. Light."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dl_core.data.dataset import Dataset
from dl_core.data.schema import Column
from dl_core.errors import SpecError
from dl_core.report import Panel
from dl_core.seeds import generator

SAMPLE_ROWS = 5_000
MOST_COLUMNS = 200
MOST_GROUPS = 5
MOST_LABELS = 10
BINS = 20
OTHERS = "all others"


@dataclass(frozen=True)
class Relation:
    """One column beside the target. `strength` lies between 0 (nothing) and 1 (one tells the other): rank correlation
    (Spearman, 1904) of two numbers, the correlation ratio of ranks (Pearson, 1911) of a number and a class, Cramér's V
    (1946) of two classes; the last two corrected for the number of classes, so that many classes gain nothing."""

    column: str
    strength: float
    panel: Panel


def relations(dataset: Dataset, target: str, rows: int = SAMPLE_ROWS) -> list[Relation]:
    """The columns of `dataset` by how much they tell about `target`, strongest first. Raises SpecError for a target
    that holds neither numbers nor classes."""
    answer = dataset.schema[target]
    if answer.kind not in ("numeric", "category", "boolean"):
        raise SpecError(
            f"Column {target!r} holds {answer.kind} values. Relations need numbers or classes as the target."
        )
    columns = [
        column
        for column in dataset.schema.columns
        if column.name != target and column.kind in ("numeric", "category", "boolean", "datetime") and _counts(column)
    ][:MOST_COLUMNS]
    chosen = None
    if dataset.n_rows > rows:
        drawn = generator(0, "relations").choice(dataset.n_rows, rows, replace=False)
        chosen = [int(row) for row in np.sort(drawn)]
    frame = dataset.table([target, *(column.name for column in columns)], rows=chosen)
    frame = frame[frame[target].notna()]
    found = []
    for column in columns:
        strength = _strength(frame[column.name], column, frame[target], answer)
        if strength is not None:
            found.append((strength, column))
    found.sort(key=lambda pair: (-pair[0], pair[1].name))
    return [
        Relation(column.name, strength, _panel(frame[column.name], column, frame[target], answer))
        for strength, column in found
    ]


def _counts(column: Column) -> bool:
    return column.role in ("feature", "static", "known-ahead", "group")


def _is_number(column: Column) -> bool:
    return column.kind in ("numeric", "datetime")


def _strength(values: pd.Series, column: Column, answers: pd.Series, answer: Column) -> float | None:
    known = values.notna()
    values, answers = values[known], answers[known]
    if len(values) < 10 or values.nunique() < 2 or answers.nunique() < 2:
        return None
    if _is_number(column) and _is_number(answer):
        return abs(float(np.corrcoef(values.rank(), answers.rank())[0, 1]))
    if _is_number(column):
        return _ratio(values.rank().to_numpy(float), pd.factorize(answers)[0])
    if _is_number(answer):
        return _ratio(answers.rank().to_numpy(float), pd.factorize(values)[0])
    return _cramer(pd.factorize(values)[0], pd.factorize(answers)[0])


def _ratio(ranks: np.ndarray, groups: np.ndarray) -> float:
    """The correlation ratio of `ranks` over `groups` (both (n,)), corrected for the number of groups."""
    sizes = np.bincount(groups)
    means = np.bincount(groups, ranks) / np.maximum(sizes, 1)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    between = float((sizes * (means - ranks.mean()) ** 2).sum())
    count, kinds = len(ranks), int((sizes > 0).sum())
    if total == 0 or count <= kinds:
        return 0.0
    return float(np.sqrt(max(0.0, 1 - (1 - between / total) * (count - 1) / (count - kinds))))


def _cramer(left: np.ndarray, right: np.ndarray) -> float:
    """Cramér's V of two class columns (n,), corrected as Bergsma (2013) does."""
    table = np.zeros((left.max() + 1, right.max() + 1))
    np.add.at(table, (left, right), 1)
    count = table.sum()
    expected = table.sum(1, keepdims=True) @ table.sum(0, keepdims=True) / count
    squared = float(((table - expected) ** 2 / np.maximum(expected, 1e-12)).sum() / count)
    rows, cols = table.shape
    corrected = max(0.0, squared - (rows - 1) * (cols - 1) / (count - 1))
    row_scale, col_scale = rows - (rows - 1) ** 2 / (count - 1), cols - (cols - 1) ** 2 / (count - 1)
    scale = min(row_scale, col_scale) - 1
    return float(min(1.0, np.sqrt(corrected / scale))) if scale > 0 else 0.0


# drawings


def _panel(values: pd.Series, column: Column, answers: pd.Series, answer: Column) -> Panel:
    known = values.notna()
    values, answers = values[known], answers[known]
    if _is_number(column) and _is_number(answer):
        return _points(values, column, answers, answer)
    if _is_number(answer):
        return _averages(values, column, answers, answer)
    return _groups(values, column, answers)


def _points(values: pd.Series, column: Column, answers: pd.Series, answer: Column, most: int = 1_200) -> Panel:
    data = {
        "x": values.iloc[:most].astype(float).tolist(),
        "y": answers.iloc[:most].astype(float).tolist(),
        "x_title": column.name,
        "y_title": answer.name,
        "x_kind": "time" if column.kind == "datetime" else None,
    }
    return Panel(kind="scatter", title=column.name, data=data)


def _averages(values: pd.Series, column: Column, answers: pd.Series, answer: Column) -> Panel:
    """The mean of the target in each of the most frequent classes, with its 95 % interval."""
    rows: list[dict[str, Any]] = []
    for name in values.value_counts().index[:MOST_LABELS]:
        inside = answers[values == name].astype(float)
        error = 1.96 * float(inside.std(ddof=1)) / len(inside) ** 0.5 if len(inside) > 1 else 0.0
        mean = float(inside.mean())
        rows.append({"name": str(name), "value": mean, "low": mean - error, "high": mean + error, "role": "accent"})
    rows.sort(key=lambda row: -row["value"])
    reference = {"value": float(answers.astype(float).mean()), "name": "mean"}
    data = {"rows": rows, "x_title": f"mean of {answer.name}", "reference": reference}
    return Panel(kind="intervals", title=column.name, data=data)


def _groups(values: pd.Series, column: Column, answers: pd.Series) -> Panel:
    """The distribution of a column, told apart by the most frequent classes of the target."""
    names = [str(name) for name in answers.value_counts().index]
    shown = names if len(names) <= MOST_GROUPS + 1 else names[:MOST_GROUPS]
    members = answers.astype(str)
    members = members.where(members.isin(shown), OTHERS)
    kinds = [*shown, *([OTHERS] if len(shown) < len(names) else [])]
    if _is_number(column):
        numbers = values.astype(float)
        low, high = np.quantile(numbers, [0.01, 0.99])
        if not high > low:
            low, high = numbers.min(), numbers.max()
        edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
        groups = [
            {"name": kind, "counts": np.histogram(np.clip(numbers[members == kind], low, high), edges)[0].tolist()}
            for kind in kinds
        ]
        time = {"x_kind": "time"} if column.kind == "datetime" else {}
        data = {"edges": edges.tolist(), "groups": groups, "x_title": column.name, **time}
    else:
        labels = [str(label) for label in values.value_counts().index[:MOST_LABELS]]
        texts = values.astype(str)
        groups = [
            {"name": kind, "counts": [int(((texts == label) & (members == kind)).sum()) for label in labels]}
            for kind in kinds
        ]
        data = {"labels": labels, "groups": groups, "x_title": column.name}
    data["counts"] = np.sum([group["counts"] for group in data["groups"]], axis=0).tolist()
    return Panel(kind="distribution", title=column.name, data=data)

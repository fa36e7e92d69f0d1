"""Panels: what we say about a dataset or a model, as data. charts/ turns a panel into a figure."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One drawable piece. `kind` names the file in charts/ that draws it; `data` is plain JSON; `note` is the sentence
    that says what to see in it; `help` explains the term in one line."""

    kind: str
    title: str
    data: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    help: str = ""

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict) -> "Panel":
        return cls(**record)


def percent(share: float) -> str:
    """A share as a percentage that never rounds nearly all to all or little to nothing: 87%, 99.6%, >99.9%."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{share:.1%}" if 0 < share < 0.01 or 0.99 < share < 1 else f"{share:.0%}"


def significant(value: float | None) -> str:
    """Three significant digits the way a score is read: 0.914, 48.6, 49,100; a dash for nothing."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 100:
        return f"{round(value, 2 - int(math.log10(size))):,.0f}"
    if size >= 1:
        return f"{value:.{1 if size >= 10 else 2}f}"
    return f"{value:.3f}" if size >= 0.001 or size == 0 else f"{value:.2g}"

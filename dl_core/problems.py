"""Findings a person can act on: values, not exceptions, since there may be many."""

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["passed", "fixed", "note", "warning", "error"]


@dataclass(frozen=True)
class Problem:
    """`severity`: passed (checked, nothing found), fixed (mended without asking), note, warning (needs you), error
    (cannot go on). `fix` says what to do; `column` names the column it is about."""

    severity: Severity
    message: str
    fix: str = ""
    column: str | None = None

    def to_json(self) -> dict:
        return asdict(self)

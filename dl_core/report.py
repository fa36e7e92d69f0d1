"""Panels: what we say about a dataset or a model, as data. charts/ turns a panel into a figure."""

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

"""Columns and schemas: what the columns of a dataset are and what they are for."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from dl_core.errors import SpecError

Kind = Literal["numeric", "category", "boolean", "datetime", "text", "image", "audio", "id"]
Role = Literal["feature", "target", "time", "series", "group", "static", "known-ahead", "weight", "split", "ignored"]
Storage = Literal["number", "text", "time", "image"]

KINDS: tuple[str, ...] = ("numeric", "category", "boolean", "datetime", "text", "image", "audio", "id")
ROLES: tuple[str, ...] = (
    "feature", "target", "time", "series", "group", "static", "known-ahead", "weight", "split", "ignored",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a dataset.

    `storage` is how its values lie in data.parquet: number (DOUBLE or BIGINT), text (VARCHAR, trimmed as read), time
    (DOUBLE, epoch seconds UTC), image (VARCHAR, the path inside the upload). `parse` holds what a reader needs to get
    the same values from a raw file again, for example {"decimal": ","} or {"format": "%d.%m.%Y"}.
    """

    name: str
    kind: Kind
    storage: Storage
    role: Role = "feature"
    reason: str = ""
    parse: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns as a person has confirmed them. An edit makes a new version."""

    version: int
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(column.name for column in self.columns[:20])
        raise SpecError(f"There is no column {name!r}. Choose one of: {known}.")

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def having(self, role: Role) -> tuple[Column, ...]:
        """The columns with this role, in file order."""
        return tuple(column for column in self.columns if column.role == role)

    def edited(self, changes: dict[str, dict[str, Any]]) -> "Schema":
        """The next version, with `changes` (column name -> {"kind": …, "role": …, …}) applied."""
        for name in changes:
            self[name]
        columns = tuple(replace(column, **changes.get(column.name, {})) for column in self.columns)
        return Schema(version=self.version + 1, columns=columns)

    def to_json(self) -> dict:
        return {"version": self.version, "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, record: dict) -> "Schema":
        return cls(version=record["version"], columns=columns_from(record["columns"]))


def columns_from(records: Iterable[dict]) -> tuple[Column, ...]:
    return tuple(Column(**record) for record in records)

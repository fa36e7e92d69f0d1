"""Search spaces: what a family leaves open, as data that a form can draw and an oracle can search."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Param:
    """One open parameter. `choices` for kind 'choice'; `low` and `high` (both included) for 'int' and 'float'."""

    name: str
    kind: Literal["int", "float", "choice"]
    default: Any
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple = ()
    help: str = ""

    def __post_init__(self):
        inside = self.default in self.choices if self.kind == "choice" else self.low <= self.default <= self.high
        if not inside:
            raise ValueError(f"The default of {self.name!r} is outside its range: received {self.default!r}.")


Space = tuple[Param, ...]


def choice(name: str, choices: tuple, default: Any, help: str = "") -> Param:
    return Param(name=name, kind="choice", choices=tuple(choices), default=default, help=help)


def integer(name: str, low: int, high: int, default: int, log: bool = False, help: str = "") -> Param:
    return Param(name=name, kind="int", low=low, high=high, default=default, log=log, help=help)


def real(name: str, low: float, high: float, default: float, log: bool = False, help: str = "") -> Param:
    return Param(name=name, kind="float", low=low, high=high, default=default, log=log, help=help)


def defaults(space: Space) -> dict[str, Any]:
    """The parameter set in the middle of the road: every parameter at its default."""
    return {param.name: param.default for param in space}


def ends(space: Space) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two corner parameter sets: everything at its low (first choice) and everything at its high (last choice)."""

    def corner(end: int) -> dict[str, Any]:
        return {
            param.name: param.choices[-end] if param.kind == "choice" else (param.low, param.high)[end]
            for param in space
        }

    return corner(0), corner(1)

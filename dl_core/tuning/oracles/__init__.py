"""What to try next: Keras Tuner's oracles as pure functions of the trials so far.

An oracle is rebuilt from the trial records for every proposal. It leaves nothing that a kill could damage: no
oracle.json, no lock, no half-written trial. A further one is one file with a `propose` and one line here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dl_core.registry import Registry
from dl_core.runspec import SEARCHES
from dl_core.space import Space

ORACLES = Registry("search", {name: f"dl_core.tuning.oracles.{name}:propose" for name in SEARCHES})


@dataclass(frozen=True, kw_only=True)
class History:
    """What an oracle knows: the `space` and the trial records (`tried`) of a family in start order, those under way
    included; whether a score is better "max" or "min", given outright because Keras Tuner guesses it wrongly for
    several metrics; the most `epochs` a trial may take; a seed."""

    space: Space
    tried: Sequence[dict[str, Any]]
    direction: str
    epochs: int
    seed: int

    @property
    def finished(self) -> list[dict[str, Any]]:
        return [record for record in self.tried if record["score"] is not None]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A parameter set to try, for so many epochs where the oracle says so. `place` is what the oracle wants to find in
    the trial's record again."""

    params: dict[str, Any]
    epochs: int | None = None
    place: dict[str, Any] | None = None


Propose = Callable[[History], Proposal | None]  # None where the space is exhausted

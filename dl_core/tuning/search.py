"""The search: a portfolio of known-good parameter sets first, then what the oracle proposes, inside a time limit.

Everything it knows stands in the trial folders, so that a run that was killed goes on where it was.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dl_core import families
from dl_core.records import read_json
from dl_core.runspec import RunSpec
from dl_core.seeds import derive
from dl_core.tuning.oracle import propose
from dl_core.tuning.trial import Bench, Order, run_trial

LEAST_SECONDS = 2.0  # a trial shorter than this teaches nothing
ORACLE_TRIALS = 3  # per family, before the search goes where the scores are
ENTRY_SECONDS = 12.0  # a round of further portfolio entries is worth it only where each gets this long
MOST_FAILURES = 5  # trials of a family in a row that fail before the search leaves it alone


class Search:
    """The loop that asks and trains. `remaining()` gives the seconds left to search, `stopping()` is true once a
    person asked to stop and raises Interrupted on cancel, `emit(kind, **fact)` tells."""

    def __init__(
        self,
        folder: Path,
        spec: RunSpec,
        bench: Bench,
        names: list[str],
        *,
        remaining: Callable[[], float],
        stopping: Callable[[], bool],
        emit: Callable[..., None],
    ):
        self.folder, self.spec, self.bench, self.names = folder, spec, bench, names
        self.remaining, self.stopping, self.emit = remaining, stopping, emit
        self.families = {name: families.load(name) for name in names}
        paths = sorted(folder.glob("t*/trial.json"), key=lambda path: int(path.parent.name[1:]))
        self._records: dict[str, dict[str, Any]] = {path.parent.name: read_json(path) for path in paths}

    def trials(self) -> list[dict[str, Any]]:
        """All trial records so far, in start order."""
        return list(self._records.values())

    # the portfolio

    def run_portfolio(self, seconds: float) -> None:
        """Train the known-good parameter sets within `seconds` altogether: the first of every family, the lightest
        family first, then their seconds where there is time. The first of all is trained whatever the clock says, so
        that the board never is without a network."""
        end = self.remaining() - seconds
        for entries in self._rounds():
            left = self.remaining() - end
            if self._scored() and left < ENTRY_SECONDS * len(entries):
                break
            while entries and not self._over() and (self.remaining() - end > LEAST_SECONDS or not self._scored()):
                weights = [families.FAMILIES[family].share for family, _ in entries]
                share = (self.remaining() - end) * weights[0] / sum(weights)
                name, params = entries.pop(0)
                self._run(name, params, "portfolio", max(share, LEAST_SECONDS))

    def _rounds(self) -> list[list[tuple[str, dict]]]:
        """The parameter sets still to train: in each round one of every family, the lightest family first."""
        signature = self.bench.prepared.signature
        portfolios = {name: family.portfolio(signature) for name, family in self.families.items()}
        tried = [(record["family"], record["params"]) for record in self.trials() if record["status"] != "running"]
        ordered = sorted(self.names, key=lambda name: families.FAMILIES[name].share)
        rounds = range(max(len(portfolio) for portfolio in portfolios.values()))
        entries = [[(name, portfolios[name][i]) for name in ordered if i < len(portfolios[name])] for i in rounds]
        return [[entry for entry in each if entry not in tried] for each in entries]

    # the oracle

    def run_oracle(self) -> None:
        """Ask and train until the time, the trial cap or the space ends."""
        self._finish_interrupted()
        exhausted = {name for name in self.names if self._fails(name)}
        while not self._over() and self.remaining() > LEAST_SECONDS and len(exhausted) < len(self.names):
            name = self._next_family(exhausted)
            params = propose(
                self.families[name].space(self.bench.prepared.signature),
                [record for record in self.trials() if record["family"] == name],
                self.bench.metric.direction,
                derive(self.spec.seed, name),
            )
            if params is None:
                exhausted.add(name)
                continue
            self._run(name, params, "oracle", self._share(name))
            if self._fails(name):
                exhausted.add(name)

    def _finish_interrupted(self) -> None:
        """End what an earlier attempt died in, whoever had asked for it and however little time is left: what the
        checkpoint holds is kept, and no trial is called running for ever."""
        for record in self.trials():
            if record["status"] == "running":
                self._run(record["family"], record["params"], record["source"], record["share"])

    def _fails(self, name: str) -> bool:
        """Whether nothing but failures can be expected of a family."""
        latest = [record["status"] for record in self.trials() if record["family"] == name][-MOST_FAILURES:]
        return latest == ["failed"] * MOST_FAILURES

    def _next_family(self, exhausted: set[str]) -> str:
        """Every family gets its first proposals; after that the best scored one, every third trial the others."""
        open_names = [name for name in self.names if name not in exhausted]
        records = self.trials()
        asked = {name: sum(r["family"] == name and r["source"] == "oracle" for r in records) for name in open_names}
        fewest = min(open_names, key=lambda name: (asked[name], -families.FAMILIES[name].share))
        if asked[fewest] < ORACLE_TRIALS or sum(asked.values()) % 3 == 2:
            return fewest
        sign = self.bench.metric.sign
        scored = [r for r in records if r["family"] in open_names and r["score"] is not None]
        return max(scored, key=lambda r: sign * r["score"])["family"] if scored else fewest

    def _share(self, name: str) -> float:
        """Seconds for the next trial: the first proposals of all families share the time, later ones may take as long
        as the family's longest trial did."""
        records = self.trials()
        asked = {n: sum(r["family"] == n and r["source"] == "oracle" for r in records) for n in self.names}
        owed = {n: max(0, ORACLE_TRIALS - asked[n]) for n in self.names}
        weights = {n: families.FAMILIES[n].share for n in self.names}
        needed = sum(owed[n] * weights[n] for n in self.names)
        if owed[name]:
            return max(LEAST_SECONDS, self.remaining() * weights[name] / needed)
        longest = max((r.get("seconds") or 0.0 for r in records if r["family"] == name), default=0.0)
        left = self.remaining()
        return left if left < 1.5 * longest else max(LEAST_SECONDS, longest)

    # both

    def _run(self, name: str, params: dict, source: str, seconds: float) -> None:
        asked = ("running", name, params)
        unfinished = [r for r in self.trials() if (r["status"], r["family"], r["params"]) == asked]
        trial = unfinished[0]["trial"] if unfinished else f"t{len(self.trials()) + 1:03d}"
        folder = self.folder / trial
        folder.mkdir(parents=True, exist_ok=True)
        order = Order(
            trial=trial, family=name, params=params, source=source, seconds=seconds, epochs=self.spec.budget.epochs
        )
        self._records[trial] = run_trial(
            self.bench, folder, order, deadline=self.remaining, stopping=self.stopping, emit=self.emit
        )

    def _scored(self) -> bool:
        return any(record["score"] is not None for record in self.trials())

    def _over(self) -> bool:
        cap = self.spec.budget.trials
        ended = sum(record["status"] != "running" for record in self.trials())
        return self.stopping() or (cap is not None and ended >= cap)

"""The search: a portfolio of known-good parameter sets first, then what the oracle proposes, inside a time limit.

Everything it knows stands in the trial folders, so that a run that was killed goes on where it was. Trials that keep
one core busy run side by side, one per core; trials that use them all run alone.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dl_core import families
from dl_core.records import read_json
from dl_core.runspec import RunSpec
from dl_core.seeds import derive
from dl_core.tuning.executors import Executor, Record
from dl_core.tuning.executors.threads import Threads
from dl_core.tuning.oracles import ORACLES, History, Proposal
from dl_core.tuning.pruning import poor
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
        executor: Executor | None = None,
    ):
        self.folder, self.spec, self.bench, self.names = folder, spec, bench, names
        self.remaining = remaining
        self.executor = executor or Threads()
        lock = threading.RLock()
        self.stopping, self.emit = _one_at_a_time(stopping, lock), _one_at_a_time(emit, lock)
        self.families = {name: families.load(name) for name in names}
        paths = sorted(folder.glob("t*/trial.json"), key=lambda path: int(path.parent.name[1:]))
        self._records: dict[str, Record] = {path.parent.name: read_json(path) for path in paths}
        self._busy: dict[str, int] = {}  # cores that the trials under way keep busy

    def trials(self) -> list[Record]:
        """All trial records so far, in start order."""
        return list(self._records.values())

    def best(self) -> Record | None:
        """The best trial so far that could be delivered."""
        usable = [record for record in self.trials() if record["score"] is not None and record["status"] != "pruned"]
        return max(usable, key=lambda record: self.bench.metric.sign * record["score"], default=None)

    # the portfolio

    def run_portfolio(self, seconds: float) -> None:
        """Train the known-good parameter sets within `seconds` altogether: the first of every family, the lightest
        family first, then their seconds where there is time. The first of all is trained whatever the clock says, so
        that the board never is without a network."""
        end = self.remaining() - seconds
        for entries in self._rounds():
            left = (self.remaining() - end) * self.executor.cores
            if self._scored() and left < ENTRY_SECONDS * sum(self._cores(name) for name, _ in entries):
                break
            while entries and not self._over() and (self.remaining() - end > LEAST_SECONDS or not self._scored()):
                self._make_room(self._cores(entries[0][0]))
                owed = [name for name, _ in entries]
                name, params = entries.pop(0)
                share = self._share_of(name, owed, self.remaining() - end)
                self._start(name, Proposal(params=params), "portfolio", max(share, LEAST_SECONDS))
        self._make_room(self.executor.cores)

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
        exhausted: set[str] = set()
        while True:
            exhausted |= {name for name in self.names if self._fails(name)}
            if len(exhausted) == len(self.names) or self._over() or self.remaining() <= LEAST_SECONDS:
                break
            name = self._next_family(exhausted)
            if not self._fits(self._cores(name)):
                self._collect()
                continue
            proposal = self._propose(name)
            if proposal is None:
                exhausted.add(name)
            else:
                self._start(name, proposal, "oracle", self._share(name))
        self._make_room(self.executor.cores)

    def _propose(self, name: str) -> Proposal | None:
        signature = self.bench.prepared.signature
        recipe = self.families[name].recipe(signature, self.families[name].portfolio(signature)[0])
        history = History(
            space=self.families[name].space(signature),
            tried=self._of(name),
            direction=self.bench.metric.direction,
            epochs=min(recipe.epochs, self.spec.budget.epochs or recipe.epochs),
            seed=derive(self.spec.seed, name),
        )
        return ORACLES.load(self.spec.search)(history)

    def _finish_interrupted(self) -> None:
        """End what an earlier attempt died in, whoever had asked for it and however little time is left: what the
        checkpoint holds is kept, and no trial is called running for ever."""
        for record in self.trials():
            if record["status"] == "running":
                self._make_room(self._cores(record["family"]))
                again = Proposal(params=record["params"], epochs=record.get("cap"), place=record.get("place"))
                self._start(record["family"], again, record["source"], record["share"])
        self._make_room(self.executor.cores)

    def _fails(self, name: str) -> bool:
        """Whether nothing but failures can be expected of a family."""
        ended = [record["status"] for record in self._of(name) if record["status"] != "running"]
        return ended[-MOST_FAILURES:] == ["failed"] * MOST_FAILURES

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
        owed = [n for n in self.names for _ in range(ORACLE_TRIALS - asked[n])]
        left = self.remaining()
        if name in owed:
            return max(LEAST_SECONDS, self._share_of(name, owed, left))
        longest = max((record.get("seconds") or 0.0 for record in self._of(name)), default=0.0)
        return left if left < 1.5 * longest else max(LEAST_SECONDS, longest)

    # both

    def _share_of(self, name: str, owed: list[str], left: float) -> float:
        """Seconds of a trial of `name` where trials of the families `owed` are to divide all cores for `left`
        seconds."""
        weights = {each: families.FAMILIES[each].share for each in self.names}
        needed = sum(weights[each] * self._cores(each) for each in owed)
        return min(left, left * self.executor.cores * weights[name] / needed)

    def _cores(self, name: str) -> int:
        """Cores that a trial of a family keeps busy: as many as the first one kept that ran alone, compiled the same
        way; before there is one, all, so that it runs alone."""
        for record in self.trials():
            known = record.get("cores") and record["family"] in self.families
            if known and self._jit(record["family"]) == self._jit(name):
                return max(1, min(round(record["cores"]), self.executor.cores))
        return self.executor.cores

    def _jit(self, name: str) -> bool:
        family, signature = self.families[name], self.bench.prepared.signature
        return family.recipe(signature, family.portfolio(signature)[0]).jit

    def _fits(self, cores: int) -> bool:
        return sum(self._busy.values()) + cores <= self.executor.cores

    def _make_room(self, cores: int) -> None:
        while not self._fits(cores):
            self._collect()

    def _collect(self) -> None:
        """Wait until a trial ends, and take its record in."""
        record = self.executor.ended()
        self._records[record["trial"]] = record
        del self._busy[record["trial"]]

    def _start(self, name: str, proposal: Proposal, source: str, seconds: float) -> None:
        asked = ("running", name, proposal.params)
        unfinished = [r for r in self.trials() if (r["status"], r["family"], r["params"]) == asked]
        trial = unfinished[0]["trial"] if unfinished else f"t{len(self.trials()) + 1:03d}"
        caps = [epochs for epochs in (proposal.epochs, self.spec.budget.epochs) if epochs]
        order = Order(
            trial=trial,
            family=name,
            params=proposal.params,
            source=source,
            seconds=seconds,
            epochs=min(caps, default=None),
            place=proposal.place,
        )
        folder = self.folder / trial
        folder.mkdir(parents=True, exist_ok=True)
        self._busy[trial] = self._cores(name)
        self._records[trial] = unfinished[0] if unfinished else order.to_record()
        self.executor.start(
            lambda: run_trial(
                self.bench,
                folder,
                order,
                deadline=self.remaining,
                stopping=self.stopping,
                emit=self.emit,
                poor=lambda share, score: poor(self._of(name), share, score, self.bench.metric.sign),
            )
        )

    def _of(self, name: str) -> list[Record]:
        return [record for record in self.trials() if record["family"] == name]

    def _scored(self) -> bool:
        return any(record["score"] is not None for record in self.trials())

    def _over(self) -> bool:
        cap = self.spec.budget.trials
        begun = sum(record["status"] != "running" or record["trial"] in self._busy for record in self.trials())
        return self.stopping() or (cap is not None and begun >= cap)


def _one_at_a_time(call: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    def locked(*args: Any, **named: Any) -> Any:
        with lock:
            return call(*args, **named)

    return locked

"""The search: a portfolio of known-good parameter sets first, then what the oracle proposes, inside a time limit.

Everything it knows stands in the trial folders, so that a run that was killed goes on where it was. Trials that keep
one core busy run side by side, one per core; trials that use them all run alone.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dl_core import families
from dl_core.errors import Interrupted
from dl_core.records import read_json
from dl_core.runspec import RunSpec
from dl_core.seeds import derive
from dl_core.training import trainer
from dl_core.tuning.executors import Executor, Record
from dl_core.tuning.executors.threads import Threads
from dl_core.tuning.oracles import ORACLES, History, Proposal
from dl_core.tuning.pruning import poor
from dl_core.tuning.trial import Bench, Order, run_trial

LEAST_SECONDS = 2.0  # a trial shorter than this teaches nothing
ORACLE_TRIALS = 3  # per family, before the search goes where the scores are
ENTRY_SECONDS = 12.0  # a round of further portfolio entries is worth it only where each gets this long
BUSY = 0.9  # of a core, at which it is left to a trial that keeps the others busy: beside one another, two do more
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
        self.least = max(LEAST_SECONDS, bench.members * trainer.LEAST_SECONDS)
        self.families = {name: families.load(name) for name in names}
        paths = sorted(folder.glob("t*/trial.json"), key=lambda path: int(path.parent.name[1:]))
        self._records: dict[str, Record] = {path.parent.name: read_json(path) for path in paths}
        self._busy: dict[str, int] = {}  # cores that the trials under way keep busy
        self._given_up = False

    def trials(self) -> list[Record]:
        """All trial records so far, in start order."""
        return list(self._records.values())

    @property
    def asked(self) -> bool:
        """Whether the oracle has proposed something."""
        return any(record["source"] == "oracle" for record in self.trials())

    def best(self) -> Record | None:
        """The best trial so far that could be delivered."""
        usable = [record for record in self.trials() if record["score"] is not None and record["status"] != "pruned"]
        return max(usable, key=lambda record: self.bench.metric.sign * record["score"], default=None)

    # the portfolio

    def portfolio_seconds(self) -> float:
        """What is left to the portfolio of its half of the search, whatever earlier attempts spent on either."""
        spent = {"portfolio": 0.0, "oracle": 0.0}
        for record in self.trials():
            spent[record["source"]] += record.get("seconds") or 0.0
        return (self.remaining() + spent["oracle"] - spent["portfolio"]) / 2

    def run_first(self) -> None:
        """Train the first of all, so that a network stands on the board within seconds."""
        with self._all_or_none():
            self._start_next(self._rounds()[0], self.portfolio_seconds())
            self._make_room(self.executor.cores)

    def run_portfolio(self, seconds: float) -> None:
        """Train the known-good parameter sets within `seconds` altogether: the first of every family, the lightest
        family first, then their seconds where there is time. The first of all is trained whatever the clock says, so
        that the board never is without a network. The last ones may still be under way afterwards."""
        end = self.remaining() - seconds
        with self._all_or_none():
            self._finish_interrupted()
            for entries in self._rounds():
                left = (self.remaining() - end) * self.executor.cores
                if self._scored() and left < ENTRY_SECONDS * sum(self._cores(name) for name, _ in entries):
                    break
                while entries and not self._over() and (self.remaining() - end > self.least or not self._scored()):
                    self._make_room(self._cores(entries[0][0]))
                    self._start_next(entries, self.remaining() - end)

    def _start_next(self, entries: list[tuple[str, dict]], left: float) -> None:
        """Begin with the first of `entries`, which are to divide `left` seconds, and take it off them."""
        owed = [name for name, _ in entries]
        name, params = entries.pop(0)
        self._start(name, Proposal(params=params), "portfolio", max(self._share_of(name, owed, left), self.least))

    def _rounds(self) -> list[list[tuple[str, dict]]]:
        """The parameter sets still to train: in each round one of every family, the lightest family first."""
        signature = self.bench.prepared.signature
        portfolios = {name: family.portfolio(signature) for name, family in self.families.items()}
        tried = [(record["family"], record["params"]) for record in self.trials()]
        ordered = sorted(self.names, key=lambda name: families.FAMILIES[name].share)
        rounds = range(max(len(portfolio) for portfolio in portfolios.values()))
        entries = [[(name, portfolios[name][i]) for name in ordered if i < len(portfolios[name])] for i in rounds]
        return [[entry for entry in each if entry not in tried] for each in entries]

    # the oracle

    def run_oracle(self) -> None:
        """Ask and train until the time, the trial cap or the space ends."""
        exhausted: set[str] = set()
        with self._all_or_none():
            while True:
                exhausted |= {name for name in self.names if self._fails(name)}
                if len(exhausted) == len(self.names) or self._over() or self.remaining() <= self.least:
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
            return max(self.least, self._share_of(name, owed, left))
        longest = max((record.get("seconds") or 0.0 for record in self._of(name)), default=0.0)
        return left if left < 1.5 * longest else max(self.least, longest)

    # both

    def _finish_interrupted(self) -> None:
        """End what an earlier attempt died in, whoever had asked for it and however little time is left: what it has
        learned is kept, and no trial is called running for ever."""
        for record in self.trials():
            if record["status"] == "running":
                self._make_room(self._cores(record["family"]))
                again = Proposal(params=record["params"], epochs=record.get("cap"), place=record.get("place"))
                self._start(record["family"], again, record["source"], record["share"], record["trial"])
        self._make_room(self.executor.cores)

    @contextmanager
    def _all_or_none(self) -> Iterator[None]:
        """Whatever ends the search before its time ends every trial under way as well, so that nobody writes into the
        run any more when its end is told."""
        try:
            yield
        except BaseException:
            self._given_up = True
            self.executor.wait()
            raise

    def _stopping(self) -> bool:
        """What a trial asks."""
        if self._given_up:
            raise Interrupted("cancel")
        return self.stopping()

    def _share_of(self, name: str, owed: list[str], left: float) -> float:
        """Seconds of a trial of `name` where trials of the families `owed` are to divide all cores for `left`
        seconds."""
        weights = {each: families.FAMILIES[each].share for each in self.names}
        needed = sum(weights[each] * self._cores(each) for each in owed)
        return min(left, left * self.executor.cores * weights[name] / needed)

    def _cores(self, name: str) -> int:
        """Cores that a trial of a family keeps busy: as many as its first one did, or the first one of a family that is
        compiled the same way; before there is one, all, so that it runs alone and shows it."""
        known = [record for record in self.trials() if record.get("cores") and record["family"] in self.families]
        alike = [record for record in known if record["family"] == name]
        alike = alike or [record for record in known if self._jit(record["family"]) == self._jit(name)]
        if not alike:
            return self.executor.cores
        return max(1, min(math.floor(alike[0]["cores"] + 1 - BUSY), self.executor.cores))

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

    def _start(self, name: str, proposal: Proposal, source: str, seconds: float, again: str | None = None) -> None:
        """Begin with a new trial, or with the one of an earlier attempt that is to be worked on `again`."""
        trial = again or f"t{max((int(known[1:]) for known in self._records), default=0) + 1:03d}"
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
        self._records[trial] = order.to_record()
        self.executor.start(
            lambda: run_trial(
                self.bench,
                folder,
                order,
                deadline=self.remaining,
                stopping=self._stopping,
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
        return self.stopping() or (cap is not None and len(self._records) >= cap)


def _one_at_a_time(call: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    def locked(*args: Any, **named: Any) -> Any:
        with lock:
            return call(*args, **named)

    return locked

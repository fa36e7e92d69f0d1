"""How good the best network is within its budget: four data sets, through the command line, each in a fresh workspace.

    DEEPBOARD_DATA=/path/to/data python -m bench.spine [NAME …] [--budget SECONDS] [--seed N]

Needs the folder of data sets in DEEPBOARD_DATA, two cores, and nothing else running. Exits 1 where a line of the table
is not met.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dl_core.settings import cap_threads
from dl_core.store import Store

ROOT = Path(__file__).parent.parent
LONG_SECONDS = 300  # from this budget on, every family must have had ORACLE_TRIALS of the oracle's proposals
ORACLE_TRIALS = 3


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A data set, what the best network must reach on its test file, and in how many seconds."""

    name: str
    train: str
    test: str
    options: tuple[str, ...]
    metric: str
    direction: str
    bound: float
    seconds: float

    def reached(self, score: float) -> bool:
        return score >= self.bound if self.direction == "max" else score < self.bound


GOALS = (
    Goal(
        name="adult",
        train="adult/adult_train.csv.gz",
        test="adult/adult_test.csv.gz",
        options=("--target", "income"),
        metric="roc_auc",
        direction="max",
        bound=0.914,
        seconds=60,
    ),
    Goal(
        name="california_housing",
        train="california_housing/california_housing_train.csv.gz",
        test="california_housing/california_housing_test.csv",
        options=("--target", "median_house_value"),
        metric="rmse",
        direction="min",
        bound=52_000,
        seconds=60,
    ),
    Goal(
        name="cifar10_small",
        train="cifar10_small/cifar10_small_train.zip",
        test="cifar10_small/cifar10_small_test.zip",
        options=(),
        metric="accuracy",
        direction="max",
        bound=0.57,
        seconds=300,
    ),
    Goal(
        name="m4_hourly",
        train="m4_hourly/m4_hourly_train.csv.gz",
        test="m4_hourly/m4_hourly_test.csv.gz",
        options=("--target", "y", "--time", "t", "--series", "series_id", "--horizon", "48"),
        metric="mase",
        direction="min",
        bound=1.10,
        seconds=180,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one run gave. `spent` is the time from its start to its delivered bundle, in seconds."""

    goal: Goal
    seconds: float
    network: dict[str, Any]
    baseline: dict[str, Any]
    spent: float
    oracle_trials: dict[str, int]

    @property
    def allowed(self) -> float:
        return 1.1 * self.seconds + 20

    @property
    def searched(self) -> bool:
        return self.seconds < LONG_SECONDS or min(self.oracle_trials.values(), default=0) >= ORACLE_TRIALS

    @property
    def met(self) -> bool:
        return self.goal.reached(self.network["test"]) and self.spent <= self.allowed and self.searched


def measure(goal: Goal, data: Path, seconds: float, seed: int) -> Outcome:
    """Train on the data set of `goal` and read what came of it. Raises CalledProcessError where the run fails."""
    with tempfile.TemporaryDirectory(prefix="deepboard-bench-") as workspace:
        command = [
            *(sys.executable, "-m", "dl_core", "train", str(data / goal.train), "--test", str(data / goal.test)),
            *(*goal.options, "--metric", goal.metric, "--budget", f"{seconds:g}s", "--seed", str(seed)),
            *("--workspace", workspace, "--out", str(Path(workspace) / "bundle"), "--json"),
        ]
        process = subprocess.run(
            command, cwd=ROOT, env=cap_threads(dict(os.environ)), stdout=subprocess.PIPE, text=True, check=True
        )
        result = json.loads(process.stdout)
        run = Store(Path(workspace)).run(result["run"])
        board = {row["name"]: row for row in result["leaderboard"]}
        best = board.get(result["best_network"]) or next(
            row for row in result["leaderboard"] if row.get("model") == result["best_network"]
        )
        baselines = [row for row in result["leaderboard"] if row["kind"] == "baseline"]
        sign = 1 if goal.direction == "max" else -1
        return Outcome(
            goal=goal,
            seconds=seconds,
            network=best,
            baseline=max(baselines, key=lambda row: sign * row["test"]),
            spent=run.row["ended"] - run.row["started"],
            oracle_trials=_oracle_trials(run.events()[0]),
        )


def _oracle_trials(events: list[dict]) -> dict[str, int]:
    """How many trials the oracle proposed, by family; a family that only had its portfolio counts 0."""
    started = {event["trial"]: event for event in events if event["event"] == "trial_start"}
    proposed = Counter(event["family"] for event in started.values() if event["source"] == "oracle")
    return {family: proposed[family] for family in sorted({event["family"] for event in started.values()})}


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as Markdown."""
    lines = [
        "| data set | metric | must reach | best network | on the test file | best baseline | on the test file "
        "| time spent | allowed | oracle's trials | |",
        "|---|---|--:|---|--:|---|--:|--:|--:|---|---|",
    ]
    for outcome in outcomes:
        goal, network, baseline = outcome.goal, outcome.network, outcome.baseline
        trials = ", ".join(f"{family} {count}" for family, count in outcome.oracle_trials.items())
        low, high = network["interval"]
        cells = (
            goal.name,
            goal.metric,
            f"{'≥' if goal.direction == 'max' else '<'} {goal.bound:,g} in {outcome.seconds:g} s",
            network["name"],
            f"**{_figure(network['test'])}** ({_figure(low)} to {_figure(high)})",
            baseline["name"],
            _figure(baseline["test"]),
            f"{outcome.spent:.0f} s",
            f"{outcome.allowed:.0f} s",
            trials,
            "met" if outcome.met else "**not met**",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figure(score: float) -> str:
    return f"{score:,.0f}" if abs(score) >= 1000 else f"{score:.4f}"


def run(names: list[str], budget: float | None = None, seed: int = 0) -> list[Outcome]:
    """Measure the data sets called `names` (all, where none is named). Raises SystemExit without DEEPBOARD_DATA."""
    if "DEEPBOARD_DATA" not in os.environ:
        raise SystemExit(
            "Set DEEPBOARD_DATA to the folder that holds adult, california_housing, cifar10_small, m4_hourly."
        )
    data = Path(os.environ["DEEPBOARD_DATA"]).absolute()
    goals = [goal for goal in GOALS if not names or goal.name in names]
    return [measure(goal, data, budget or goal.seconds, seed) for goal in goals]


def main() -> None:
    parser = argparse.ArgumentParser(description="How good the best network is within its budget.")
    parser.add_argument("names", nargs="*", choices=[[], *(goal.name for goal in GOALS)], metavar="NAME")
    parser.add_argument("--budget", type=float, help="seconds, instead of each data set's own")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    outcomes = run(arguments.names, arguments.budget, arguments.seed)
    print(table(outcomes))
    sys.exit(not all(outcome.met for outcome in outcomes))


if __name__ == "__main__":
    main()

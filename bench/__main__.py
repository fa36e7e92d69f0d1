"""Measure everything and write docs/bench.md.

DEEPBOARD_DATA=/path/to/data python -m bench
"""

import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

from bench import dashboard, spine
from dl_core.records import write_bytes
from dl_core.settings import CORES

ROOT = Path(__file__).parent.parent
PAGE = """# What was measured

{day}, commit {commit}, {cores} cores ({processor}), nothing else running; Python {python}, TensorFlow {tensorflow},
Keras {keras}, Streamlit {streamlit}. Measured again with `DEEPBOARD_DATA=/path/to/data make bench`.

## The best network within its budget

One run each with seed 0, through the command line, in a fresh workspace. Scores are of the data set's own test file,
which chose nothing, with their 95 % interval. "Time spent" runs from the start of the run to the delivered bundle and
may reach 110 % of the budget and 20 s; it holds everything: reading, baselines, search, judging, the bundle, its proof.

{networks}

## The dashboard

A generated table of {rows:,} rows, a real Chromium, {starts} starts and {rounds} visits to every page.

{dashboard}
"""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    figures, free = dashboard.measure()
    outcomes = spine.run([])
    page = PAGE.format(
        day=date.today().isoformat(),
        commit=commit.stdout.strip() or "unknown",
        cores=CORES,
        processor=_processor(),
        python=platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "streamlit")},
        networks=spine.table(outcomes),
        rows=dashboard.ROWS,
        starts=dashboard.STARTS,
        rounds=dashboard.ROUNDS,
        dashboard=dashboard.table(figures, free),
    )
    write_bytes(ROOT / "docs" / "bench.md", page.encode())
    print(page)
    sys.exit(not (free and all(figure.met for figure in figures) and all(outcome.met for outcome in outcomes)))


if __name__ == "__main__":
    main()

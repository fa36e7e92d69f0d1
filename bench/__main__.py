"""Measure everything and write docs/bench.md and docs/engine.

DEEPBOARD_DATA=/path/to/data python -m bench
"""

import sys
from pathlib import Path

from bench import dashboard, engine, machine, spine
from dl_core.records import write_bytes

ROOT = Path(__file__).parent.parent
PAGE = """# What was measured

{facts}
{load} Measured again with `DEEPBOARD_DATA=/path/to/data make bench`.

## The best network within its budget

One run each with seed 0, through the command line, in a fresh workspace. Scores are of the data set's own test file,
which chose nothing, with their 95 % interval. "Time spent" runs from the start of the run to the delivered bundle and
may reach 110 % of the budget and 20 s; it holds everything: reading, baselines, search, judging, the bundle, its proof.

{networks}

## The dashboard

A generated table of {rows:,} rows, a real Chromium, {starts} starts and {rounds} visits to every page.

{dashboard}
"""


def main() -> None:
    load = machine.load()
    figures, free = dashboard.measure()
    outcomes = spine.run([])
    page = PAGE.format(
        facts=machine.facts("TensorFlow", "Keras", "Streamlit"),
        load=load,
        networks=spine.table(outcomes),
        rows=dashboard.ROWS,
        starts=dashboard.STARTS,
        rounds=dashboard.ROUNDS,
        dashboard=dashboard.table(figures, free),
    )
    write_bytes(ROOT / "docs" / "bench.md", page.encode())
    print(page)
    good = free and all(figure.met for figure in figures) and all(outcome.met for outcome in outcomes)
    fast = engine.run()
    sys.exit(not (good and fast))


if __name__ == "__main__":
    main()

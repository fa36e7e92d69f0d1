"""How fast the engine is: its trainer beside `fit`, its search beside stock Keras Tuner, the first network after a
launch, the budgets.

    python -m bench.engine [throughput] [trials] [launches] [budgets] [--quick]

On generated data, with nothing else running. Each part writes a page into docs/engine; with --quick it is only printed.
Exits 1 where a line is not met.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from bench import launches, machine, made
from bench.page import Line, Section, bars, figure, table
from dl_core import families
from dl_core.records import write_bytes
from dl_core.settings import CORES, cap_threads

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs" / "engine"
MATMUL_SHARE, SMALL_GAIN, RESNET_GAIN = 0.6, 10.0, 1.5
WARM_SECONDS, COLD_SECONDS = 3.0, 15.0
BUDGETS, QUICK_BUDGETS = (20.0, 60.0, 300.0), (20.0,)
PHASES = ("start", "prepare", "baselines", "portfolio", "search", "judge", "deliver")

Record = dict[str, Any]


def child(module: str, *arguments: str, threads: int = CORES) -> Iterator[Record]:
    """The records that a module prints, run in a process of its own with so many threads; they are shown as
    they come. Raises CalledProcessError."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    environment = cap_threads(dict(os.environ), threads)
    if threads == 1:
        environment["TF_NUM_INTEROP_THREADS"] = "1"
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line.rstrip()}", file=sys.stderr, flush=True)
            yield json.loads(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


# the parts


def throughput(quick: bool) -> Section:
    options = ["--quick"] if quick else []
    together = [*child("bench.throughput", "all", *options)]
    alone = [*child("bench.throughput", "one", *options, threads=1)]
    rows, lines = [], []
    for record, single in zip(together, alone, strict=True):
        share = single["rate"] * single["operations"] / single["products"]
        rows.append(
            (
                _network(record),
                figure(record["fit"]),
                record["how"],
                figure(record["rate"]),
                f"{record['rate'] / record['fit']:.1f}",
                figure(single["rate"]),
                figure(single["operations"] / 1e6),
                figure(single["products"] / 1e9),
                f"{share:.0%}",
            )
        )
        if (record["family"], record["width"]) == ("realmlp", 256):
            must = f"at least {MATMUL_SHARE:.0%}"
            lines.append(Line("RealMLP, 256 wide, beside its products", f"{share:.0%}", must, share >= MATMUL_SHARE))
    head = ("network", "fit", "its best settings", "ours", "ours / fit", "ours on one core", "MFLOP a sample")
    return Section(
        "Samples per second",
        "The same network, batch size and loss. `fit` at the best of its settings: arrays or tf.data; 1, 16 or 64 "
        "steps a call; XLA or not; both with all cores. Then on one core: what a training step calculates (three times "
        "the matrix products and convolutions of a forward pass) beside what one core reaches in these products alone, "
        "in GFLOP a second. More than 100 % is possible where products are so small that calling them takes the time.",
        table((*head, "products alone", "share of them"), rows),
        tuple(lines),
    )


def trials(quick: bool) -> Section:
    records = [*child("bench.trials", *(["--quick"] if quick else []))]
    rows = []
    for record in records:
        ours, stock, tuned = _rate(record["ours"]), _rate(record["stock"]), _rate(record["tuned"])
        rows.append(
            (
                _search(record),
                f"{record['stock']['trials']}, {record['ours']['trials']} x {record['epochs']}",
                figure(stock),
                f"{figure(tuned)} ({record['how']})",
                figure(ours),
                f"**{ours / stock:.1f}**",
                f"**{ours / tuned:.1f}**",
                record["metric"],
                _scores(record, "stock"),
                _scores(record, "ours"),
            )
        )
    head = ("search", "trials: stock, ours x most epochs", "stock, a minute", "tuned fit, a minute", "ours, a minute")
    gains = ("ours / stock", "ours / tuned fit", "metric")
    body = table((*head, *gains, "stock: best; mean ± deviation", "ours: best; mean ± deviation"), rows)
    drawn = [(_search(record), _rate(record["ours"]), _rate(record["stock"])) for record in records]
    return Section(
        "Trials per minute",
        "Stock is RandomSearch with `compile` and `fit` as they come; ours trains what it drew, through the product's "
        "own search, and in the small searches as many more as a run has. Same rows, epochs, batches, loss, optimiser "
        "and schedule, and every trial goes to its last epoch. Tuned fit: the same networks again, with several steps "
        "a call, tf.data where it is quicker, and no tuner around. Scores are of the validation part, at the epoch "
        "of least validation loss.",
        body,
        (*_gains(records), *map(_equal, records)),
        picture=bars("Trials per minute", drawn),
    )


def first_network(quick: bool) -> Section:
    times = 1 if quick else 5
    ours, stock = launches.first_networks(times), launches.stock_networks(times)
    rows = [
        (f"{who}, {how}", f"{statistics.median(seconds[how]):.1f} s", f"{max(seconds[how]):.1f} s")
        for who, seconds in (("Deepboard", ours), ("stock Keras Tuner", stock))
        for how in ("cold", "warm")
    ]
    limits = {"cold": COLD_SECONDS, "warm": WARM_SECONDS}
    return Section(
        "From launch to the first network",
        f"A table of {made.TABLE}; {times} launches each. Cold: no process is at work. Warm: workers are ready and "
        "idle; for stock, a process that has done the same before. Stock reads the CSV, scales it and searches one "
        "trial of ten epochs.",
        table(("from launch to the first network", "middle", "worst"), rows),
        tuple(
            Line(
                f"First network, {how}, at worst",
                f"{max(ours[how]):.1f} s",
                f"at most {limit:g} s",
                max(ours[how]) <= limit,
            )
            for how, limit in limits.items()
        ),
    )


def budgets(quick: bool) -> Section:
    rows, lines = [], []
    for name, budget, phases in launches.kept(QUICK_BUDGETS if quick else BUDGETS):
        took, limit = sum(phases.values()), launches.allowed(budget)
        rows.append((f"{name}, {budget:g} s", *(f"{phases.get(phase, 0):.1f}" for phase in PHASES), f"{took:.1f}"))
        lines.append(Line(f"{name} in {budget:g} s", f"{took:.1f} s", f"at most {limit:g} s", took <= limit))
    return Section(
        "Where the seconds go, and whether the budget is kept",
        "From the start of the work to the end of the run, through the queue and a worker. A run may take 110 % of its "
        "budget and 15 s at 20 s, 105 % and 10 s above.",
        table(("run", *PHASES, "together"), rows),
        tuple(lines),
    )


PARTS: dict[str, Callable[[bool], Section]] = {
    "throughput": throughput,
    "trials": trials,
    "launches": first_network,
    "budgets": budgets,
}


# the words and the sums


def _title(family: str) -> str:
    return families.FAMILIES[family].title


def _network(record: Record) -> str:
    return _title(record["family"]) + (f", {record['width']} wide" if record["width"] else "")


def _search(record: Record) -> str:
    only = "; ".join(f"{name} {', '.join(map(str, choices))}" for name, choices in record["only"].items())
    return f"{_title(record['family'])}{f' ({only})' if only else ''}, {record['data']}"


def _rate(side: Record) -> float:
    return 60 * side["trials"] / side["seconds"]


def _scores(record: Record, side: str) -> str:
    scores = record[side]["scores"]
    best = max(scores, key=lambda score: record["sign"] * score)
    deviation = statistics.stdev(scores) if len(scores) > 1 else float("nan")
    return f"{best:.4g}; {statistics.fmean(scores):.4g} ± {deviation:.2g}"


def _gains(records: Sequence[Record]) -> Iterator[Line]:
    """How many times the trials per minute: of stock for small networks, of `fit` at its quickest for every family."""
    must = "at least {:g} times {}"
    if small := [record for record in records if record["small"]]:
        gain = _gain(small, "stock")
        name = "Small networks for tables and windows, all searches together"
        yield Line(name, f"{gain:.1f}", must.format(SMALL_GAIN, "stock"), gain >= SMALL_GAIN)
    for record in records:
        gain, least = _gain([record], "tuned"), RESNET_GAIN if record["family"] == "resnet" else 1.0
        yield Line(_search(record), f"{gain:.1f}", must.format(least, "tuned fit"), gain >= least)


def _gain(records: Sequence[Record], peer: str) -> float:
    """By the seconds that one trial of each search takes on either side."""
    return sum(1 / _rate(record[peer]) for record in records) / sum(1 / _rate(record["ours"]) for record in records)


def _equal(record: Record) -> Line:
    """Whether ours scores no worse than stock with the same parameters, beyond chance: a paired t interval of 99 %."""
    pairs = zip(record["ours"]["scores"], record["stock"]["scores"], strict=True)
    leads = [record["sign"] * (ours - stock) for ours, stock in pairs]
    name = f"Scores: {_search(record)}"
    lead = statistics.fmean(leads)
    noise = float(student.ppf(0.995, len(leads) - 1)) * statistics.stdev(leads) / len(leads) ** 0.5
    return Line(name, f"better by {lead:.3g} ± {noise:.2g}", "no worse than stock", lead + noise >= 0)


PAGE = """# {title}

{facts}
{load} Measured again with `python -m bench.engine {name}`, all parts with `make bench`.

{section}
"""


def page(name: str, section: Section, load: str) -> str:
    facts = machine.facts("TensorFlow", "Keras", "Keras-Tuner")
    drawn = f"![{section.title}]({name}.svg)\n\n" if section.picture else ""
    return PAGE.format(title=section.title, facts=facts, load=load, name=name, section=f"{drawn}{section.content}")


def run(names: Sequence[str] = (), quick: bool = False) -> bool:
    """Measure the parts called `names` (all, where none is named), print them as they come, and write each that was
    measured in full into docs/engine; whether everything holds that must."""
    met = True
    for name, part in PARTS.items():
        if names and name not in names:
            continue
        load = machine.load()
        section = part(quick)
        print(f"{load}\n\n## {section.title}\n\n{section.content}\n", flush=True)
        met = met and section.met
        if not quick:
            DOCS.mkdir(parents=True, exist_ok=True)
            write_bytes(DOCS / f"{name}.md", page(name, section, load).encode())
            if section.picture:
                write_bytes(DOCS / f"{name}.svg", section.picture.encode())
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the engine is, beside Keras and Keras Tuner alone.")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="less of everything, and nothing is written")
    arguments = parser.parse_args()
    sys.exit(not run(arguments.parts, arguments.quick))


if __name__ == "__main__":
    main()

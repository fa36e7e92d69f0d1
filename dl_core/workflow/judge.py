"""Judge: the best trial of every family and every baseline, scored on the test part once, at the end."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dl_core import baselines, families
from dl_core.evaluation import spoken
from dl_core.evaluation.leaderboard import Entrant, Part, leaderboard
from dl_core.records import read_array, read_json, write_array, write_json
from dl_core.report import significant
from dl_core.tuning.trial import Bench, load_network, predict_part
from dl_core.workflow.context import RunContext

LATENCY_TRIES = 30


def judge(context: RunContext, bench: Bench) -> dict[str, Any]:
    """Score every entrant on the test part, write models/ and leaderboard.json, and return the board.

    The choice reads the validation part only; `looks` counts how often the test part was scored. Entered again with the
    same models after the same trials, as after a kill, it is the same look.
    """
    trials = context.run.trials()
    fitted = [path.parent for path in sorted(context.folder.glob("models/*/state.json"))]
    entrants = [_baseline(context, bench, folder) for folder in fitted if (folder / "model.json").exists()]
    for record in best_of_each_family(trials, bench.metric.sign):
        entrants.append(_network(context, bench, record, sum(t["family"] == record["family"] for t in trials)))
    before = context.record("leaderboard.json") or {"rows": [], "looks": 0}
    seen = {row["model"]: row["trials"] for row in before["rows"]}
    is_new = seen != {entrant.model: entrant.trials for entrant in entrants}
    board = leaderboard(
        entrants,
        bench.task.kind,
        bench.metric.name,
        Part.of(bench.prepared, "valid"),
        Part.of(bench.prepared, "test"),
        looks=before["looks"] + is_new,
        seed=context.spec.seed,
    )
    for row in board["rows"]:
        path = context.folder / "models" / row["model"] / "model.json"
        write_json(path, {**read_json(path, {}), **row})
    write_json(context.folder / "leaderboard.json", board)
    _decide(context, bench, board)
    return board


def best_of_each_family(trials: list[dict], sign: int) -> list[dict]:
    best: dict[str, dict] = {}
    for record in trials:
        rival = best.get(record["family"])
        if record["status"] == "pruned" or record["score"] is None:
            continue
        if rival is None or sign * (record["score"] - rival["score"]) > 0:
            best[record["family"]] = record
    return list(best.values())


def _network(context: RunContext, bench: Bench, record: dict, trials: int) -> Entrant:
    trial, name = record["trial"], record["family"]
    source, folder = context.folder / "trials" / trial, context.folder / "models" / trial
    if not (folder / "test.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / "valid.npy", folder / "valid.npy")
        model = load_network(bench, source)
        one = {key: tf.constant(array[:1]) for key, array in bench.prepared.inputs("test").items()}
        call = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
        fields = ("params", "network", "curve", "source", "parameters", "trial")
        latency = _latency(lambda: call(one).numpy())
        write_json(folder / "model.json", {**{key: record[key] for key in fields}, "latency_ms": latency})
        write_array(folder / "test.npy", predict_part(bench, source, "test"))
        context.tick()
    return Entrant(
        model=trial,
        name=families.FAMILIES[name].title,
        family=name,
        kind="network",
        valid=read_array(folder / "valid.npy"),
        test=read_array(folder / "test.npy"),
        seconds=record["seconds"],
        latency_ms=read_json(folder / "model.json")["latency_ms"],
        bytes=sum(path.stat().st_size for path in source.glob("weights*.npz")),
        parameters=record["parameters"],
        trials=trials,
        why=families.FAMILIES[name].why,
    )


def _baseline(context: RunContext, bench: Bench, folder: Path) -> Entrant:
    record = read_json(folder / "model.json")
    if not (folder / "test.npy").exists():
        name, state = record["family"], read_json(folder / "state.json")
        inputs = bench.prepared.inputs("test")
        one = {key: np.asarray(array[:1]) for key, array in inputs.items()}
        record["latency_ms"] = _latency(lambda: baselines.predict(name, state, one))
        write_json(folder / "model.json", record)
        write_array(folder / "test.npy", baselines.predict(name, state, inputs))
        context.tick()
    return Entrant(
        model=record["model"],
        name=record["name"],
        family=record["family"],
        kind="baseline",
        valid=read_array(folder / "valid.npy"),
        test=read_array(folder / "test.npy"),
        seconds=record["seconds"],
        latency_ms=record["latency_ms"],
        bytes=(folder / "state.json").stat().st_size,
        why=record["why"],
    )


def _latency(answer) -> float:
    """Median milliseconds for one row, the first call left out."""
    answer()
    times = []
    for _ in range(LATENCY_TRIES):
        began = time.perf_counter()
        answer()
        times.append(time.perf_counter() - began)
        if sum(times) > 0.5:
            break
    return round(1000 * float(np.median(times)), 3)


def _decide(context: RunContext, bench: Bench, board: dict[str, Any]) -> None:
    rows = {row["model"]: row for row in board["rows"]}
    network = rows[board["best_network"]]
    context.decide(
        f"choice.{board['looks']}",
        f"{network['name']} ({network['model']}) is the network to deliver",
        f"{bench.metric.title} {significant(network['valid'])} {spoken.place(board['folds'])}; {board['sentence']}",
        [row["name"] for row in board["rows"] if row["kind"] == "network" and row["model"] != network["model"]],
    )

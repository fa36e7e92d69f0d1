"""Workspaces for page tests, written by the contract on disk: an imported table, and runs in every state."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.records import append_line, to_json, write_json
from dl_core.runspec import Budget, RunSpec, SplitSpec, TaskSpec
from dl_core.store import Run, Store

NETWORKS = (("realmlp", "RealMLP"), ("mlp", "MLP"))
BASELINES = (
    ("trees", "Boosted trees (LightGBM)", 0.921),
    ("linear", "Linear model", 0.905),
    ("dummy", "Always the same answer", 0.5),
)


def people(rows: int = 600) -> pd.DataFrame:
    """A table as people bring it: numbers, words, gaps, a constant, an id, two classes."""
    random = np.random.default_rng(0)
    age = random.integers(17, 90, rows)
    hours = random.normal(40, 12, rows).round(1)
    schooling = random.choice(["Bachelors", "HS-grad", "Masters", "Some-college", "Doctorate"], rows)
    rich = (age / 60 + hours / 80 + (schooling == "Masters") + random.normal(0, 0.6, rows)) > 1.6
    return pd.DataFrame(
        {
            "person_id": np.arange(rows) + 100_000,
            "age": age,
            "workclass": np.where(random.random(rows) < 0.06, None, random.choice(["Private", "State", "Self"], rows)),
            "education": schooling,
            "hours per week": np.where(random.random(rows) < 0.1, np.nan, hours),
            "capital gain": np.where(random.random(rows) < 0.9, 0, random.integers(500, 9_000, rows)),
            "since": (pd.Timestamp("2015-01-01") + pd.to_timedelta(random.integers(0, 3000, rows), unit="D")).date,
            "country": "Austria",
            "income": np.where(rich, ">50K", "<=50K"),
        }
    )


def add_table(store: Store, folder: Path, rows: int = 600, name: str = "people") -> Dataset:
    path = folder / f"{name}.csv"
    people(rows).to_csv(path, index=False)
    return store.add_dataset(import_file(path, store.incoming(), name=name))


def spec(dataset: Dataset, seconds: float = 60.0) -> RunSpec:
    return RunSpec(
        dataset=dataset.id,
        schema_version=dataset.schema.version,
        task=TaskSpec(kind="classification", targets=("income",), metric="roc_auc"),
        split=SplitSpec(kind="stratified"),
        budget=Budget(seconds=seconds),
    )


def events(trials: int = 7, seconds: float = 55.0, fail: int | None = 4) -> Iterator[dict]:
    """The events of a run from its start to the end of its search, `t` counted from 0."""
    random = np.random.default_rng(1)
    yield {"t": 0.0, "event": "attempt", "attempt": 1, "pid": 1}
    yield {
        "t": 0.1,
        "event": "phase",
        "phase": "prepare",
        "text": "Splitting the data and turning columns into numbers",
    }
    phases = {"baselines": 9, "portfolio": 18, "search": 18, "deliver": 15}
    yield {"t": 0.6, "event": "plan", "phases": phases, "budget": 60}
    for number, (name, title, valid) in enumerate(BASELINES):
        yield {"t": 1 + number, "event": "phase", "phase": "baselines", "text": f"Fitting the baseline: {title}"}
        yield {"t": 1.5 + number, "event": "model", "model": name, "name": title, "family": name, "kind": "baseline",
               "valid": valid}  # fmt: skip
    moment, share = 5.0, (seconds - 12) / trials
    yield {"t": moment, "event": "phase", "phase": "portfolio", "text": "Training settings that are known to work"}
    for number in range(1, trials + 1):
        family = NETWORKS[number % 2][0]
        if number == 4:
            yield {"t": moment, "event": "phase", "phase": "search", "text": "Trying what the tuner proposes"}
        source = "portfolio" if number < 4 else "oracle"
        params = {"width": 64 * number, "depth": 3, "dropout": 0.15, "learning_rate": 0.04 / number}
        trial = f"t{number:03d}"
        yield {"t": moment, "event": "trial_start", "trial": trial, "family": family, "source": source,
               "params": params, "seconds": share}  # fmt: skip
        if number == fail:
            error = "ResourceExhaustedError: out of memory while building a layer of 65,536 units"
            yield {"t": moment + 0.5, "event": "trial_end", "trial": trial, "family": family, "source": source,
                   "status": "failed", "score": None, "seconds": 0.5, "error": error}  # fmt: skip
            moment += 0.5
            continue
        ceiling = 0.905 + 0.004 * number + random.normal(0, 0.002)
        for epoch in range(1, 13):
            score = ceiling - 0.25 * math.exp(-epoch / 2.4) + random.normal(0, 0.0015)
            loss = 0.32 + 0.4 * math.exp(-epoch / 2)
            yield {"t": moment + share * epoch / 12, "event": "epoch", "trial": trial, "epoch": epoch, "epochs": 12,
                   "step": 20 * epoch, "steps": 240, "train_loss": loss, "valid_loss": loss + 0.02,
                   "score": round(score, 4), "seconds": round(share * epoch / 12, 2)}  # fmt: skip
        moment += share
        yield {"t": moment, "event": "trial_end", "trial": trial, "family": family, "source": source, "status": "done",
               "score": round(ceiling, 4), "seconds": round(share, 2), "error": None}  # fmt: skip


DECISIONS = (
    ("split", "Split: stratified, 60 % train, 20 % validation, 20 % test", "the classes have different sizes",
     ["random", "by a column"]),
    ("drop.country", "Column country is left out", "it has one value only", ["keep it"]),
    ("metric", "Judged by ROC AUC", "the classes have different sizes, so accuracy would flatter", ["accuracy"]),
    ("plan", "Of 60 s, 18 s go to settings known to work and as much to the tuner",
     "15 s are kept for scoring, packing and the parity check", ["more time", "fewer families"]),
)  # fmt: skip


def write_trials(folder: Path, facts: list[dict]) -> None:
    curves: dict[str, list[dict]] = {}
    started: dict[str, dict] = {}
    for fact in facts:
        if fact["event"] == "trial_start":
            started[fact["trial"]] = fact
        elif fact["event"] == "epoch":
            keep = ("epoch", "epochs", "step", "steps", "train_loss", "valid_loss", "score", "seconds")
            curves.setdefault(fact["trial"], []).append({key: fact[key] for key in keep})
    ended = {fact["trial"]: fact for fact in facts if fact["event"] == "trial_end"}
    for trial, start in started.items():
        end = ended.get(trial, {"status": "running", "score": None, "seconds": None, "error": None})
        record = {
            **{key: start[key] for key in ("trial", "family", "params", "source")},
            **{key: end[key] for key in ("status", "score", "seconds", "error")},
            "curve": curves.get(trial, []),
            "epochs": len(curves.get(trial, [])),
            "parameters": 41_602 if trial in curves else None,
            "network": network() if trial in curves else None,
            "started": start["t"],
        }
        write_json(folder / "trials" / trial / "trial.json", record)


def network() -> dict:
    layers = [
        {"name": "numeric", "kind": "InputLayer", "shape": [None, 3], "parameters": 0, "from": []},
        {"name": "category", "kind": "InputLayer", "shape": [None, 2], "parameters": 0, "from": []},
        {"name": "periodic", "kind": "PeriodicEmbedding", "shape": [None, 48], "parameters": 240, "from": ["numeric"]},
        {"name": "one_hot", "kind": "OneHot", "shape": [None, 11], "parameters": 0, "from": ["category"]},
        {
            "name": "joined",
            "kind": "Concatenate",
            "shape": [None, 59],
            "parameters": 0,
            "from": ["periodic", "one_hot"],
        },
        {"name": "dense", "kind": "Dense", "shape": [None, 256], "parameters": 15_360, "from": ["joined"]},
        {"name": "dense_1", "kind": "Dense", "shape": [None, 100], "parameters": 25_700, "from": ["dense"]},
        {"name": "raw", "kind": "Dense", "shape": [None, 2], "parameters": 302, "from": ["dense_1"]},
    ]
    return {"layers": layers, "parameters": 41_602}


def board() -> dict:
    def row(model, name, kind, valid, test, tier, **more):
        return {
            "model": model, "name": name, "family": more.pop("family", model), "kind": kind, "valid": valid,
            "valid_interval": [valid - 0.012, valid + 0.012], "test": test, "interval": [test - 0.011, test + 0.011],
            "seconds": 6.1, "latency_ms": 0.4, "bytes": 190_000, "parameters": 41_602 if kind == "network" else None,
            "tier": tier, "trials": 4, "scores": {"roc_auc": {"valid": valid, "test": test}}, "why": "It fits tables.",
            "gain": test - 0.9185, "gain_interval": [test - 0.9185 - 0.006, test - 0.9185 + 0.006], **more,
        }  # fmt: skip

    rows = [
        row("t007", "MLP", "network", 0.932, 0.929, 1, family="mlp"),
        row("t006", "RealMLP", "network", 0.929, 0.927, 1, family="realmlp"),
        row("trees", "Boosted trees (LightGBM)", "baseline", 0.921, 0.9185, 2),
        row("linear", "Linear model", "baseline", 0.905, 0.901, 3),
        row("dummy", "Always the same answer", "baseline", 0.5, 0.5, 4),
    ]
    return {
        "metric": "roc_auc", "direction": "max", "task": "classification", "rows": rows, "winner": "t007",
        "best_network": "t007", "sentence": "MLP is best; RealMLP draws with it and is two times smaller.", "looks": 1,
    }  # fmt: skip


def add_run(store: Store, dataset: Dataset, status: str = "done", *, seconds: float = 60.0, **catalogue) -> Run:
    """A run in the given state: queued, running (in its fifth trial), done, stopped, cancelled or failed."""
    decisions = [{"key": key, "what": what, "why": why, "alternatives": others} for key, what, why, others in DECISIONS]
    run = store.create_run(spec(dataset, seconds), decisions=decisions)
    if status == "queued":
        return run
    facts = list(events())
    if status in ("running", "cancelled", "failed"):
        facts = facts[: 60 if status == "running" else 40]
    now = time.time()
    begun = now - (facts[-1]["t"] if status == "running" else 3600)
    with open(run.folder / "events.jsonl", "w", encoding="utf-8") as stream:
        stream.writelines(to_json({**fact, "t": begun + fact["t"]}) + "\n" for fact in facts)
    write_trials(run.folder, facts)
    write_json(run.folder / "clock.json", {"spent": facts[-1]["t"] if status != "done" else 58.2})
    values = {"status": status, "started": begun, **catalogue}
    if status in ("done", "stopped"):
        write_json(run.folder / "leaderboard.json", board())
        for row in board()["rows"]:
            network_part = {"network": network(), "params": {"width": 448}} if row["kind"] == "network" else {}
            write_json(run.folder / "models" / row["model"] / "model.json", {**row, **network_part})
        values |= {"winner": "MLP", "score": 0.929}
    if status != "running":
        error = "No network could be trained: out of memory" if status == "failed" else None
        append_line(run.folder / "events.jsonl", event="end", status=status, error=error)
        values |= {"ended": begun + 60, "error": error}
    job = {"done": "done", "stopped": "done", "running": "running"}.get(status, status)
    with store.catalogue.transaction() as connection:
        assignments = ", ".join(f"{key} = ?" for key in values)
        connection.execute(f"update runs set {assignments} where id = ?", (*values.values(), run.id))
        connection.execute("update jobs set status = ? where run = ?", (job, run.id))
    return store.run(run.id)

"""Deliver: the best network as a bundle, its download proven to answer like the app, and the result of the run."""

from pathlib import Path
from typing import Any

import keras

from dl_core.bundle.folder import RECORD, save_bundle
from dl_core.export.download import export
from dl_core.metrics import METRICS
from dl_core.records import read_json, write_json
from dl_core.store import Run
from dl_core.tasks import TASKS
from dl_core.tuning.trial import Bench, load_network, refitted_network
from dl_core.workflow.context import RunContext
from dl_core.workflow.refit import weights_of

SHOWN = (
    "model",
    "name",
    "family",
    "kind",
    "params",
    "parameters",
    "valid",
    "test",
    "interval",
    "scores",
    "why",
    "refit",
)


def deliver(context: RunContext, bench: Bench, board: dict[str, Any]) -> None:
    """Write models/<best>/bundle, its ZIP with the parity receipt, and result.json. Downloads of other
    networks show an earlier board and are taken away; they are packed again when somebody asks."""
    best = board["best_network"]
    bundle = write_bundle(context.run, best, bench)
    context.tick()
    _withdraw(context.folder / "exports", keep=best)
    archive, receipt = write_download(context.run, best)
    sentence = receipt["sentence"]
    if not receipt["passed"]:
        context.emit("problem", severity="warning", message=sentence, fix="Choose another network on the board.")
    context.decide(
        f"parity.{best}.{board['looks']}",
        sentence,
        "predict.py was run from the unpacked ZIP, away from Deepboard, and its answers compared with the app's",
    )
    shown = ("model", "name", "family", "kind", "valid", "test", "interval", "seconds")
    result = {
        "run": context.run.id,
        "task": board["task"],
        "metric": board["metric"],
        "winner": board["winner"],
        "best_network": best,
        "sentence": board["sentence"],
        "leaderboard": [{key: row[key] for key in shown} for row in board["rows"]],
        "bundle": str(bundle),
        "download": str(archive) if archive else None,
        "receipt": receipt,
        "refit": context.run.model(best).get("refit"),
    }
    write_json(context.folder / "result.json", result)


def _withdraw(exports: Path, keep: str) -> None:
    for archive in exports.glob("*.zip"):
        if archive.stem != keep:
            archive.with_suffix(".receipt.json").unlink(missing_ok=True)  # first: without it nothing is offered
            archive.unlink()


def bench_of(run: Run) -> Bench:
    """The data and the task of a run whose arrays are prepared."""
    spec = run.spec
    return Bench(
        prepared=run.prepared, task=TASKS.load(spec.task.kind)(), metric=METRICS.load(spec.task.metric), seed=spec.seed
    )


def trained_network(run: Run, model: str, bench: Bench | None = None) -> keras.Model:
    """The network that is delivered for a model of the board: encoded inputs, raw output. Refitted, where it was."""
    bench, source = bench or bench_of(run), run.folder / "trials" / run.model(model)["trial"]
    refitted = weights_of(run.model_folder(model))
    return load_network(bench, source) if refitted is None else refitted_network(bench, source, refitted)


def write_bundle(run: Run, model: str, bench: Bench | None = None) -> Path:
    """The bundle folder of a model of the board, written where it is not there yet or shows an earlier board."""
    folder = run.model_folder(model) / "bundle"
    board = run.leaderboard() or {}
    written, row = read_json(folder / RECORD), run.model(model)
    shown = {"looks": board.get("looks"), "refit": row.get("refit")}
    if written is not None and {key: written["meta"].get(key) for key in shown} == shown:
        return folder
    content: dict[str, Any]
    if row["kind"] == "baseline":
        content = {"baseline": {"name": row["family"], "state": read_json(run.model_folder(model) / "state.json")}}
    else:
        content = {"network": trained_network(run, model, bench)}
    meta = {key: row.get(key) for key in SHOWN}
    if row.get("refit"):  # one network, where the board scored several
        meta["parameters"] = row["refit"]["parameters"]
    origin = {"run": run.id, "dataset": run.dataset.meta["name"], "split": run.spec.to_json()["split"]}
    origin["folds"] = run.prepared.folds
    save_bundle(
        folder,
        prepared_state=run.prepared.state,
        task_spec=run.spec.task,
        schema=run.schema,
        meta={**meta, **origin, "board": board.get("rows", []), "looks": board.get("looks")},
        **content,
    )
    return folder


def write_download(run: Run, model: str) -> tuple[Path | None, dict[str, Any]]:
    """The ZIP of a network and its parity receipt; the one of an earlier call where it is of this bundle."""
    bundle = write_bundle(run, model)
    target = run.folder / "exports" / f"{model}.zip"
    receipt = read_json(target.with_suffix(".receipt.json"))
    if receipt is not None and target.exists() and _written(target) >= _written(bundle / RECORD):
        return target, receipt
    return export(bundle, target, dataset=run.dataset, seed=run.spec.seed)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns

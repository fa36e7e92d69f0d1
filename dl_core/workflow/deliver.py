"""Deliver: the best network as a bundle, its download proven to answer like the app, and the result of the run."""

from pathlib import Path
from typing import Any

from dl_core.bundle.folder import save_bundle
from dl_core.export import export
from dl_core.records import read_json, write_json
from dl_core.store import Run
from dl_core.tuning.trial import Bench, load_network
from dl_core.workflow.context import RunContext


def deliver(context: RunContext, bench: Bench, board: dict[str, Any]) -> None:
    """Write models/<best>/bundle, its ZIP with the parity receipt, and result.json."""
    best = board["best_network"]
    bundle = write_bundle(context.run, bench, best)
    context.tick()
    archive, receipt = export(context.run, best)
    if not receipt["passed"]:
        context.emit("problem", severity="warning", message=receipt["sentence"], fix="Choose another network.")
    context.decide(
        f"parity.{best}.{board['looks']}",
        receipt["sentence"],
        "predict.py was run from the unpacked ZIP, away from Deepboard, and its answers compared with the app's",
    )
    result = {
        "run": context.run.id,
        "task": board["task"],
        "metric": board["metric"],
        "winner": board["winner"],
        "best_network": best,
        "sentence": board["sentence"],
        "leaderboard": [
            {key: row[key] for key in ("model", "name", "family", "kind", "valid", "test", "interval", "seconds")}
            for row in board["rows"]
        ],
        "bundle": str(bundle),
        "download": str(archive),
        "receipt": receipt,
    }
    write_json(context.folder / "result.json", result)


def write_bundle(run: Run, bench: Bench | None, model: str) -> Path:
    """The bundle folder of a model of the board, written where it is not there yet. `bench` is needed for networks."""
    folder = run.model_folder(model) / "bundle"
    if (folder / "bundle.json").exists():
        return folder
    row = run.model(model)
    content: dict[str, Any]
    if row["kind"] == "baseline":
        content = {"baseline": {"name": row["family"], "state": read_json(run.model_folder(model) / "state.json")}}
    else:
        assert bench is not None
        content = {"network": load_network(bench, run.folder / "trials" / row["trial"])}
    shown = ("model", "name", "family", "kind", "params", "parameters", "valid", "test", "interval", "scores", "why")
    meta = {key: row.get(key) for key in shown}
    save_bundle(
        folder,
        prepared_state=run.prepared.state,
        task_spec=run.spec.task,
        schema=run.schema,
        meta={**meta, "run": run.id, "dataset": run.dataset.meta["name"], "split": run.spec.to_json()["split"]},
        **content,
    )
    return folder

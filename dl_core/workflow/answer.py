"""Small jobs that a warm worker answers: predict, explain, export."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from dl_core.bundle.predictor import Predictor
from dl_core.errors import DataError
from dl_core.explain import Context, record_name
from dl_core.explain import explain as explain_model
from dl_core.records import write_json
from dl_core.store import Run, Store
from dl_core.workflow.deliver import trained_network, write_bundle, write_download

KEPT = 8  # predictors and networks a worker keeps loaded


def predict(store: Store, payload: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """{"run", "model"} and "rows" ([{column: value}]), or "file" and "out", or neither for the next horizon of a
    forecast. Returns {"answers": [{column: value}]}, or for a file what `predict_with` reports."""
    run = store.run(payload["run"])
    predictor = _predictor(run, payload["model"])
    if "file" in payload:
        from dl_core.bundle.files import predict_with

        return predict_with(predictor, Path(payload["file"]), Path(payload["out"]))
    frame = pd.DataFrame(payload["rows"]) if "rows" in payload else _latest(run, predictor)
    for column in run.schema.columns:
        if column.name in predictor.columns and column.name not in frame:
            frame[column.name] = None
        if column.name in frame and column.storage in ("number", "time"):
            frame[column.name] = pd.to_numeric(frame[column.name], errors="coerce")
    table = predictor.table(frame, predictor.predict(frame, files=run.dataset.file))
    return {"answers": table.to_dict("records")}


def explain(store: Store, payload: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """{"run", "model", "name"} and "sample" (of the test part) or "row" ({column: value}). Returns {"panels"}, which
    are kept in the run's folder unless they are about a row of the person's own."""
    run = store.run(payload["run"])
    model, name = payload["model"], payload["name"]
    context = Context(
        run=run,
        model=model,
        predictor=_predictor(run, model),
        network=_network(store, run.id, model, _written(run, model)),
        sample=payload.get("sample"),
        frame=pd.DataFrame([payload["row"]]) if "row" in payload else None,
    )
    panels = [panel.to_json() for panel in explain_model(name, context)]
    if "row" not in payload:
        write_json(run.folder / "explanations" / model / f"{record_name(name, context.sample)}.json", panels)
    return {"panels": panels}


def export(store: Store, payload: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """{"run", "model"}: the ZIP of any network of the board. Returns {"zip", "receipt"}."""
    archive, receipt = write_download(store.run(payload["run"]), payload["model"])
    return {"zip": str(archive) if archive else None, "receipt": receipt}


def _predictor(run: Run, model: str) -> Predictor:
    return _load(write_bundle(run, model), _written(run, model))


def _written(run: Run, model: str) -> int:
    """When the bundle of a model was written last: after further training another network answers for it."""
    return (write_bundle(run, model) / "bundle.json").stat().st_mtime_ns


@lru_cache(KEPT)
def _load(folder: Path, written: int) -> Predictor:
    return Predictor.load(folder)


@lru_cache(KEPT)
def _network(store: Store, run: str, model: str, written: int) -> Any:
    """The network of a model; None of a baseline."""
    found = store.run(run)
    return None if found.model(model)["kind"] == "baseline" else trained_network(found, model)


def _latest(run: Run, predictor: Predictor) -> pd.DataFrame:
    """The whole history of a forecasting dataset, its own test file included."""
    if run.spec.task.kind != "forecasting":
        raise DataError("There is nothing to predict: give rows or a file.")
    frame = run.dataset.table(list(predictor.columns))
    if run.spec.split.test_dataset:
        frame = pd.concat([frame, run.tested.table(list(predictor.columns))], ignore_index=True)
    return frame

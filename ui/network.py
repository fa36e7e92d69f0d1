"""A trial opened: its network as a picture and a table, its settings, and why this family."""

from collections.abc import Callable
from html import escape
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dl_core.evaluation import spoken
from dl_core.families import FAMILIES
from dl_core.records import read_json
from dl_core.report import Panel
from dl_core.store import Run
from ui import diagram, scores, show, words


def open_trial(run: Run, trial: str, on_dismiss: Callable[[], None] | Literal["ignore"] = "ignore") -> None:
    """Show a trial above the page; `on_dismiss` is called, and the page drawn again, when it is closed."""
    record = next((record for record in run.trials() if record["trial"] == trial), None)
    family = FAMILIES[record["family"]].title if record and record["family"] in FAMILIES else "Network"

    @st.dialog(f"{family} · {trial}", width="large", on_dismiss=on_dismiss)
    def opened() -> None:
        if record is None:
            show.callout("note", f"Trial {trial} has not left a record yet.", "Open it again in a moment.")
        else:
            refit = read_json(run.model_folder(trial) / "model.json", {}).get("refit")
            folds = max(each.get("members") or 1 for each in run.trials())
            body(record, run.row["metric"], key=f"{run.id}_{trial}", folds=folds, refit=refit)

    opened()


def body(record: dict[str, Any], metric: str, key: str, *, folds: int, refit: dict[str, Any] | None) -> None:
    """The record of a trial of a run with so many `folds`, and of its `refit` where it was trained again."""
    card = FAMILIES.get(record["family"])
    if card:
        show.lead(card.why)
    if record.get("error"):
        show.callout("error", record["error"], "The other trials went on without it.")
    if record["status"] == "pruned":
        show.callout("note", words.STOPPED_EARLY)
    if refit:
        show.callout("note", spoken.refitted(refit))
    show.facts(facts(record, metric, folds))
    layers = (record.get("network") or {}).get("layers") or []
    tabs = st.tabs(["Diagram", "Layers", "Settings", "Learning curve"])
    with tabs[1]:
        layer_table(layers, key)
    with tabs[0]:
        if layers:
            diagram.draw(layers, key)
        else:
            _not_yet()
    with tabs[2]:
        settings(record.get("params") or {})
    with tabs[3]:
        losses(record.get("curve") or [], key)


def facts(record: dict[str, Any], metric: str, folds: int) -> list[tuple[str, str] | tuple[str, str, str]]:
    judged = "first fold" if folds > 1 and record["status"] == "pruned" else spoken.name(folds)
    found: list[tuple[str, str] | tuple[str, str, str]] = [
        (f"{scores.title(metric)} ({judged})", words.number(record.get("score")))
    ]
    if (record.get("members") or 1) > 1:
        found.append(("Networks", words.count(record["members"]), "one for each fold"))
    if record.get("parameters"):
        found.append(("Parameters", words.count(record["parameters"])))
    if record.get("seconds") is not None:
        found.append(("Training time", words.duration(record["seconds"])))
    if record.get("epochs"):
        found.append(("Epochs", f"{record['epochs']:g}"))
    found.append(("Proposed by", words.SOURCES.get(record["source"], "–")))
    return found


def layer_table(layers: list[dict[str, Any]], key: str) -> None:
    if not layers:
        _not_yet()
        return
    frame = pd.DataFrame(
        {
            "Layer": [layer["name"] for layer in layers],
            "Kind": [diagram.spoken(layer["kind"]) for layer in layers],
            "Output": [diagram.shape_words(layer["shape"]) if layer.get("shape") else "–" for layer in layers],
            "Parameters": [layer.get("parameters") or 0 for layer in layers],
            "Reads from": [", ".join(layer.get("from") or []) for layer in layers],
        }
    )
    number = st.column_config.NumberColumn("Parameters", format="localized")
    show.table(frame, f"layers_{key}", name="Layers", column_config={"Parameters": number})


def settings(params: dict[str, Any]) -> None:
    rows = "".join(
        f'<tr><th>{escape(name.replace("_", " "))}</th><td class="db-mono">{escape(words.setting(value))}</td></tr>'
        for name, value in params.items()
    )
    st.html(
        f'<table class="db-pairs">{rows}</table>'
        if rows
        else '<p class="db-muted">This family leaves nothing open.</p>'
    )


def losses(curve: list[dict[str, Any]], key: str) -> None:
    points = [point for point in curve if point.get("train_loss") is not None]
    if not points:
        _not_yet()
        return
    data = {
        "series": [
            {"name": name, "x": [p["epoch"] for p in points], "y": [p[field] for p in points], "role": role}
            for name, field, role in (("training", "train_loss", None), ("validation", "valid_loss", "accent"))
            if all(p.get(field) is not None for p in points)
        ],
        "x_title": "epoch",
        "y_title": "loss",
    }
    show.panel(Panel(kind="lines", title="", data=data), f"losses_{key}", height=300)


def _not_yet() -> None:
    st.html('<p class="db-muted">This appears when the trial has ended.</p>')

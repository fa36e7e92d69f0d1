"""One answer, drawn: a class with all probabilities, or a quantity with its interval."""

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from dl_core.evaluation.samples import margin
from dl_core.report import percent, significant
from dl_core.store import Run
from ui import cached, state

SHOWN_CLASSES = 6
LEVEL = 0.8

Row = dict[str, Any]


def draw(run: Run, row: Row, answer: Row) -> None:
    """The answer large, with its probabilities or its interval."""
    if run.spec.task.kind == "classification":
        st.html(_classes_html(run, answer))
        return
    part = "test" if row["test"] is not None else "valid"
    low, high = _margin(state.actor(), run.id, row["model"], part)
    names = run.spec.task.targets
    for number, name in enumerate(names):
        value = answer["prediction" if len(names) == 1 else f"prediction_{name}"]
        st.html(_quantity_html(name, value, value + low[number], value + high[number], run, number))


def _classes_html(run: Run, answer: Row) -> str:
    classes = run.prepared.state["task"]["classes"]
    shares = sorted(((answer[f"probability_{name}"], name) for name in classes), reverse=True)
    usual = dict(zip(classes, _usual_shares(state.actor(), run.id), strict=True))
    bars = "".join(
        f'<div class="db-share{" first" if not number else ""}"><span>{escape(str(name))}</span>'
        f'<div class="track"><i style="width:{100 * share:.1f}%"></i>'
        f'<b style="left:{100 * usual[name]:.1f}%" title="{percent(usual[name])} of the training rows"></b></div>'
        f"<span>{percent(share)}</span></div>"
        for number, (share, name) in enumerate(shares[:SHOWN_CLASSES])
    )
    rest = len(shares) - SHOWN_CLASSES
    others = percent(sum(share for share, _ in shares[SHOWN_CLASSES:]))
    more = f'<p class="db-muted db-small">{rest} more classes share {others}.</p>'
    return (
        f'<div class="db-answer"><div class="label">{escape(run.spec.task.targets[0])}</div>'
        f'<div class="db-big">{escape(str(answer["prediction"]))}</div>{bars}{more if rest > 0 else ""}'
        '<p class="db-muted db-small">The small marks show how frequent each class is in training.</p></div>'
    )


def _quantity_html(name: str, value: float, low: float, high: float, run: Run, number: int) -> str:
    known = run.prepared.state["task"]
    start, end = known["low"][number], known["high"][number]
    low, high = max(low, min(start, value)), min(high, max(end, value))  # answers stay within what training showed
    span = (end - start) or 1.0
    left, middle, right = (100 * min(1.0, max(0.0, (each - start) / span)) for each in (low, value, high))
    return (
        f'<div class="db-answer"><div class="label">{escape(name)}</div>'
        f'<div class="db-big">{significant(value)}</div>'
        f'<p class="db-muted">Eight of ten times between {significant(low)} and {significant(high)}.</p>'
        f'<div class="db-range"><i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<b style="left:{middle:.1f}%"></b></div>'
        f'<div class="db-row db-small db-muted"><span>{significant(start)}</span>'
        f'<span class="db-push">{significant(end)}</span></div>'
        '<p class="db-muted db-small">The line is the range seen in training.</p></div>'
    )


@st.cache_data(show_spinner=False, max_entries=50)
def _margin(actor: str, run: str, model: str, part: str) -> tuple[list[float], list[float]]:
    """How far the truth lies below and above a prediction of the test part, which chose nothing; of the validation part
    only while the test part has not been looked at."""
    opened = cached.store().run(run, actor=actor)
    prediction = np.load(opened.model_folder(model) / f"{part}.npy")
    low, high = margin(np.asarray(opened.prepared.truth(part)), prediction, LEVEL)
    return low.tolist(), high.tolist()


@st.cache_data(show_spinner=False, max_entries=50)
def _usual_shares(actor: str, run: str) -> list[float]:
    prepared = cached.store().run(run, actor=actor).prepared
    counts = np.bincount(np.asarray(prepared.truth("train")), minlength=len(prepared.state["task"]["classes"]))
    return (counts / counts.sum()).tolist()

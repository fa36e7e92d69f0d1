"""Asking the warm worker: a page submits a small job, shows that something goes on, and draws again with the answer."""

import time
from html import escape
from typing import Any

import streamlit as st

from dl_core import jobs
from dl_core.errors import DeepboardError, NotFoundError
from dl_core.records import to_json
from ui import cached, show, state, words

SHORT_SECONDS = 0.15  # an answer within this time is drawn at once, without a bar in between
WAKING_SECONDS = 4.0


def ask(kind: str, payload: dict[str, Any], *, key: str, doing: str) -> dict[str, Any] | None:
    """The result of a job; None while it is being worked on (a bar says so and the page is drawn again when it ends)
    or when it failed (its sentence says why). The same payload is asked once per session."""
    store, slot, token = cached.store(), f"asked_{key}", to_json(payload)
    asked = st.session_state.get(slot)
    if asked is None or asked["token"] != token:
        jobs.ensure_supervisor(store.workspace)
        job = store.submit(kind, payload, run=payload["run"], actor=state.actor())
        asked = st.session_state[slot] = {"token": token, "job": job, "at": time.time(), "result": None}
    if asked["result"] is not None:
        return asked["result"]
    patience = max(0.0, SHORT_SECONDS - (time.time() - asked["at"]))
    try:
        asked["result"] = store.wait(asked["job"], patience, actor=state.actor())
        return asked["result"]
    except NotFoundError:
        forget(key)
        st.rerun()
    except DeepboardError as error:
        if _status(asked["job"]) in ("queued", "running"):
            _watch(asked["job"], asked["at"], doing)
        else:
            show.error(error)
            if st.button("Try again", key=f"again_{key}"):
                forget(key)
                st.rerun()
    return None


def forget(key: str) -> None:
    """Let go of an answer, so that the next `ask` asks again."""
    st.session_state.pop(f"asked_{key}", None)


@st.fragment(run_every=0.4)
def _watch(job: str, since: float, doing: str) -> None:
    jobs.ensure_supervisor(cached.store().workspace)
    if _status(job) not in ("queued", "running"):
        st.rerun(scope="app")
    passed = time.time() - since
    again = " The model is being loaded; the next answers come at once." if passed > WAKING_SECONDS else ""
    st.html(
        f'<div class="db-stack" role="status"><div class="db-row db-small"><span>{escape(doing)}</span>'
        f'<span class="db-muted">{escape(again)}</span><span class="db-push db-muted">{words.duration(passed)}'
        f"</span></div>{show.bar_busy()}</div>"
    )


def _status(job: str) -> str:
    try:
        return cached.store().job(job, actor=state.actor())["status"]
    except NotFoundError:
        return "gone"

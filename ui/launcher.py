"""Starting a run: it is written down and somebody is seen to work on it. Nothing is trained here."""

from typing import Any, NoReturn

from dl_core import jobs
from dl_core.runspec import RunSpec
from ui import cached, navigation, state


def launch(spec: RunSpec, decisions: list[dict[str, Any]]) -> NoReturn:
    """Queue what was planned, with the choices behind it, and open the run."""
    store = cached.store()
    run = store.create_run(spec, decisions=decisions, actor=state.actor())
    jobs.ensure_supervisor(store.workspace)
    navigation.go("run", dataset=spec.dataset, run=run.id)

"""Starting a run: it is written down and somebody is seen to work on it. Nothing is trained here."""

from typing import NoReturn

from dl_core import jobs
from ui import cached, navigation, state


def launch(planned: cached.Planned) -> NoReturn:
    """Queue what was planned, with the choices behind it, and open the run."""
    store = cached.store()
    run = store.create_run(planned.spec, decisions=planned.decisions, actor=state.actor())
    jobs.ensure_supervisor(store.workspace)
    navigation.go("run", dataset=planned.spec.dataset, run=run.id)

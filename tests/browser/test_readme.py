"""The picture in the README: a finished run of an example dataset, as anybody has it two clicks after the start."""

import os
from pathlib import Path

import pytest

from dl_core.data.examples import write_example
from dl_core.data.importing import import_file
from dl_core.store import Store
from dl_core.workflow.plan import Wishes, plan
from tests.browser import steps
from tests.finished import until_ended

PICTURE = Path(__file__).parent.parent.parent / "docs" / "screenshot.png"


@pytest.mark.long
def test_an_example_ends_with_a_board_that_can_be_shown(page, dashboard, tmp_path):
    store = Store(dashboard.workspace)
    file = write_example("rents", tmp_path)
    dataset = store.add_dataset(import_file(file, store.incoming(), name="Rents"))
    spec, decisions = plan(dataset, Wishes(seconds=120))
    run = until_ended(store, store.create_run(spec, decisions=decisions), patience=300)
    assert run.status == "done", run.row["error"]
    assert len(run.leaderboard()["rows"]) >= 4

    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{dashboard.url}/compare?run={run.id}")
    steps.expect_title(page, "Which model is best?")
    page.wait_for_load_state("networkidle")
    if "DEEPBOARD_SCREENSHOTS" in os.environ:
        page.screenshot(path=PICTURE)

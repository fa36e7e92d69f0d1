"""The leaderboard on every width: what a model costs is always in sight, and nothing has to be scrolled sideways."""

import pytest
from playwright.sync_api import expect

from dl_core.store import Store
from tests.browser import steps
from tests.pages.judged import judged


@pytest.fixture(scope="module")
def run(dashboard, tmp_path_factory):
    return judged(Store(dashboard.workspace), tmp_path_factory.mktemp("table"))


@pytest.mark.parametrize("width", [1440, 1280, 1024, 768, 420])
def test_every_row_shows_its_costs_inside_the_page(page, dashboard, run, width):
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{dashboard.url}/compare?run={run.id}")
    costs = page.locator("tr[data-model] .extra")
    expect(costs).to_have_count(3 * len(run.leaderboard()["rows"]))
    steps.settle(page)
    right = steps.main(page).bounding_box()["x"] + steps.main(page).bounding_box()["width"]
    for cell in costs.all():
        expect(cell).to_be_visible()
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= right

"""Every page by its own link, on a large screen and on a phone: it stands, fits, complains of nothing, and asks no
other host for anything."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import background
from tests.browser import steps
from tests.browser.served import Dashboard
from ui.navigation import PAGES

SIZES = {"large": (1440, 1000), "phone": (420, 900)}
FIRST = next(iter(PAGES))  # has no path of its own


@pytest.fixture(scope="module")
def dashboard(finished):
    """A dashboard on the workspace of the finished runs."""
    workspace = finished.store.workspace
    try:
        with Dashboard(workspace) as dashboard:
            yield dashboard
    finally:
        background.end_all(workspace)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("modality", ["table", "image", "series"])
def test_every_page_stands_and_fits(page, dashboard, finished, modality, size):
    run = finished.run(modality)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    for name in PAGES:
        page.goto(f"{dashboard.url}/{'' if name == FIRST else name}?run={run.id}")
        expect(steps.main(page).get_by_role("heading", level=1)).to_be_visible()
        steps.settle(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        sideways = steps.main(page).evaluate("element => element.scrollWidth - element.clientWidth")
        assert sideways <= 0, f"{name} is {sideways} pixels too wide"
        picture(page, f"{modality}-{name}-{size}")


def picture(page, name: str) -> None:
    """Where DEEPBOARD_SCREENSHOTS names a folder, keep the page there as a picture to look at."""
    if folder := os.environ.get("DEEPBOARD_SCREENSHOTS"):
        page.wait_for_load_state("networkidle")
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

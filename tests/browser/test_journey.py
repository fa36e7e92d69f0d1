"""The main journey in a real browser, once per modality: drop a file, train, compare, download; and the download, run
where nothing of Deepboard is installed, answers what the page showed."""

import re

import pytest
from playwright.sync_api import expect

from tests import examples
from tests.browser import steps


@pytest.mark.parametrize("modality", ["table"])
def test_from_a_dropped_file_to_a_downloaded_model(page, dashboard, tmp_path, modality):
    steps.expect_title(page, "What would you like to predict?")
    steps.drop(page, examples.write(modality, tmp_path))
    steps.expect_title(page, "What is in this data?")
    steps.go(page, "Train", "What should be predicted?")
    steps.choose(page, "wish_seconds_", "30 s")
    steps.press(page, "Train")
    expect(page).to_have_url(re.compile(r"/run\?.*run="))
    steps.expect_title(page, "What came out of this run?", steps.RUN_PATIENCE_MS)
    page.screenshot(path="/tmp/done.png", full_page=True)
    steps.press(page, "Compare the models")
    steps.expect_title(page, "Which model is best?")
    page.screenshot(path="/tmp/compare.png", full_page=True)

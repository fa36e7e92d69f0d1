"""A browser for the session, a dashboard for each module, and a watch over what pages ask for and complain about."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests import background
from tests.browser.served import CHROMIUM_FLAGS, Dashboard, chromium

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("The browser tests need Chromium: tools/setup.sh chromium.")
        pytest.skip("No Chromium on this machine: tools/setup.sh chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on an empty workspace. When it ends, so does everything it has started."""
    workspace = tmp_path_factory.mktemp("workspace")
    try:
        with Dashboard(workspace) as dashboard:
            yield dashboard
    finally:
        background.end_all(workspace)


class Watch:
    """What the pages of a browser context did that they must not do."""

    def __init__(self, context: BrowserContext):
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        # on a deep link Streamlit's front end probes for its server below the page's path first
        probing = "404" in message.text and "_stcore" in message.location.get("url", "")
        if message.type == "error" and not probing:
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture
def page(browser: Browser, dashboard: Dashboard, tmp_path: Path) -> Iterator[Page]:
    """A page of 1440 pixels that has opened the dashboard. The test fails if any page asked another host for
    anything or complained in the console, or if the server did; a last screenshot stays in the folder of the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    watch = Watch(context)
    logged = dashboard.log.stat().st_size
    page = context.new_page()
    page.goto(dashboard.url)
    yield page
    page.screenshot(path=tmp_path / "last.png", full_page=True)
    context.close()
    said = dashboard.log.read_bytes()[logged:].decode(errors="replace")
    assert "Traceback" not in said, said
    assert watch.foreign == []
    assert watch.complaints == []

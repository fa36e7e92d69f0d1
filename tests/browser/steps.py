"""What a person does on the pages, in words of the pages."""

import base64
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

RUN_PATIENCE_MS = 240_000


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def expect_title(page: Page, text: str, timeout: float | None = None) -> None:
    """Wait until a page with this title stands and its script has ended."""
    expect(main(page).get_by_role("heading", level=1)).to_have_text(text, timeout=timeout)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script of the page has ended."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def drop(page: Page, file: Path) -> None:
    """Drop a file on the drop zone of the page, once nothing moves any more."""
    zone = page.locator(".zone").first
    expect(zone).to_be_visible()
    settle(page)
    content = base64.b64encode(file.read_bytes()).decode()
    held = page.evaluate_handle(
        """([name, content]) => {
            const held = new DataTransfer()
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
            held.items.add(new File([bytes], name))
            return held
        }""",
        [file.name, content],
    )
    zone.dispatch_event("drop", {"dataTransfer": held})


def go(page: Page, name: str, title: str) -> None:
    """Open a page by the sidebar."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
    expect_title(page, title)


def choose(page: Page, key: str, option: str) -> None:
    """Pick an option of the select box whose key begins with `key`."""
    page.locator(f"[class*='st-key-{key}']").get_by_role("combobox").click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def press(page: Page, name: str) -> None:
    main(page).get_by_role("button", name=name, exact=True).click()


def numbers(text: str) -> list[float]:
    """The numbers in a text, in order; a typeset minus counts."""
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-").replace(",", ""))]

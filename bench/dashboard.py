"""How quick the dashboard is: its start, a page change on a table of 50,000 rows, and what its process holds.

    python -m bench.dashboard

Drives a real Chromium. Exits 1 where a line of the table is not met.
"""

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright

from dl_core.data.importing import import_file
from dl_core.store import Store
from tests.browser.served import CHROMIUM_FLAGS, Dashboard, chromium

ROWS = 50_000
STARTS, ROUNDS = 5, 4
START_LIMIT, CHANGE_LIMIT = 3.0, 0.5

# A page stands when its script has ended and another title than before can be read.
STANDS = """title => {
    const heading = document.querySelector('[data-testid="stMain"] h1');
    const app = document.querySelector('[data-testid="stApp"]');
    return heading && heading.innerText !== title && app.dataset.testScriptState === 'notRunning';
}"""


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, the middle and the worst of several, and what it must stay below."""

    name: str
    values: list[float]
    limit: float

    @property
    def met(self) -> bool:
        return statistics.median(self.values) < self.limit


def generated_table(rows: int = ROWS) -> pd.DataFrame:
    """A table like the ones people bring: six numbers, four categories, a date, and two classes to predict."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(rows, 6)).round(4)
    frame = pd.DataFrame(numbers, columns=[f"measure_{index}" for index in range(6)])
    for index, size in enumerate((3, 8, 20, 60)):
        frame[f"group_{index}"] = random.choice([f"value {number}" for number in range(size)], rows)
    frame["day"] = (pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, rows), unit="D")).date
    frame["answer"] = np.where(numbers[:, 0] + random.normal(size=rows) > 0, "yes", "no")
    return frame


def starts(workspace: Path) -> Figure:
    """Seconds from the command to the first healthy answer, in a fresh process each time."""
    values = []
    for _ in range(STARTS):
        with Dashboard(workspace) as dashboard:
            values.append(dashboard.seconds_to_health)
    return Figure("start of the dashboard", values, START_LIMIT)


def page_changes(page: Page, url: str) -> list[Figure]:
    """Seconds from a click in the sidebar until the new page stands, for every page; the first round is not counted."""
    page.goto(url)
    page.wait_for_function(STANDS, arg="")
    links = page.get_by_test_id("stSidebarNavLink")
    names = links.all_inner_texts()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(ROUNDS + 1):
        for index in [*range(1, len(names)), 0]:
            title = page.locator('[data-testid="stMain"] h1').first.inner_text()
            began = time.perf_counter()
            links.nth(index).click()
            page.wait_for_function(STANDS, arg=title)
            if turn:
                seconds[names[index]].append(time.perf_counter() - began)
    return [Figure(f"to the page {name.strip()}", values, CHANGE_LIMIT) for name, values in seconds.items()]


def measure() -> tuple[list[Figure], bool]:
    """All figures, and whether the dashboard's process is free of TensorFlow after all pages were shown."""
    with tempfile.TemporaryDirectory(prefix="deepboard-bench-") as folder:
        workspace = Path(folder) / "workspace"
        store = Store(workspace)
        table = Path(folder) / "table.csv"
        generated_table().to_csv(table, index=False)
        dataset = store.add_dataset(import_file(table, store.incoming()))
        figures = [starts(workspace)]
        with Dashboard(workspace) as dashboard, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
            figures += page_changes(browser.new_page(), f"{dashboard.url}/data?dataset={dataset.id}")
            free = "tensorflow" not in dashboard.loaded_libraries()
            browser.close()
    return figures, free


def table(figures: list[Figure], free: bool) -> str:
    """The figures as Markdown."""
    lines = ["| what | middle | worst | must stay below | |", "|---|--:|--:|--:|---|"]
    for figure in figures:
        middle, worst = statistics.median(figure.values), max(figure.values)
        verdict = "met" if figure.met else "**not met**"
        lines.append(f"| {figure.name} | {middle:.2f} s | {worst:.2f} s | {figure.limit:g} s | {verdict} |")
    lines.append(
        f"| TensorFlow in the dashboard's process | {'no' if free else 'yes'} | | no | "
        f"{'met' if free else '**not met**'} |"
    )
    return "\n".join(lines)


def main() -> None:
    figures, free = measure()
    print(table(figures, free))
    sys.exit(not (free and all(figure.met for figure in figures)))


if __name__ == "__main__":
    main()

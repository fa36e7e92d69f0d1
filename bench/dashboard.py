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
from dl_core.workflow.plan import Wishes, plan
from tests import background
from tests.browser.served import CHROMIUM_FLAGS, Dashboard, chromium
from tests.finished import until_ended

ROWS = 50_000
STARTS, ROUNDS = 5, 5
START_LIMIT, CHANGE_LIMIT = 3.0, 0.5

# The title of a page whose script has ended; null while it has not.
TITLE = """() => {
    const heading = document.querySelector('[data-testid="stMain"] h1');
    const app = document.querySelector('[data-testid="stApp"]');
    return heading && app.dataset.testScriptState === 'notRunning' ? heading.innerText : null;
}"""
CHANGED = f"before => {{ const title = ({TITLE})(); return title !== null && title !== before; }}"
LOOK_MS = 1000  # a reader looks at a page before the next click


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, the middle and the worst of several, and what it must stay below."""

    name: str
    values: list[float]
    limit: float

    @property
    def met(self) -> bool:
        return max(self.values) < self.limit


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
    """Seconds from a click in the sidebar until the new page stands and its script has ended, for every page, the first
    visit included."""
    page.goto(url)
    links = page.get_by_test_id("stSidebarNavLink")
    page.wait_for_function(TITLE)
    page.wait_for_timeout(LOOK_MS)
    names = [text.split()[-1] for text in links.all_inner_texts()]  # an icon's name stands before it
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for index in [*range(len(names))] * ROUNDS:
        before = page.evaluate(TITLE)
        began = time.perf_counter()
        links.nth(index).click()
        page.wait_for_function(CHANGED, arg=before)
        seconds[names[index]].append(time.perf_counter() - began)
        page.wait_for_timeout(LOOK_MS)
    return [Figure(f"to the page {name}", values, CHANGE_LIMIT) for name, values in seconds.items()]


def measure() -> tuple[list[Figure], bool]:
    """All figures, and whether the dashboard's process is free of TensorFlow after all pages were shown."""
    with tempfile.TemporaryDirectory(prefix="deepboard-bench-") as folder:
        workspace = Path(folder) / "workspace"
        store = Store(workspace)
        table = Path(folder) / "table.csv"
        generated_table().to_csv(table, index=False)
        dataset = store.add_dataset(import_file(table, store.incoming()))
        spec, decisions = plan(dataset, Wishes(targets=["answer"], seconds=30))
        run = until_ended(store, store.create_run(spec, decisions=decisions))
        background.end_all(workspace)
        figures = [starts(workspace)]
        with Dashboard(workspace) as dashboard, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
            figures += page_changes(browser.new_page(), f"{dashboard.url}/run?run={run.id}")
            free = "tensorflow" not in dashboard.loaded_libraries()
            browser.close()
        background.end_all(workspace)
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

"""The main journey in a real browser, once per modality: drop a file, train, compare, predict, download; and the
download, run where nothing of Deepboard is installed, answers what the pages showed."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from dl_core.store import Run, Store
from tests import examples
from tests.browser import steps
from tests.clean_room import CleanRoom

NEW_ROWS = 40
SAME = 1e-4  # the tolerance of the parity receipt


@dataclass
class Journey:
    """One visit, from the dropped file on."""

    page: Page
    url: str
    folder: Path
    store: Store
    modality: str

    def launch(self) -> Run:
        """Drop the example file, accept everything but the time, and train."""
        page = self.page
        steps.drop(page, examples.write(self.modality, self.folder))
        steps.expect_title(page, "What is in this data?")
        steps.go(page, "Train", "What should be predicted?")
        steps.choose(page, "wish_seconds_", "30 s")
        steps.press(page, "Train")
        expect(page).to_have_url(re.compile(r"/run\?.*run=\w+"))
        (run,) = re.findall(r"run=(\w+)", page.url)
        return self.store.run(run)

    def train(self) -> Run:
        """Launch a run and wait for its end; the run as it ended."""
        run = self.launch()
        steps.expect_title(self.page, "What came out of this run?", steps.RUN_PATIENCE_MS)
        return self.store.run(run.id)

    def compare(self, run: Run) -> dict:
        """Find the best network on the board, with the score the board gives it; its row."""
        steps.press(self.page, "Compare the models")
        steps.expect_title(self.page, "Which model is best?")
        board = run.leaderboard()
        row = next(row for row in board["rows"] if row["model"] == board["best_network"])
        line = steps.main(self.page).locator("tr, .db-board-row", has_text="best network").first
        expect(line).to_contain_text(row["name"])
        shown = steps.numbers(line.inner_text())
        assert any(abs(number - row["test"]) < 0.01 * max(1, abs(row["test"])) for number in shown), shown
        return row

    def open(self, name: str, run: Run, model: str, title: str) -> None:
        """Open a page by a link that names run and model."""
        self.page.goto(f"{self.url}/{name}?run={run.id}&model={model}")
        steps.expect_title(self.page, title)

    def predicted(self, run: Run, model: str, file: Path) -> pd.DataFrame:
        """Drop a file on Predict and take its predictions away."""
        self.open("predict", run, model, "What will it be?")
        if self.modality != "image":
            self.page.get_by_role("tab", name="A file").click()
        steps.drop(self.page, file)
        link = self.page.get_by_role("link", name="Download the predictions")
        expect(link).to_be_visible(timeout=90_000)
        return pd.read_csv(self._download(link, "predictions.csv"))

    def unpacked(self, run: Run, model: str) -> Path:
        """Download the network of the first card and unpack it."""
        self.open("download", run, model, "Take it with you")
        expect(steps.main(self.page)).to_contain_text("answers like the app")
        archive = self._download(self.page.get_by_role("link", name="Download the ZIP").first, "model.zip")
        with zipfile.ZipFile(archive) as members:
            members.extractall(self.folder / "kit")
        return self.folder / "kit"

    def answered(self, kit: Path, file: Path) -> pd.DataFrame:
        """What the kit's predict.py answers for a file, outside this checkout and with its own requirements only."""
        room = CleanRoom(self.folder / "room", kit / "requirements.txt")
        out = self.folder / "kit.csv"
        process = room.run(str(kit / "predict.py"), str(file), "--out", str(out), cwd=self.folder)
        assert process.returncode == 0, process.stderr
        return pd.read_csv(out)

    def _download(self, link, name: str) -> Path:
        with self.page.expect_download() as waiting:
            link.click()
        waiting.value.save_as(self.folder / name)
        return self.folder / name


@pytest.fixture
def journey(page, dashboard, tmp_path):
    return lambda modality: Journey(page, dashboard.url, tmp_path, Store(dashboard.workspace), modality)


def assert_same_answers(kit: pd.DataFrame, app: pd.DataFrame) -> None:
    assert list(kit.columns) == list(app.columns)
    assert len(kit) == len(app)
    for name in kit:
        if pd.api.types.is_numeric_dtype(kit[name]):
            unit = max(1.0, float(app[name].abs().max()))
            np.testing.assert_allclose(kit[name], app[name], rtol=0, atol=SAME * unit, err_msg=name)
        else:
            assert list(kit[name]) == list(app[name])


def shown_shares(page: Page) -> dict[str, float]:
    """The classes of the answer on the page, with the probability written beside each."""
    shares = page.locator(".db-share")
    expect(shares.first).to_be_visible(timeout=90_000)
    lines = [line.inner_text().split("\n") for line in shares.all()]
    return {line[0].strip(): steps.numbers(line[-1])[0] / 100 for line in lines}


def test_a_table_from_the_dropped_file_to_the_downloaded_model(journey):
    visit = journey("table")
    run = visit.train()
    model = visit.compare(run)["model"]

    visit.open("predict", run, model, "What will it be?")
    shown = shown_shares(visit.page)
    table = examples.table()
    first_of_test = table.iloc[[int(run.prepared.rows("test")[0])]]
    new_rows = pd.concat([first_of_test, table.head(NEW_ROWS)]).drop(columns="income")
    file = visit.folder / "new rows.csv"
    new_rows.to_csv(file, index=False)
    app = visit.predicted(run, model, file)
    kit = visit.answered(visit.unpacked(run, model), file)

    assert len(kit) == NEW_ROWS + 1
    assert_same_answers(kit, app)
    assert set(shown) == {"<=50K", ">50K"}
    for name, share in shown.items():
        assert share == pytest.approx(kit[f"probability_{name}"][0], abs=0.006)


def test_pictures_from_the_dropped_zip_to_the_downloaded_model(journey):
    visit = journey("image")
    run = visit.train()
    model = visit.compare(run)["model"]

    file = examples.write_pictures(visit.folder / "new.zip", per_class=5)
    app = visit.predicted(run, model, file)
    shown = shown_shares(visit.page)
    kit = visit.answered(visit.unpacked(run, model), file)

    assert len(kit) == 5 * len(examples.SHAPES)
    assert_same_answers(kit, app)
    assert set(shown) == set(examples.SHAPES)
    for name, share in shown.items():
        assert share == pytest.approx(kit[f"probability_{name}"][0], abs=0.006)


def test_series_from_the_dropped_file_to_the_downloaded_model(journey):
    visit = journey("series")
    run = visit.train()
    model = visit.compare(run)["model"]
    horizon = run.spec.task.horizon

    file = examples.write("series", visit.folder)
    visit.open("predict", run, model, "What will it be?")
    expect(visit.page.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=90_000)
    with visit.page.expect_download() as waiting:
        visit.page.get_by_test_id("stDownloadButton").get_by_role("button").click()
    waiting.value.save_as(visit.folder / "next steps.csv")
    next_steps = pd.read_csv(visit.folder / "next steps.csv")
    app = visit.predicted(run, model, file)
    kit = visit.answered(visit.unpacked(run, model), file)

    assert len(kit) == horizon * examples.series()["shop"].nunique()
    assert_same_answers(kit, app)
    assert_same_answers(kit, next_steps)


def test_a_run_outlives_the_tab_and_the_dashboard(journey, dashboard):
    visit = journey("table")
    run = visit.launch()
    steps.expect_title(visit.page, "Looking for the best network", steps.RUN_PATIENCE_MS)
    visit.page.goto("about:blank")
    dashboard.stop()
    dashboard.start()
    visit.page.goto(f"{visit.url}/run?run={run.id}")
    steps.expect_title(visit.page, "What came out of this run?", steps.RUN_PATIENCE_MS)
    attempts = [event["attempt"] for event in run.events()[0] if event["event"] == "attempt"]
    assert attempts == [1]

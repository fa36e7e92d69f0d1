"""How the suite runs: thread pools capped, quick layers first, light tests kept free of TensorFlow."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dl_core.settings import cap_threads

os.environ.update(cap_threads({}))  # before any numeric library reads them

# No deadlines: machines are busy. The same examples every time, so that a change fails by what it changes; new ones are
# tried by `make test-long`.
settings.register_profile("same", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

TESTS = Path(__file__).parent
LAYERS = ("light", "thorough", "pages", "heavy", "jobs", "browser", "long")  # in their order; light has no mark
BY_FOLDER = {"pages": "pages", "jobs": "jobs", "browser": "browser"}


def _layer(item: pytest.Item) -> int:
    return max((LAYERS.index(mark.name) for mark in item.iter_markers() if mark.name in LAYERS), default=0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a layer's folder with its name, and run the quick layers first."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in BY_FOLDER:
            item.add_marker(BY_FOLDER[folder])
    items.sort(key=_layer)


@pytest.fixture(autouse=True)
def _light_stays_light(request: pytest.FixtureRequest):
    """A test of the quick layers fails if it was the one that loaded TensorFlow."""
    before = "tensorflow" in sys.modules
    yield
    if _layer(request.node) < LAYERS.index("heavy") and not before:
        assert "tensorflow" not in sys.modules, "This test loaded TensorFlow: mark it heavy."


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """`finished.run("table")`, or "image" or "series": a real run, trained when first asked for, then shared."""
    from tests import background  # after the caps above
    from tests.finished import Finished

    world = Finished(tmp_path_factory.mktemp("finished"))
    yield world
    background.end_all(world.store.workspace)

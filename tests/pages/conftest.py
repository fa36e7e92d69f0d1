"""Pages against a workspace of their own; nothing is ever trained here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dl_core import jobs
from dl_core.store import Store

SHELL = Path(__file__).parent.parent.parent / "ui" / "shell.py"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The workspaces for which a page asked for somebody to work; nobody is started."""
    asked: list[Path] = []
    monkeypatch.setattr(jobs, "ensure_supervisor", lambda workspace, **_: asked.append(workspace))
    return asked


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Path]) -> Store:
    place = tmp_path / "workspace"
    monkeypatch.setenv("DEEPBOARD_WORKSPACE", str(place))
    return Store(place)


@pytest.fixture
def open_page(store: Store) -> Callable[..., AppTest]:
    """Opens a page by its name, with the ids of its link: open_page("run", run=id)."""

    def opened(page: str = "overview", **query: str) -> AppTest:
        test = AppTest.from_file(str(SHELL), default_timeout=30)
        for key, value in query.items():
            test.query_params[key] = value
        test.run()
        if page != "overview":
            test.switch_page(f"../pages/{page}.py")
            for key, value in query.items():
                test.query_params[key] = value
            test.run()
        assert not test.exception, test.exception[0].value
        return test

    return opened


def said(test: AppTest) -> str:
    """Everything a page says, HTML included."""
    parts = [element.value for kind in ("title", "markdown", "caption", "html") for element in test.get(kind)]
    return "\n".join(str(part) for part in parts)


def links(test: AppTest) -> dict[str, str]:
    """The links of a page to other pages: label -> page and query."""
    found = {}
    for element in test.get("page_link"):
        query = f"?{element.proto.query_string}" if element.proto.query_string else ""
        found[element.proto.label] = f"{element.proto.page}{query}"
    return found

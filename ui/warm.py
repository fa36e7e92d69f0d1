"""What the first visit to a page would wait for, imported once while the first page is being looked at."""

import ast
import importlib
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PLACES = ("pages", "ui", "dl_core/charts")


@cache
def start() -> threading.Thread:
    """Import what the pages import, at the top or when they need it, in a thread of its own; the first call alone."""
    thread = threading.Thread(target=_import_all, name="warm", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for name in sorted(set(imported())):
        importlib.import_module(name)


def imported() -> Iterator[str]:
    """The modules of ours, and those of libraries, that the dashboard's files name in an import."""
    root = Path(__file__).resolve().parent.parent
    for place in PLACES:
        for file in sorted((root / place).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module
                    if node.module == "ui":
                        yield from (f"ui.{alias.name}" for alias in node.names)

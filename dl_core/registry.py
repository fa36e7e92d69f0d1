"""Catalogues of named things: a name leads to an import path, and the thing is imported when it is asked for."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from dl_core.errors import SpecError


class Registry:
    """Maps names to 'module:attribute' paths, so that listing costs nothing and loading imports one file.

    >>> METRICS = Registry("metric", {"rmse": "dl_core.metrics.regression:rmse"})
    >>> METRICS.load("rmse")
    """

    def __init__(self, noun: str, paths: dict[str, str]):
        self.noun = noun
        self.paths = paths

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __contains__(self, name: object) -> bool:
        return name in self.paths

    def load(self, name: str) -> Any:
        """Import and return the thing called `name`. Raises SpecError for an unknown name."""
        if name not in self.paths:
            raise SpecError(f"There is no {self.noun} called {name!r}. Choose one of: {', '.join(self.paths)}.")
        module, attribute = self.paths[name].split(":")
        return getattr(import_module(module), attribute)

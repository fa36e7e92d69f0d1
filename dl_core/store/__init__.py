"""Datasets, runs and jobs: a catalogue for lists and queues, and a folder for each of them."""

from dl_core.store.run import Run
from dl_core.store.store import Control, Store

__all__ = ["Control", "Run", "Store"]

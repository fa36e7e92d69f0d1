"""Exports: the kit a person downloads, and the proof that it answers like the app."""

from dl_core.export.download import export, write_kit

__all__ = ["export", "write_kit"]

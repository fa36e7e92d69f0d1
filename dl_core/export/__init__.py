"""Exports: the kit a person downloads, and the proof that it answers like the app."""

"""Datasets: reading, typing, profiling, splitting."""

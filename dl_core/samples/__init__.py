"""Samplers: what one prediction is for, and how a dataset becomes the arrays that networks and baselines eat.

A sampler is one file with `prepare(dataset, spec, test_dataset, folder, decide)`, which splits, fits on the train part
only and writes the arrays, and a class that reads them again (a line in dl_core/prepared.py).
"""

from dl_core.registry import Registry

PREPARE = Registry("sampler", {"rows": "dl_core.samples.rows:prepare", "windows": "dl_core.samples.windows:prepare"})

"""Where things lie and how much of the machine may be used."""

import os
from pathlib import Path

CORES = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1))
UPLOAD_LIMIT_BYTES = 4 << 30


def workspace() -> Path:
    """The folder that holds everything: DEEPBOARD_WORKSPACE, else ./workspace."""
    return Path(os.environ.get("DEEPBOARD_WORKSPACE", "workspace")).absolute()


def cap_threads(environment: dict[str, str], threads: int = CORES) -> dict[str, str]:
    """`environment` with the thread pools of every numeric library capped, so that nothing oversubscribes, and with
    what else Keras and TensorFlow read there. Must be in place before they are imported."""
    caps = {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "2",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": "--xla_backend_optimization_level=2",  # sooner compiled than level 3, and TiDE a third faster
        "KERAS_BACKEND": "tensorflow",
    }
    return {**environment, **caps}

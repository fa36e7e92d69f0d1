"""Jobs: whatever needs TensorFlow or more than a second. One queue, one supervisor, a warm worker per lane."""

from dl_core.jobs.launcher import ensure_supervisor
from dl_core.registry import Registry

# A handler is handler(store, payload, job) -> dict, where `job` is the row of the queue.
JOBS = Registry(
    "job",
    {
        "train": "dl_core.workflow.train:train",
        "predict": "dl_core.workflow.answer:predict",
        "explain": "dl_core.workflow.answer:explain",
        "export": "dl_core.workflow.answer:export",
    },
)

__all__ = ["JOBS", "ensure_supervisor"]

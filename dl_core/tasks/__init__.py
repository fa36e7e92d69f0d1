"""Task kinds: what a target is, what a prediction is and what the loss eats."""

from dl_core.registry import Registry

TASKS = Registry(
    "task",
    {
        "classification": "dl_core.tasks.classification:Classification",
        "regression": "dl_core.tasks.regression:Regression",
        "forecasting": "dl_core.tasks.forecasting:Forecasting",
    },
)

"""How a run was judged, in words that pages, the model card and the command line share."""

from typing import Any


def name(folds: int) -> str:
    """What scores are called that models are chosen by."""
    return "out of fold" if folds > 1 else "validation"


def place(folds: int) -> str:
    """Where models are compared, inside a sentence."""
    return "out of fold" if folds > 1 else "on the validation part"


def meaning(folds: int) -> str:
    """What the samples that models are chosen by are, as a sentence."""
    if folds == 1:
        return "The validation part is kept back from training to choose between models."
    return f"Each model is trained {folds} times and judged by the fold that it has not seen."


def refitted(refit: dict[str, Any] | None) -> str:
    """What a score says about a network that was trained again after it was scored; empty for one that was not."""
    if not refit:
        return ""
    return (
        "The scores were measured on the network that had not seen the test part; the one that is delivered was then "
        f"trained again, on all {refit['samples']:,} labelled samples."
    )

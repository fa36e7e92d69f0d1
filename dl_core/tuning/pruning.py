"""When a trial is not worth its time any more: the median rule (Golovin et al., "Google Vizier", 2017)."""

import math
from collections.abc import Sequence
from statistics import median

from dl_core.tuning.executors import Record

LEAST_SHARE = 1 / 3  # of its schedule that every trial gets; before that, curves say little about their ends
LEAST_CURVES = 4


def poor(finished: Sequence[Record], share: float, score: float, sign: int) -> bool:
    """Whether a trial whose best score is `score` after `share` (0…1) of its schedule is worse than the median of what
    `finished` trials of its family had reached by then. `sign` is +1 where a larger score is better, else -1."""
    if share < LEAST_SHARE:
        return False
    reached = [_best_until(record, share, sign) for record in finished if record["status"] == "done"]
    known = [value for value in reached if value is not None]
    return len(known) >= LEAST_CURVES and sign * score < median(known)


def _best_until(record: Record, share: float, sign: int) -> float | None:
    """The best signed score of a trial in the first `share` of its schedule; None where it was not looked at."""
    early = [point["score"] for point in record["curve"] if point["step"] <= share * point["steps"] + 1e-9]
    return max((sign * score for score in early if not math.isnan(score)), default=None)

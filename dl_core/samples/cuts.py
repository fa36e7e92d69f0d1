"""Where series are cut: test at the end, validation before it, training before both."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from dl_core.errors import DataError

LEAST_HISTORY = 4  # steps a window must be able to look back
LONGEST_LOOKBACK = 512
LEAST_LOOKBACK = 24
LONGEST_HISTORY = 1024
VALID_ORIGINS = 3
MOST_ORIGINS = 12
ENOUGH_SAMPLES = 300  # validation windows that tell models apart
ENOUGH_TESTS = 8
MOST_VALID = 6_000  # more would cost each look at the validation part more than it tells
MOST_WINDOWS = 2_000_000

Cut = tuple[np.ndarray, np.ndarray]  # series numbers and steps from the start of the series, both (samples,)


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """The cut-offs of each part: a sample's history ends just before step `cut`, its target is the `horizon` from there
    on; `whole` has every cut-off, those that lie between the parts included. `until_valid` and `until_test` (series,)
    say where the first target of each part starts; a series that is too short to validate has 0 in `until_valid` and is
    only tested, or is in `left_out`. `lookback` is what a network sees of the past, `history` (no less) what a sample
    holds of it, since smoothing methods want all they can get."""

    train: Cut
    valid: Cut
    test: Cut
    whole: Cut
    until_valid: np.ndarray
    until_test: np.ndarray
    left_out: np.ndarray
    lookback: int
    history: int
    origins: int
    stride: int


def cut_series(
    lengths: np.ndarray,
    horizon: int,
    season: int,
    *,
    test_follows: bool = False,
    valid_share: float = 0.2,
    test_share: float = 0.2,
) -> Cuts:
    """Cut series of `lengths` (series,) into parts in which nothing ever shows the future.

    With `test_follows` the test target is what comes after each series (the user's own file), else its end: one
    horizon, or several where a handful of series would leave too few test windows. Validation has at least three
    rolling origins where the lengths allow; of very many series a sample. Raises DataError where no series is long
    enough to train.
    """
    lengths = np.asarray(lengths, np.int64)
    tests = 0 if test_follows else _test_origins(lengths, horizon, test_share)
    until_test = lengths - np.minimum(tests, np.maximum(lengths - LEAST_HISTORY, 0) // horizon) * horizon
    left_out = (until_test < LEAST_HISTORY) | ((until_test == lengths) & (not test_follows))
    usual = float(np.median(until_test[~left_out])) if (~left_out).any() else 0.0

    origins, stride = _valid_origins(usual, int((~left_out).sum()), horizon, valid_share)
    possible = 1 + (until_test - 2 * horizon - LEAST_HISTORY) // stride
    counts = np.where(left_out, 0, np.clip(possible, 0, origins))
    until_valid = np.where(counts > 0, until_test - horizon - (counts - 1) * stride, 0)
    if not counts.any():
        _refuse(int(lengths.max(initial=0)), horizon, targets=2 if test_follows else 3)

    lookback = _lookback(float(np.median(until_valid[counts > 0])), horizon, season)
    room = until_valid - horizon  # the last cut-off that trains
    first = np.where(room >= 2 * lookback, lookback, np.clip(room // 2, LEAST_HISTORY, lookback))
    thinning = max(1, int(np.ceil(np.maximum(room - first + 1, 0).sum() / MOST_WINDOWS)))
    numbers = np.arange(len(lengths))
    valid = _ranges(numbers, until_valid, np.where(counts > 0, until_test - horizon + 1, 0), stride)
    ends = lengths + (1 if test_follows else 0)
    step = 1 if test_follows else horizon
    history = min(LONGEST_HISTORY, int(np.quantile(until_test[~left_out], 0.9)))
    return Cuts(
        train=_ranges(numbers, first, room + 1, thinning),
        valid=_at_most(MOST_VALID, valid),
        test=_ranges(numbers, until_test, np.where(left_out, 0, ends), step),
        whole=_ranges(numbers, first, np.where(left_out, 0, ends - step + 1), thinning),
        until_valid=until_valid,
        until_test=until_test,
        left_out=left_out,
        lookback=lookback,
        history=max(lookback, history),
        origins=origins,
        stride=stride,
    )


def _refuse(longest: int, horizon: int, targets: int) -> NoReturn:
    shorter = (longest - LEAST_HISTORY) // targets
    advice = f"Choose a horizon of {shorter:,} or less, or bring" if shorter > 0 else "Bring"
    raise DataError(
        f"The longest series has {longest:,} steps; a horizon of {horizon:,} needs at least "
        f"{targets * horizon + LEAST_HISTORY:,}, so that each part has a target of its own. {advice} a longer history."
    )


def _test_origins(lengths: np.ndarray, horizon: int, share: float) -> int:
    wanted = int(np.ceil(ENOUGH_TESTS / len(lengths)))
    return max(1, min(wanted, int(share * np.median(lengths) / horizon)))


def _valid_origins(usual: float, series: int, horizon: int, share: float) -> tuple[int, int]:
    """How many rolling origins, and how far apart: a horizon where there is room, closer where there is little."""
    room = max(share * usual, horizon)
    most = int(np.clip(np.ceil(ENOUGH_SAMPLES / max(series, 1)), VALID_ORIGINS, MOST_ORIGINS))
    origins = min(most, int(room // horizon))
    if origins >= VALID_ORIGINS:
        return origins, horizon
    room = max(room, min(2 * horizon, usual / 3))
    return VALID_ORIGINS, max(1, int((room - horizon) // (VALID_ORIGINS - 1)))


def _lookback(usual: float, horizon: int, season: int) -> int:
    """Two seasons or five horizons, at most half of what there is to learn from; whole seasons."""
    wanted = max(2 * season, min(max(5 * horizon, LEAST_LOOKBACK), LONGEST_LOOKBACK))
    lookback = min(wanted, max(LEAST_HISTORY, season, int((usual - horizon) // 2)))
    return lookback - lookback % season if lookback > season else lookback


def _ranges(numbers: np.ndarray, starts: np.ndarray, ends: np.ndarray, step: int) -> Cut:
    """The steps starts, starts + step, … below ends of each series."""
    counts = np.maximum(0, -(-(ends - starts) // step))
    series = np.repeat(numbers, counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return series, starts[series] + within * step


def _at_most(most: int, cut: Cut) -> Cut:
    """All cut-offs, or `most` of them, spread over all series."""
    series, steps = cut
    if len(series) <= most:
        return cut
    picked = np.linspace(0, len(series) - 1, most).astype(np.int64)
    return series[picked], steps[picked]

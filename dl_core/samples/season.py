"""The length of a season, read from the autocorrelation of the series."""

from collections.abc import Sequence

import numpy as np

from dl_core.data.panel import Grid

# what steps without a calendar are often made of: weeks, years, days, hours
STEP_SEASONS = (4, 5, 6, 7, 8, 10, 12, 24, 30, 48, 52, 60, 96, 144, 168, 288, 336, 365)
CALENDAR_SECONDS = (3600.0, 86_400.0, 7 * 86_400.0, 365.25 * 86_400.0)
MOST_SERIES = 64
FEWEST_SEASONS = 3


def season_candidates(grid: Grid) -> list[int]:
    """Season lengths (steps) that make sense on this grid: hours, days, weeks and years."""
    if grid.unit == "step":
        return list(STEP_SEASONS)
    if grid.unit == "months":
        return [round(12 / grid.size)] if grid.size < 12 else []
    if grid.unit == "business":
        return [5, 261] if grid.size == 1 else []
    return [round(cycle / grid.size) for cycle in CALENDAR_SECONDS if cycle / grid.size > 2.5]


def find_season(series: Sequence[np.ndarray], grid: Grid) -> tuple[int, dict[int, float]]:
    """The shortest season that repeats about as well as the best, 1 where none does, and how well each candidate
    repeats.

    A season must repeat: the autocorrelation at its length is clearly above zero. And it must be a cycle rather than
    slow drift: half a season away the series must be less alike. `series` are arrays (time,) with NaN for gaps; the
    median over at most 64 of them counts.
    """
    longest = max(len(values) for values in series) // FEWEST_SEASONS
    candidates = [season for season in season_candidates(grid) if season <= longest]
    if not candidates:
        return 1, {}
    picked = [series[i] for i in np.linspace(0, len(series) - 1, min(MOST_SERIES, len(series))).astype(int)]
    scores = np.array([_repeats(values, candidates) for values in picked])
    known = np.isfinite(scores).any(axis=0)
    strength = {season: float(np.nanmedian(scores[:, i])) for i, season in enumerate(candidates) if known[i]}
    best = max(strength.values(), default=0.0)
    if best <= 0:
        return 1, strength
    return min(season for season, score in strength.items() if score > 0 and score >= best - 0.15), strength


def _repeats(values: np.ndarray, candidates: Sequence[int]) -> list[float]:
    """Autocorrelation at each candidate, of the detrended values or of their changes, whichever repeats better: 0 where
    it is noise or drift, NaN where the series is too short to say."""
    known = np.isfinite(values)
    length = len(values)
    if known.sum() < 8 or np.nanmin(values) == np.nanmax(values):
        return [np.nan] * len(candidates)
    place = np.arange(length)
    filled = np.interp(place, place[known], values[known])
    detrended = filled - np.polyval(np.polyfit(place, filled, 1), place)
    correlations = [_autocorrelation(detrended), _autocorrelation(np.diff(filled))]
    noise = max(0.2, 3.3 / np.sqrt(length))

    def score(season: int) -> float:
        found = [(c[season], c[season // 2]) for c in correlations]
        return max((float(at) for at, half in found if at > noise and at > half + 0.1), default=0.0)

    return [score(season) if season * FEWEST_SEASONS <= length else np.nan for season in candidates]


def _autocorrelation(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2
    correlation = np.fft.irfft(power)[: len(centred)]
    return correlation / max(correlation[0], 1e-300)

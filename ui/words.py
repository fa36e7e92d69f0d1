"""How the dashboard writes numbers, sizes and times, and what it calls the states of things."""

import math
import time
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MODALITIES = {"table": "table", "image": "pictures", "series": "time series"}
KIND_WORDS = {
    "numeric": "number",
    "category": "category",
    "boolean": "yes or no",
    "datetime": "date or time",
    "text": "text",
    "image": "picture",
    "audio": "sound",
    "id": "id",
}
STATUS_WORDS = {
    "queued": "waiting",
    "running": "running",
    "done": "finished",
    "stopped": "stopped, best kept",
    "cancelled": "cancelled",
    "failed": "failed",
}
PHASES = {
    "prepare": "Prepare",
    "baselines": "Baselines",
    "portfolio": "Known-good settings",
    "search": "Search",
    "judge": "Judge",
    "refit": "All rows",
    "deliver": "Deliver",
}
TRIAL_STATUS = {
    "running": "training",
    "done": "finished",
    "stopped": "cut short",
    "pruned": "stopped early",
    "failed": "failed",
}
STOPPED_EARLY = (
    "Stopped early: a third of the way or more through, its best score was worse than what half of the earlier trials "
    "of its family had reached by then. The time goes to better ones."
)
SOURCES = {"portfolio": "known-good settings", "oracle": "the tuner"}
SEARCHES = {
    "bayesian": ("Bayesian", "Next come the settings that promise most by the scores so far."),
    "random": ("Random", "Settings are drawn anywhere: a plain comparison for anything cleverer."),
    "hyperband": ("Hyperband", "Many settings are trained briefly, the best of them again for longer."),
}


def count(number: int | float) -> str:
    return f"{number:,.0f}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """'1 row', '2,000 rows'."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def size(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 99.5 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def share(part: float) -> str:
    """A share from 0 to 1 as a percentage that never rounds a little to nothing."""
    if 0 < part < 0.001:
        return "< 0.1 %"
    if 0.999 < part < 1:
        return "> 99.9 %"
    return f"{part:.1%}".replace(".0%", "%").replace("%", " %")


def number(value: float | None) -> str:
    """Three significant digits, thousands grouped; '–' for nothing."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    if digits <= 0:
        return f"{round(value, digits) if digits < -3 else value:,.0f}"
    if digits > 6:
        return f"{value:.2e}"
    return f"{value:,.{digits}f}"


def plain(value: float) -> str:
    """A value of the data as one would say it: whole numbers without a point, others to four significant digits."""
    if value == round(value) and abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:.4g}"


def short(number: float) -> str:
    """A large count in little room: '41.6 k', '1.25 M'."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit * 0.9995:
            part = number / limit
            return f"{part:.{2 if part < 10 else 1 if part < 100 else 0}f} {unit}"
    return count(number)


def score(value: float | None, interval: list[float] | tuple[float, float] | None = None) -> str:
    """'0.913 ± 0.004': as many decimals as the interval's half width warrants (one digit of it, two where the first is
    a 1), else three significant digits."""
    if value is None or not math.isfinite(value):
        return "–"
    if not interval or not all(map(math.isfinite, interval)) or interval[1] <= interval[0]:
        return number(value)
    half = (interval[1] - interval[0]) / 2
    power = math.floor(math.log10(half))
    decimals = max(0, -power + (half < 2 * 10**power))
    return f"{value:,.{decimals}f} ± {half:,.{decimals}f}"


def duration(seconds: float) -> str:
    """'8 s', '2 min 05 s', '1 h 20 min'."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"


def clock(seconds: float) -> str:
    """'4:05', '1:02:00': time left, as on a clock."""
    hours, rest = divmod(max(0, round(seconds)), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def ago(moment: float, now: float | None = None) -> str:
    passed = (time.time() if now is None else now) - moment
    for limit, unit, word in ((60, 1, ""), (3600, 60, "min"), (86400, 3600, "h"), (7 * 86400, 86400, "day")):
        if passed < limit:
            steps = int(passed // unit)
            return "just now" if not word else f"{plural(steps, word) if word == 'day' else f'{steps} {word}'} ago"
    return datetime.fromtimestamp(moment).strftime("%-d %b %Y")


def moment(seconds: float, zone: tzinfo | None = None) -> str:
    """A time of day today, a date otherwise."""
    then, now = datetime.fromtimestamp(seconds, zone), datetime.now(zone)
    if then.date() == now.date():
        return then.strftime("today, %H:%M")
    if then.date() == now.date() - timedelta(days=1):
        return then.strftime("yesterday, %H:%M")
    return then.strftime("%-d %b %Y, %H:%M")


def zone(name: str | None) -> tzinfo | None:
    """The browser's time zone; None (the server's) where it is unknown."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def listing(names: list[str], limit: int = 3) -> str:
    """'a, b and c', 'a, b, c and 4 more'."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {count(len(names) - limit)} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def setting(value: object) -> str:
    """A parameter's value as one writes it: 0.00042, 1e-06, 256, 'relu'."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(setting(part) for part in value)
    return str(value)


def apart(names: dict[str, str]) -> dict[str, str]:
    """Labels that differ: a name that occurs again gets a number. A selector goes by its labels."""
    seen: dict[str, int] = {}
    labels = {}
    for key, name in names.items():
        seen[name] = seen.get(name, 0) + 1
        labels[key] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return labels

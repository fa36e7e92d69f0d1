"""What a leaderboard says, in words: titles of metrics, the winner, its gain over the best baseline."""

from typing import Any

from dl_core.errors import DeepboardError
from dl_core.metrics import METRICS
from dl_core.report import significant

Board = dict[str, Any]


def title(metric: str) -> str:
    try:
        return METRICS.load(metric).title
    except DeepboardError:
        return metric


def help(metric: str) -> str:
    return METRICS.load(metric).help if metric in METRICS else ""


def direction(metric: str) -> str:
    return METRICS.load(metric).direction if metric in METRICS else "max"


def row(board: Board, model: str | None) -> dict[str, Any] | None:
    return next((row for row in board["rows"] if row["model"] == model), None)


def winner(board: Board) -> dict[str, Any]:
    return row(board, board["winner"]) or board["rows"][0]


def best_baseline(board: Board) -> dict[str, Any] | None:
    """The baseline that stands highest, as the board ranks by the validation part."""
    return next((row for row in board["rows"] if row["kind"] == "baseline"), None)


def gain(board: Board) -> str:
    """How far the winner is ahead of the best baseline, as one sentence."""
    best, baseline = winner(board), best_baseline(board)
    if best["kind"] == "baseline":
        network = row(board, board["best_network"])
        if network and network["tier"] == best["tier"]:
            return f"A simple method is best here; {network['name']}, the best network, draws with it."
        return "A simple method is best here; no network beat it."
    if baseline is None or best.get("gain") is None:
        return board["sentence"]
    interval = best.get("gain_interval")
    if baseline["tier"] == best["tier"] or (interval and interval[0] <= 0 <= interval[1]):
        return f"Draws with {baseline['name']}: the difference is within noise."
    word = "better" if best["gain"] > 0 else "worse"
    return f"{significant(abs(best['gain']))} {word} than {baseline['name']}, the best simple method."

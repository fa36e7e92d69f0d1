"""The leaderboard as a table: places, dots with whiskers, gain over the best baseline; a row opens into its model."""

from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dl_core.baselines import BASELINES
from dl_core.store import Run
from ui import network, scores, show, state, words

_HERE = Path(__file__).parent
Row = dict[str, Any]


def draw(board: dict[str, Any], key: str) -> str | None:
    """Draw the board; returns the model whose row has just been clicked, in that one script run."""
    component = st.components.v2.component(
        "deepboard_board",
        html='<div class="board"></div>\n',
        css=(_HERE / "board.css").read_text(encoding="utf-8"),
        js=(_HERE / "board.js").read_text(encoding="utf-8"),
    )
    result = component(key=key, data={"html": board_html(board)}, on_opened_change=lambda: None)
    return result.opened


def board_html(board: dict[str, Any]) -> str:
    rows, title = board["rows"], scores.title(board["metric"])
    low, high = scale([row for row in rows if shown(row)[0] is not None])
    names = words.apart({row["model"]: row["name"] for row in rows})
    body = "".join(
        _tier_html(list(members), board, names, low, high) for _, members in groupby(rows, key=lambda row: row["tier"])
    )
    better = "more is better" if board["direction"] == "max" else "less is better"
    return (
        '<table><thead><tr><th class="place" scope="col">Place</th><th class="name" scope="col">Model</th>'
        f'<th class="score" scope="col"><span title="{escape(scores.help(board["metric"]))}">{escape(title)}</span>'
        f' <i>{better}</i></th><th class="scale" scope="col" aria-hidden="true"><div><span>{words.number(low)}</span>'
        f'<span>{words.number(high)}</span></div></th><th scope="col" class="gain" '
        'title="Above 0: better than every simple method">Gain over baseline</th>'
        '<th scope="col" class="extra">Training</th><th scope="col" class="extra">One row</th>'
        f'<th scope="col" class="extra">Size</th></tr></thead>{body}</table>'
    )


def shown(row: Row) -> tuple[float | None, list[float] | None]:
    """The score a row is shown with, and its interval: of the test part, else of the validation part."""
    if row["test"] is not None:
        return row["test"], row["interval"]
    return row["valid"], row["valid_interval"]


def scale(rows: list[Row]) -> tuple[float, float]:
    """The ends of the drawn axis: all intervals, without the one of who always says the same (it would squeeze all
    others) unless there is nothing else."""
    speaking = [row for row in rows if row["family"] != "dummy"] or rows
    ends = [end for row in speaking for end in (*(shown(row)[1] or ()), shown(row)[0])]
    if not ends:
        return 0.0, 1.0
    margin = 0.04 * (max(ends) - min(ends)) or 0.05 * abs(ends[0]) or 0.05
    return min(ends) - margin, max(ends) + margin


def _tier_html(rows: list[Row], board: dict, names: dict[str, str], low: float, high: float) -> str:
    lines = "".join(_row_html(row, board, names[row["model"]], low, high) for row in rows)
    said = f"These {_small(len(rows))} draw: the differences are within noise"
    caption = f'<tr class="tier"><td></td><td colspan="7">{said}</td></tr>' if len(rows) > 1 else ""
    return f"<tbody>{caption}{lines}</tbody>"


def _small(number: int) -> str:
    names = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
    return names[number - 2] if number < 10 else str(number)


def _row_html(row: Row, board: dict, name: str, low: float, high: float) -> str:
    value, interval = shown(row)
    role = "chosen" if row["model"] == board["winner"] else row["kind"]
    tag = '<span class="tag">baseline</span>' if row["kind"] == "baseline" else ""
    if row["model"] == board["best_network"]:
        tag = '<span class="tag network">best network</span>'
    return (
        f'<tr class="{role}" data-model="{escape(row["model"])}"><td class="place">{row["tier"]}</td>'
        f'<th scope="row" class="name"><button type="button" title="Open {escape(name)}">{escape(name)}</button>'
        f"{tag}</th>"
        f'<td class="score">{escape(words.score(value, interval))}</td>'
        f'<td class="scale">{_whisker_html(value, interval, low, high)}</td>'
        f'<td class="gain" data-label="Gain over baseline"><div>{_gain_html(row)}</div></td>'
        f'<td class="extra" data-label="Training">{_training(row)}</td>'
        f'<td class="extra" data-label="One row">{latency(row["latency_ms"])}</td>'
        f'<td class="extra" data-label="Size">{words.size(row["bytes"]) if row["bytes"] else "–"}</td></tr>'
    )


def _whisker_html(value: float | None, interval: list[float] | None, low: float, high: float) -> str:
    if value is None:
        return ""
    place = (value - low) / (high - low)
    if not 0 <= place <= 1:
        side = "off-low" if place < 0 else "off-high"
        return f'<div class="axis"><b class="{side}" title="{words.number(value)} lies outside this scale"></b></div>'
    line, said = "", words.number(value)
    if interval:
        ends = [min(1.0, max(0.0, (end - low) / (high - low))) for end in interval]
        said += f", 95 % between {words.number(interval[0])} and {words.number(interval[1])}"
        line = f'<i style="left:{100 * ends[0]:.2f}%;width:{100 * (ends[1] - ends[0]):.2f}%"></i>'
    return f'<div class="axis" title="{said}">{line}<b style="left:{100 * place:.2f}%"></b></div>'


def _gain_html(row: Row) -> str:
    if row.get("gain") is None:
        return "–"
    interval = row.get("gain_interval")
    if interval is None:
        return '<span class="quiet">the one to beat</span>'
    sign = "+" if row["gain"] > 0 else "−" if row["gain"] < 0 else ""
    said = f"{sign}{words.number(abs(row['gain']))}"
    title = f"95 % between {words.number(interval[0])} and {words.number(interval[1])}"
    if interval[0] <= 0 <= interval[1]:
        return f'<span title="{title}">{said}</span> <span class="quiet">within noise</span>'
    return f'<span class="{"up" if row["gain"] > 0 else "down"}" title="{title}">{said}</span>'


def _training(row: Row) -> str:
    return "–" if row["seconds"] is None else "< 1 s" if row["seconds"] < 1 else words.duration(row["seconds"])


def latency(milliseconds: float | None) -> str:
    """The time for one row: '0.36 ms', '1.2 s'."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.2g} ms"


def all_scores(board: dict[str, Any], part: str) -> pd.DataFrame:
    """Every metric of every model on the 'test' or the 'valid' part."""
    names = words.apart({row["model"]: row["name"] for row in board["rows"]})
    return pd.DataFrame(
        {"Model": names[row["model"]], **{scores.title(metric): each[part] for metric, each in row["scores"].items()}}
        for row in board["rows"]
    )


def record(board: dict[str, Any]) -> pd.DataFrame:
    """The board for a spreadsheet: a line per model, everything that is known."""
    plain = ("model", "name", "family", "kind", "tier", "valid", "test", "gain", "seconds", "latency_ms", "bytes")
    lines = []
    for row in board["rows"]:
        line = {name: row.get(name) for name in (*plain, "parameters", "trials")}
        for name in ("valid_interval", "interval", "gain_interval"):
            line[f"{name}_low"], line[f"{name}_high"] = row.get(name) or (None, None)
        for metric, values in row["scores"].items():
            line |= {f"{metric}_{part}": value for part, value in values.items()}
        lines.append(line)
    return pd.DataFrame(lines)


# a model, opened


def open_model(run: Run, model: str, metric: str) -> None:
    """Show a model above the page: a network with its layers and settings, a baseline with what it does."""
    row = run.model(model)
    if row["kind"] != "baseline":
        network.open_trial(run, row.get("trial", model))
    else:
        st.dialog(row["name"], width="large")(_baseline)(row, metric)


def _baseline(row: Row, metric: str) -> None:
    card = BASELINES.get(row["family"])
    if card:
        show.lead(card.why)
    value, interval = shown(row)
    show.facts(
        [
            (scores.title(metric), words.score(value, interval)),
            ("Training time", _training(row)),
            ("One row", latency(row.get("latency_ms"))),
            ("Size", words.size(row["bytes"]) if row.get("bytes") else "–"),
        ]
    )
    st.html(
        '<p class="db-muted">A baseline: a simple method that every network has to beat. It predicts in the app; the '
        "download is for networks.</p>"
    )


def chosen(board: dict[str, Any]) -> Row:
    """The row of the chosen model, the same on every page; where none of this board is chosen, its winner."""
    return scores.row(board, state.model_id()) or scores.winner(board)

"""How things look: callouts for problems, figures for panels, tables with their CSV, small figures and pills.

Everything that comes from data or users is escaped before it becomes HTML.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from dl_core.bundle.serving import guarded
from dl_core.errors import DeepboardError
from dl_core.problems import Problem
from ui import state, words

if TYPE_CHECKING:
    import pandas as pd

    from dl_core.report import Panel

PLOTLY_CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
}


def lead(sentence: str) -> None:
    """The quiet sentence under a page's title."""
    st.html(f'<p class="db-lead">{escape(sentence)}</p>')


def eyebrow(text: str) -> None:
    st.html(f'<p class="db-eyebrow">{escape(text)}</p>')


def callout(severity: str, message: str, fix: str = "", *, name: str = "") -> None:
    """One finding: what happened, what was expected, what to do."""
    st.html(callout_html(severity, message, fix, name=name))


def callout_html(severity: str, message: str, fix: str = "", *, name: str = "") -> str:
    role = "alert" if severity == "error" else "note"
    lines = (f'<span class="name">{escape(name)}</span> ' if name else "") + escape(message)
    todo = f'<p class="fix">{escape(fix)}</p>' if fix else ""
    return (
        f'<div class="db-callout {escape(severity)}" role="{role}"><i aria-hidden="true"></i>'
        f"<div><p>{lines}</p>{todo}</div></div>"
    )


def problems(found: Iterable[Problem]) -> bool:
    """Draw findings, worst first; says whether one of them forbids to go on."""
    order = ["error", "warning", "note", "fixed", "passed"]
    findings = sorted(found, key=lambda problem: order.index(problem.severity))
    if findings:
        st.html(
            '<div style="display:grid;gap:.6rem">'
            + "".join(callout_html(problem.severity, problem.message, problem.fix) for problem in findings)
            + "</div>"
        )
    return any(problem.severity == "error" for problem in findings)


def checks(passed: Iterable[Problem]) -> None:
    """What was looked at and is in order: a quiet list."""
    rows = "".join(
        f'<li>{escape(problem.message)}<span class="db-muted"> {escape(problem.fix)}</span></li>' for problem in passed
    )
    st.html(f'<ul class="db-checks">{rows}</ul>')


def error(exception: DeepboardError) -> None:
    callout("error", str(exception))


def unexpected(exception: Exception) -> bool:
    """Our own bug, said as one. Registered as the app's handler of script errors."""
    run = state.run_id()
    callout(
        "error",
        f"Something in Deepboard itself went wrong ({type(exception).__name__}). Your data and runs are not affected.",
        "Reload the page. If it happens again, report it with the lines in the terminal where Deepboard runs"
        + (f" and the run id {run}." if run else "."),
    )
    return True


def pill(status: str, text: str | None = None) -> str:
    """The state of a run or a check as HTML: a coloured dot and a word."""
    return f'<span class="db-pill {escape(status)}">{escape(text or words.STATUS_WORDS.get(status, status))}</span>'


def bar(share: float) -> str:
    percent = 100 * min(1.0, max(0.0, share))
    return (
        f'<div class="db-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent:.0f}">'
        f'<i style="width:{percent:.1f}%"></i></div>'
    )


def bar_busy() -> str:
    """A bar for work whose end cannot be told."""
    return '<div class="db-bar busy" role="progressbar"><i></i></div>'


def section(title: str, aside: str = "") -> None:
    """The heading of a part of a page, with a quiet word at its right."""
    right = f'<span class="db-push db-muted db-small">{escape(aside)}</span>' if aside else ""
    st.html(f'<div class="db-section"><h2>{escape(title)}</h2>{right}</div>')


def facts(figures: Sequence[tuple[str, str] | tuple[str, str, str]]) -> None:
    """A row of small figures: (label, value) or (label, value, note)."""
    st.html(facts_html(figures))


def facts_html(figures: Sequence[tuple[str, str] | tuple[str, str, str]]) -> str:
    cells = (
        f'<div class="db-fact"><div class="label">{escape(label)}</div><div class="value">{escape(value)}</div>'
        + "".join(f'<div class="note">{escape(note)}</div>' for note in notes if note)
        + "</div>"
        for label, value, *notes in figures
    )
    return f'<div class="db-facts">{"".join(cells)}</div>'


def panel(panel: "Panel", key: str, *, height: int | None = None) -> None:
    """A panel as its figure, with its sentence above and a PNG by a click."""
    from dl_core.charts import figure  # plotly, which many pages do without

    if panel.title:
        st.markdown(f"##### {escape_markdown(panel.title)}", help=panel.help or None)
    if panel.note:
        st.html(f'<p class="db-muted" style="margin:-.4rem 0 0">{escape(panel.note)}</p>')
    if panel.kind == "table":
        import pandas as pd

        frame = pd.DataFrame(panel.data["rows"], columns=panel.data["columns"])
        table(frame, key, name=panel.title, column_config=rounded(frame))
        return
    plot(figure(panel, dark=state.is_dark()), key, name=panel.title or panel.kind, height=height)


def panels(found: Sequence["Panel"], key: str) -> None:
    """Panels two in a row on a wide page, in order; a fan of forecasts takes the whole width."""
    rows: list[list[Panel]] = []
    for each in found:
        wide = each.kind in ("fan", "images", "parallel")
        if rows and len(rows[-1]) == 1 and not wide and rows[-1][0].kind not in ("fan", "images", "parallel"):
            rows[-1].append(each)
        else:
            rows.append([each])
    for number, row in enumerate(rows):
        cells = st.columns(2, gap="large") if row[0].kind not in ("fan", "images", "parallel") else [st.container()]
        for place, (cell, each) in enumerate(zip(cells, row, strict=False)):
            with cell:
                panel(each, f"{key}_{number}_{place}")


def rounded(frame: "pd.DataFrame") -> dict[str, Any]:
    """Columns of fractions with four significant digits."""
    fractions = frame.select_dtypes("float").columns
    return {name: st.column_config.NumberColumn(format="%.4g") for name in fractions}


def plot(figure: Any, key: str, *, name: str, height: int | None = None) -> None:
    """A Plotly figure with one tool: save as PNG."""
    picture = {"format": "png", "scale": 2, "filename": file_name(name)}
    if height:
        figure.update_layout(height=height)
    st.plotly_chart(
        figure, key=key, theme=None, config={**PLOTLY_CONFIG, "toImageButtonOptions": picture}, alt=name or "Figure"
    )


def table(frame: "pd.DataFrame", key: str, *, name: str, csv: "pd.DataFrame | None" = None, **options: Any) -> Any:
    """A table with its CSV one click away. `csv` is what the file holds, where that differs from what is shown.
    Returns the selection where `on_select` asks for one."""
    options = {"hide_index": True, "placeholder": "–", **options}
    drawn = st.dataframe(frame, key=key, alt=name, **options)
    content = safe_csv(frame if csv is None else csv)
    st.download_button(
        "CSV",
        content,
        file_name=f"{file_name(name)}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help="Download this table.",
    )
    return drawn


def safe_csv(frame: "pd.DataFrame") -> bytes:
    """CSV whose text no spreadsheet takes for a formula."""
    return frame.map(guarded).rename(columns=guarded).to_csv(index=False).encode("utf-8-sig")


def escape_markdown(text: str) -> str:
    """Text from data inside markdown: shown as written, never as formatting or a link."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$:~-])", r"\\\1", text)


def file_name(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text.lower()).strip("-") or "deepboard"


def decisions(found: list[dict], label: str) -> None:
    """Lines of the decision log, in the order given: what was chosen, why, and what else was possible."""
    rows = []
    for decision in found:
        others = ", ".join(str(other) for other in decision.get("alternatives") or [])
        also = f'<div class="why">Also possible: {escape(others)}</div>' if others else ""
        rows.append(
            f'<li><div>{escape(decision["what"])}</div><div class="why">{escape(decision["why"])}</div>{also}</li>'
        )
    st.html(f'<ol class="db-log" tabindex="0" aria-label="{escape(label)}">{"".join(rows)}</ol>')

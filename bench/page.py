"""What a benchmark hands over: lines that are met or not, tables in Markdown, a bar plot as SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

OURS, STOCK, INK, FAINT = "#2456c9", "#b9c0cc", "#1c2430", "#e6e9ee"


@dataclass(frozen=True)
class Line:
    """One thing that must hold: what was measured, and what it must be."""

    what: str
    measured: str
    must: str
    met: bool


@dataclass(frozen=True)
class Section:
    """One part of a benchmark: how it was measured, what came out (Markdown, and a picture as SVG where there is one),
    what must hold of it."""

    title: str
    how: str
    body: str
    lines: tuple[Line, ...] = ()
    picture: str = ""

    @property
    def content(self) -> str:
        """Markdown below the title."""
        return "\n\n".join(filter(None, (self.how, self.body, verdicts(self.lines))))

    @property
    def met(self) -> bool:
        return all(line.met for line in self.lines)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as a Markdown table; every column but the first is set to the right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in ([*head], rule, *rows))


def verdicts(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    rows = [(line.what, line.measured, line.must, "met" if line.met else "**not met**") for line in lines]
    return table(("what must hold", "measured", "must be", ""), rows)


def figure(number: float) -> str:
    """A number with the digits that matter."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def bars(title: str, rows: Sequence[tuple[str, float, float]]) -> str:
    """An SVG of two bars a row, ours above stock's: (name, ours, stock)."""
    width, left, right, top, step = 760, 190, 70, 74, 46
    longest = max(max(ours, stock) for _, ours, stock in rows)
    height = top + step * len(rows) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}" role="img" aria-label="{escape(title)}">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="28" font-size="16" font-weight="600">{escape(title)}</text>',
        *_key(16, "Deepboard", OURS),
        *_key(120, "stock Keras Tuner", STOCK),
        f'<line x1="{left}" x2="{left}" y1="{top - 8}" y2="{height - 16}" stroke="{FAINT}"/>',
    ]
    for number, (name, ours, stock) in enumerate(rows):
        y = top + step * number
        parts.append(f'<text x="{left - 10}" y="{y + 20}" text-anchor="end">{escape(name)}</text>')
        for offset, value, colour in ((0, ours, OURS), (16, stock, STOCK)):
            length = (width - left - right) * value / longest
            parts.append(f'<rect x="{left}" y="{y + offset}" width="{length:.1f}" height="14" rx="2" fill="{colour}"/>')
            parts.append(f'<text x="{left + length + 6:.1f}" y="{y + offset + 12}">{figure(value)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _key(x: int, name: str, colour: str) -> tuple[str, str]:
    return (
        f'<rect x="{x}" y="42" width="12" height="12" rx="2" fill="{colour}"/>',
        f'<text x="{x + 18}" y="53">{escape(name)}</text>',
    )

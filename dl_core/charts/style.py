"""How every figure looks: colours, type and the one Plotly template, light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

FONT = "Inter, -apple-system, 'Segoe UI', sans-serif"


@dataclass(frozen=True, kw_only=True)
class Style:
    """`series` are colour-blind-safe (Okabe and Ito, 2008), in the order in which they are given out; `accent` is the
    chosen model's alone, `baseline` and `quiet` are grey. Text over the sequential colours is `on_accent` from the
    share `accent_from` on."""

    paper: str
    text: str
    muted: str
    grid: str
    accent: str
    baseline: str
    quiet: str
    bad: str
    series: tuple[str, ...]
    sequential: tuple[tuple[float, str], ...]
    on_accent: str
    accent_from: float
    diverging: tuple[tuple[float, str], ...]

    def role(self, role: str | None, number: int = 0) -> str:
        """The colour of what is 'accent', 'baseline', 'quiet', or pushes 'up' or 'down'; else the next of `series`."""
        named = {
            "accent": self.accent,
            "baseline": self.baseline,
            "quiet": self.quiet,
            "up": self.accent,
            "down": self.bad,
        }
        return named.get(role or "", self.series[number % len(self.series)])

    def soft(self, colour: str, opacity: float) -> str:
        """A colour seen through, for bands and areas."""
        red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
        return f"rgba({red},{green},{blue},{opacity})"

    def figure(self, height: int, **layout: Any) -> go.Figure:
        return go.Figure(layout={"template": self.template(), "height": height, **layout})

    def template(self) -> go.layout.Template:
        axis = {
            "gridcolor": self.grid,
            "linecolor": self.grid,
            "zeroline": False,
            "showline": False,
            "ticks": "",
            "tickfont": {"color": self.muted, "size": 12},
            "title": {"font": {"color": self.muted, "size": 12}, "standoff": 10},
            "ticklabelstandoff": 6,
            "automargin": True,
        }
        layout = {
            "font": {"family": FONT, "size": 13, "color": self.text},
            "paper_bgcolor": self.paper,
            "plot_bgcolor": self.paper,
            "colorway": list(self.series),
            "margin": {"l": 8, "r": 16, "t": 16, "b": 8},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "font": {"family": FONT, "size": 13, "color": self.text},
                "bgcolor": self.paper,
                "bordercolor": self.grid,
                "align": "left",
            },
            "hovermode": "closest",
            "showlegend": False,
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.0,
                "yanchor": "bottom",
                "font": {"size": 12, "color": self.muted},
                "bgcolor": "rgba(0,0,0,0)",
                "itemclick": "toggle",
                "traceorder": "normal",
            },
            "bargap": 0.28,
            "dragmode": False,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": self.muted, "activecolor": self.text},
            "separators": ".,",
        }
        return go.layout.Template(layout=layout)


_OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8f7a00")
_OKABE_ITO_ON_DARK = ("#5aa9e6", "#f0b429", "#34c796", "#f2823a", "#e09ac2", "#8fd3f7", "#d6c444")

LIGHT = Style(
    paper="#ffffff",
    text="#1b1e27",
    muted="#5f6472",
    grid="#e8eaef",
    accent="#4f46e5",
    baseline="#8a8f9c",
    quiet="#c6cad3",
    bad="#d55e00",
    series=_OKABE_ITO,
    sequential=((0.0, "#f7f7fd"), (0.5, "#a5a1f2"), (1.0, "#4036cf")),
    on_accent="#ffffff",
    accent_from=0.5,
    diverging=((0.0, "#b84a00"), (0.25, "#eab18a"), (0.5, "#f5f6f8"), (0.75, "#86b8da"), (1.0, "#005a8f")),
)
DARK = Style(
    paper="#101216",
    text="#e9ebf0",
    muted="#9ba1ae",
    grid="#262a32",
    accent="#818cf8",
    baseline="#8b91a0",
    quiet="#4b5261",
    bad="#f2823a",
    series=_OKABE_ITO_ON_DARK,
    sequential=((0.0, "#171a20"), (0.5, "#44459b"), (1.0, "#939cff")),
    on_accent="#101216",
    accent_from=0.8,
    diverging=((0.0, "#f2823a"), (0.25, "#8a5230"), (0.5, "#22262e"), (0.75, "#30658c"), (1.0, "#5aa9e6")),
)


def plain(text: object, longest: int = 36) -> str:
    """Text from a file as Plotly shows it: shortened, and nothing in it read as markup or as a template."""
    shown = str(text)
    shown = shown if len(shown) <= longest else f"{shown[: longest - 1].rstrip()}…"
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")


def title(text: object) -> str:
    """`plain` for the title of an axis, which has more room."""
    return plain(text, 90)


def moments(seconds: Sequence[float | None]) -> list[datetime | None]:
    """Epoch seconds (UTC) as Plotly draws them on a time axis."""
    return [None if second is None else datetime.fromtimestamp(second, UTC).replace(tzinfo=None) for second in seconds]


def along(data: dict, key: str = "x") -> list:
    """The values of an axis: moments where `<key>_kind` is 'time', else as they are."""
    return moments(data[key]) if data.get("x_kind") == "time" else list(data[key])

"""Colour and shape of every arm, the same in all figures; the control is dark grey.

Colours are CSS variables with a fallback, so that one drawing serves light, dark and print: the
style sheet of the page may set `--arm-1` and so on, a drawing saved on its own shows the fallback.
Okabe and Ito's colour-blind safe colours, without the yellow that vanishes on white, plus one of
Tol's. Shapes carry the same difference for readers who see no colour.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Word
from headstart.report.rows import sweep_arms

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8558a", "#3f9fd8", "#c98500", "#882255")
_FAMILIES = {"AnB": 0, "AnB+": 4, "BnB": 1, "BnB+": 5, "random": 3}
_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")

INK = "var(--ink, #1d2129)"
MUTED = "var(--muted, #5c6470)"
GRID = "var(--grid, #e4e6ea)"
BAND = "var(--band, #eceef2)"
CARD = "var(--card, #ffffff)"

ICONS: dict[Word, str] = {
    "helps": "▲",
    "hurts": "▼",
    "no measurable difference": "=",
    "not enough evidence": "?",
    "invalid": "✕",
    "unfinished": "…",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Colour and shape of an arm."""

    colour: str
    shape: str


def arm_styles(analysis: Analysis) -> dict[str, Style]:
    """Style of every arm by name."""
    swept = sweep_arms(analysis)
    return styles_of(analysis.control, [name for name in _names(analysis) if name not in swept])


def styles_of(control: str, names: Iterable[str]) -> dict[str, Style]:
    """Style of arms by name. From the eighth arm on, colours repeat with another shape."""
    styles = {control: Style(colour="var(--arm-0, #4b5158)", shape="circle")}
    for index, name in enumerate(name for name in names if name != control):
        turn, colour = divmod(index, len(_COLOURS))
        styles[name] = _style(colour, (colour + turn) % len(_SHAPES))
    return styles


def family_styles() -> dict[str, Style]:
    """Style of every family of a cut sweep; frozen and fine-tuned twins have related colours."""
    return {family: _style(index, index) for family, index in _FAMILIES.items()}


def _style(colour: int, shape: int) -> Style:
    return Style(colour=f"var(--arm-{colour + 1}, {_COLOURS[colour]})", shape=_SHAPES[shape])


def _names(analysis: Analysis) -> list[str]:
    results = [*(r.arm for r in analysis.arms), *(c.arm for c in analysis.comparisons)]
    return list(dict.fromkeys([*analysis.arm_names, *results]))

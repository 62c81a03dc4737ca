"""Drawings as SVG text: scales, ticks, lines, marks and text.

Written by hand, since a page has a dozen drawings and must be ready at once. Positions are in
pixels from the top left. Colours are the variables of `palette`, so that one drawing serves light,
dark and print.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from headstart.analyse.text import printable
from headstart.report.figures.palette import CARD, GRID, INK, MUTED

FONT = 13  # pixels of a letter's height; drawings are shown at nine tenths or more
LETTER = 7.2  # pixels of a letter's width at that height, in the widest of the usual fonts
_FITTING = ' style="max-width:100%;height:auto"'
HEAD = 46  # pixels above a frame for the title and the quantity measured

SHAPES = {
    # paths around (0, 0) with a radius of 1
    "circle": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "square": "M-.88-.88h1.76v1.76h-1.76z",
    "triangle-up": "M0-1.1L1.1.9H-1.1z",
    "diamond": "M0-1.3L1.15 0L0 1.3L-1.15 0z",
    "triangle-down": "M-1.1-.9H1.1L0 1.1z",
    "cross": "M-.4-1.1h.8v.7h.7v.8h-.7v.7h-.8v-.7h-.7v-.8h.7z",
    "triangle-right": "M-.9-1.1L1.1 0L-.9 1.1z",
    "dashed": "M-1.1-.2h.9v.4h-.9zM.2-.2h.9v.4h-.9z",  # in legends
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Map of values from `low` to `high` to pixels from `start` to `end`, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Pixel of a value, clipped to the ends."""
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, count: int = 5) -> tuple[float, ...]:
        """Round values within the scale, about `count` of them."""
        if self.log and self.high > 10 * self.low:
            return _log_ticks(self.low, self.high, count)
        return self._even(count)

    def apart(self, values: Iterable[float], pixels: float) -> tuple[float, ...]:
        """Values whose pixels are at least `pixels` apart; the largest has precedence."""
        spaced: list[float] = []
        for value in sorted(values, reverse=True):
            if not spaced or abs(self(spaced[-1]) - self(value)) >= pixels:
                spaced.append(value)
        return tuple(reversed(spaced))

    def _even(self, count: int) -> tuple[float, ...]:
        step = _round_step((self.high - self.low) / max(count, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(round(number * step, 10) for number in range(first, last + 1))


def _log_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    """Powers of ten between two values, with 2 and 5 times them where `count` allows."""
    ticks: tuple[float, ...] = ()
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 2, 5)):
        more = tuple(d * 10.0**p for p in powers for d in digits if low <= d * 10.0**p <= high)
        if len(more) > count and ticks:
            break
        ticks = more
    every = math.ceil(len(ticks) / (count + 1)) if ticks else 1
    return ticks[::every]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next(n * power for n in (1, 2, 5, 10) if n * power >= 0.7 * step)


def domain_of(values: Iterable[float]) -> tuple[float, float]:
    """Range of percentages to show, with padding for the dots at its ends."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 100.0
    low, high = min(finite), max(finite)
    padding = max(0.04 * (high - low), 0.2)
    return max(0.0, low - padding), min(100.0, high + padding)


def pixel(value: float) -> str:
    """Position in pixels with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def plain(value: float) -> str:
    """Number of a tick, without trailing zeros."""
    return f"{value:,.10g}".replace("-", "\u2212")


@dataclass(slots=True, kw_only=True)
class Drawing:
    """Drawing under construction, with a title and the quantity measured above its frame."""

    width: float
    height: float
    title: str = ""
    measured: str = ""
    _parts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.title:
            self.text(4, 16, self.title, colour=INK, weight=600)
        if self.measured:
            self.text(4, 33, self.measured)

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        colour: str,
        *,
        width: float = 1,
        opacity: float = 1,
        dash: str = "",
    ) -> None:
        """Add a straight line."""
        (x1, y1), (x2, y2) = start, end
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<path d="M{pixel(x1)} {pixel(y1)}L{pixel(x2)} {pixel(y2)}" stroke="{colour}" '
            f'stroke-width="{width:g}"{_opacity(opacity)}{dashes}/>'
        )

    def curve(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        *,
        width: float = 1,
        opacity: float = 1,
    ) -> None:
        """Add straight lines from point to point; nothing for a single point."""
        if len(points) > 1:
            path = "L".join(f"{pixel(x)} {pixel(y)}" for x, y in points)
            self._parts.append(
                f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"'
                f'{_opacity(opacity)} stroke-linejoin="round"/>'
            )

    def box(
        self,
        corner: tuple[float, float],
        other: tuple[float, float],
        colour: str,
        opacity: float = 1,
    ) -> None:
        """Add a filled rectangle between two opposite corners."""
        (x1, y1), (x2, y2) = corner, other
        self._parts.append(
            f'<path d="M{pixel(x1)} {pixel(y1)}H{pixel(x2)}V{pixel(y2)}H{pixel(x1)}z" '
            f'fill="{colour}"{_opacity(opacity)}/>'
        )

    def mark(
        self,
        at: tuple[float, float],
        shape: str,
        reach: float,
        colour: str,
        *,
        kind: str,
        hollow: bool = False,
        opacity: float = 1,
        hint: str = "",
    ) -> None:
        """Add a mark of CSS class `kind`; `hint` is its tooltip."""
        fill = CARD if hollow else colour
        edge = f' stroke="{colour}" stroke-width="{1.5 / reach:.2g}"' if hollow else ""
        tooltip = f"<title>{escape(printable(hint))}</title>" if hint else ""
        transform = f"translate({pixel(at[0])} {pixel(at[1])})scale({reach:g})"
        self._parts.append(
            f'<path class="{kind}" d="{SHAPES[shape]}" transform="{transform}" fill="{fill}"{edge}'
            + (f"{_opacity(opacity)}>{tooltip}</path>" if tooltip else f"{_opacity(opacity)}/>")
        )

    def text(
        self,
        x: float,
        y: float,
        content: str,
        *,
        anchor: str = "start",
        colour: str = MUTED,
        weight: int = 400,
        halo: bool = False,
    ) -> None:
        """Add a line of text; a halo keeps it readable on top of lines."""
        bold = f' font-weight="{weight}"' if weight != 400 else ""
        side = f' text-anchor="{anchor}"' if anchor != "start" else ""
        around = (
            f' stroke="{CARD}" stroke-width="3.5" paint-order="stroke" stroke-linejoin="round"'
            if halo
            else ""
        )
        self._parts.append(
            f'<text x="{pixel(x)}" y="{pixel(y)}" fill="{colour}"{side}{bold}{around}>'
            f"{escape(printable(content))}</text>"
        )

    def inset(self, corner: tuple[float, float], svg: str) -> None:
        """Add a finished drawing with its top left corner at a place."""
        at = f' x="{pixel(corner[0])}" y="{pixel(corner[1])}"'
        self._parts.append(svg.replace(_FITTING, at, 1))

    def rows(self, scale: Scale, ends: tuple[float, float], labels: Iterable[str]) -> None:
        """Add a vertical axis: a thin line across at every tick, its label to the left."""
        for value, label in zip(scale.ticks(), labels, strict=True):
            y = scale(value)
            self.line((ends[0], y), (ends[1], y), GRID)
            self.text(ends[0] - 6, y + 4.5, label, anchor="end")

    def columns(self, scale: Scale, ends: tuple[float, float], count: int = 5) -> None:
        """Add a horizontal axis below a frame that reaches from `ends[0]` down to `ends[1]`."""
        for value in scale.ticks(count):
            self.line((scale(value), ends[0]), (scale(value), ends[1]), GRID)
            self.text(scale(value), ends[1] + 17, plain(value), anchor="middle")

    def svg(self, *, name: str, title: str, description: str) -> str:
        """SVG element; `name` keeps its ids apart from those of other drawings on a page."""
        width, height = pixel(self.width), pixel(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="{FONT}"{_FITTING} '
            f'aria-labelledby="{name}-title {name}-desc">'
            f'<title id="{name}-title">{escape(printable(title))}</title>'
            f'<desc id="{name}-desc">{escape(printable(description))}</desc>'
            f"{''.join(self._parts)}</svg>"
        )


def _opacity(value: float) -> str:
    return "" if value == 1 else f' opacity="{value:g}"'

"""Drawings as plain SVG text: scales, ticks, marks, and one element with a title of its own.

Written out by hand, since a page holds a dozen drawings and must be there at once. Positions are in
pixels from the top left. Colours are the variables of `palette`, so that one drawing serves light,
dark and print.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from headstart.report.figures.palette import CARD, GRID, INK, MUTED
from headstart.report.text import printable

FONT = 13  # pixels of a letter's height; drawings are shown at nine tenths or more
LETTER = 7.2  # pixels of a letter's width at that height, in the widest of the usual fonts
HEAD = 46  # pixels over a drawing's frame for its title and what is measured

SHAPES = {
    # around 0, 0, with a reach of 1
    "circle": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "square": "M-.88-.88h1.76v1.76h-1.76z",
    "triangle-up": "M0-1.1L1.1.9H-1.1z",
    "diamond": "M0-1.3L1.15 0L0 1.3L-1.15 0z",
    "triangle-down": "M-1.1-.9H1.1L0 1.1z",
    "cross": "M-.4-1.1h.8v.7h.7v.8h-.7v.7h-.8v-.7h-.7v-.8h.7z",
    "triangle-right": "M-.9-1.1L1.1 0L-.9 1.1z",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values from `low` to `high` on pixels from `start` to `end`, in proportion or by ratio."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; what lies beyond an end is put at that end."""
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, count: int = 5) -> tuple[float, ...]:
        """About `count` round values within the scale."""
        if self.log and self.high > 10 * self.low:
            return log_ticks(self.low, self.high, count)
        return self._even(count)

    def apart(self, values: Iterable[float], pixels: float) -> tuple[float, ...]:
        """Those of rising values whose places keep a distance, from the last one back."""
        kept: list[float] = []
        for value in sorted(values, reverse=True):
            if not kept or abs(self(kept[-1]) - self(value)) >= pixels:
                kept.append(value)
        return tuple(reversed(kept))

    def _even(self, count: int) -> tuple[float, ...]:
        step = _round_step((self.high - self.low) / max(count, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(round(number * step, 10) for number in range(first, last + 1))


def log_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    """Powers of ten between two values, and 2 and 5 times them while there is room."""
    found: tuple[float, ...] = ()
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 2, 5)):
        more = tuple(d * 10.0**p for p in powers for d in digits if low <= d * 10.0**p <= high)
        if len(more) > count and found:
            break
        found = more
    every = math.ceil(len(found) / (count + 1)) if found else 1
    return found[::every]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next(n * power for n in (1, 2, 5, 10) if n * power >= 0.7 * step)


def domain_of(values: Iterable[float]) -> tuple[float, float]:
    """The range of percentages to show, with room for dots at its ends."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return 0.0, 100.0
    low, high = min(found), max(found)
    room = max(0.04 * (high - low), 0.2)
    return max(0.0, low - room), min(100.0, high + room)


def pixel(value: float) -> str:
    """A position, as short as it can be."""
    return f"{value:.1f}".removesuffix(".0")


def plain(value: float) -> str:
    """A tick's number: no more decimals than it has."""
    return f"{value:,.10g}".replace("-", "\u2212")


@dataclass(slots=True, kw_only=True)
class Drawing:
    """A drawing in the making; `title` and what is `measured` stand over its frame."""

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
        """A straight line."""
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
        """Straight lines from point to point."""
        if len(points) > 1:
            way = "L".join(f"{pixel(x)} {pixel(y)}" for x, y in points)
            self._parts.append(
                f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="{width:g}"'
                f'{_opacity(opacity)} stroke-linejoin="round"/>'
            )

    def box(
        self,
        corner: tuple[float, float],
        other: tuple[float, float],
        colour: str,
        opacity: float = 1,
    ) -> None:
        """A filled rectangle between two opposite corners."""
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
        """A mark of the class `kind`; `hint` is read by a pointer that rests on it."""
        fill = CARD if hollow else colour
        edge = f' stroke="{colour}" stroke-width="{1.5 / reach:.2g}"' if hollow else ""
        said = f"<title>{escape(printable(hint))}</title>" if hint else ""
        where = f"translate({pixel(at[0])} {pixel(at[1])})scale({reach:g})"
        self._parts.append(
            f'<path class="{kind}" d="{SHAPES[shape]}" transform="{where}" fill="{fill}"{edge}'
            + (f"{_opacity(opacity)}>{said}</path>" if said else f"{_opacity(opacity)}/>")
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        colour: str = MUTED,
        weight: int = 400,
        halo: bool = False,
    ) -> None:
        """Words on a line; a halo keeps them readable on top of lines."""
        bold = f' font-weight="{weight}"' if weight != 400 else ""
        side = f' text-anchor="{anchor}"' if anchor != "start" else ""
        around = (
            f' stroke="{CARD}" stroke-width="3.5" paint-order="stroke" stroke-linejoin="round"'
            if halo
            else ""
        )
        self._parts.append(
            f'<text x="{pixel(x)}" y="{pixel(y)}" fill="{colour}"{side}{bold}{around}>'
            f"{escape(printable(words))}</text>"
        )

    def rows(self, scale: Scale, ends: tuple[float, float], words: Iterable[str]) -> None:
        """A vertical axis: a thin line across at every tick, and its words left of it."""
        for value, word in zip(scale.ticks(), words, strict=True):
            y = scale(value)
            self.line((ends[0], y), (ends[1], y), GRID)
            self.text(ends[0] - 6, y + 4.5, word, anchor="end")

    def columns(
        self, scale: Scale, ends: tuple[float, float], words: Iterable[str], title: str
    ) -> None:
        """A horizontal axis under a frame that reaches from `ends[0]` down to `ends[1]`."""
        for value, word in zip(scale.ticks(), words, strict=True):
            self.line((scale(value), ends[0]), (scale(value), ends[1]), GRID)
            self.text(scale(value), ends[1] + 17, word, anchor="middle")
        if title:
            middle = (scale.start + scale.end) / 2
            self.text(middle, ends[1] + 36, title, anchor="middle")

    def svg(self, *, name: str, title: str, description: str) -> str:
        """The element; `name` keeps its ids apart from those of other drawings of a page."""
        width, height = pixel(self.width), pixel(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="{FONT}" '
            f'style="max-width:100%;height:auto" aria-labelledby="{name}-title {name}-desc">'
            f'<title id="{name}-title">{escape(printable(title))}</title>'
            f'<desc id="{name}-desc">{escape(printable(description))}</desc>'
            f"{''.join(self._parts)}</svg>"
        )


def _opacity(value: float) -> str:
    return "" if value == 1 else f' opacity="{value:g}"'

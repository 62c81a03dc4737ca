"""Parts that all figures share: sizes, axes, and a mean as a dot with its intervals and seeds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import printable, shorten
from headstart.report.figures.palette import Style
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, plain
from headstart.report.rows import TaskPair, pairs_of

WIDE, NARROW, PANEL = 620, 316, 316  # widths in pixels
BELOW = 42  # pixels below a frame for tick labels and the title of the axis
MOST_SEEDS = 40  # of an arm in a drawing: more cover each other, and make pages slow to open

_Value = TypeVar("_Value")
Placement = Callable[[float], tuple[float, float]]
"""Position in pixels of a value."""


def drawn_seeds(values: Mapping[int, _Value]) -> dict[int, _Value]:
    """The values of the seeds that a figure draws one by one: the first of an arm's."""
    return dict(islice(values.items(), MOST_SEEDS))


def of_seeds(number: int) -> str:
    """What a drawing says of seeds that it leaves out, of `number`; empty where it has all."""
    return f"; {MOST_SEEDS} of {number:,} seeds" if number > MOST_SEEDS else ""


def pair_id(analysis: Analysis, pair: TaskPair) -> str:
    """Index of a pair as text: an id that no name in a study can break."""
    return str(pairs_of(analysis).index(pair))


def panel(title: str, measured: str, height: float, width: float = PANEL) -> Drawing:
    """Empty drawing with its title, shortened to fit, and the quantity measured."""
    return Drawing(
        width=width, height=height, title=shorten(printable(title), 40), measured=measured
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Drawing with a vertical axis; `left` and `right` are the ends of its horizontal lines."""

    drawing: Drawing
    y: Scale
    left: float
    right: float
    tick_labels: tuple[str, ...]

    @property
    def bottom(self) -> float:
        """Pixel of the lower edge."""
        return self.y.start

    def across(self, low: float, high: float, *, inset: float = 0, log: bool = False) -> Scale:
        """Horizontal scale from the left edge to `inset` pixels before the right one."""
        return Scale(low=low, high=high, start=self.left, end=self.right - inset, log=log)

    def draw_rows(self) -> None:
        """Draw a horizontal line with its label at every tick of the vertical axis."""
        self.drawing.rows(self.y, (self.left, self.right), self.tick_labels)

    def draw_axis(
        self,
        x: Scale,
        ticks: Iterable[float],
        title: str,
        label: Callable[[float], str] = plain,
    ) -> None:
        """Draw tick labels and the title of the horizontal axis."""
        for value in ticks:
            self.drawing.text(x(value), self.bottom + 17, label(value), anchor="middle")
        self.drawing.text((x.start + x.end) / 2, self.bottom + 36, title, anchor="middle")


def frame(
    drawing: Drawing,
    domain: tuple[float, float],
    *,
    right: float,
    below: float = BELOW,
    label: Callable[[float], str] = plain,
) -> Frame:
    """Frame of a drawing, its left edge as far in as the tick labels need.

    Args:
        drawing: Drawing to put axes on.
        domain: Lowest and highest value of the vertical axis.
        right: Pixel of the right edge.
        below: Pixels kept free below the frame.
        label: Text of a tick of the vertical axis.
    """
    y = Scale(low=domain[0], high=domain[1], start=drawing.height - below, end=HEAD)
    labels = tuple(label(value) for value in y.ticks())
    left = 12 + LETTER * max(map(len, labels), default=1)
    return Frame(drawing=drawing, y=y, left=left, right=right, tick_labels=labels)


def on_column(x: float, y: Scale) -> Placement:
    """Placement of values along a vertical line at pixel `x`."""
    return lambda value: (x, y(value))


def on_row(x: Scale, y: float) -> Placement:
    """Placement of values along a horizontal line at pixel `y`."""
    return lambda value: (x(value), y)


def side_by_side(index: int, member: int, num_members: int, step: float) -> float:
    """Coordinate of one of several members that share a tick."""
    return index + (member - (num_members - 1) / 2) * step


class Interval(NamedTuple):
    """Line between two ends; `capped` adds a short bar at both ends of a vertical one."""

    low: float | None
    high: float | None
    width: float
    opacity: float = 1
    capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A mean with its intervals, and a small dot with its hint for each of several seeds."""

    mean: float
    style: Style
    reach: float
    hint: str = ""
    kind: str = "mean"
    hollow: bool = False
    intervals: tuple[Interval, ...] = ()
    seeds: tuple[tuple[float, str], ...] = ()
    seed_opacity: float = 1

    def draw(self, drawing: Drawing, at: Placement, seed_at: Placement | None = None) -> None:
        """Draw intervals, then seeds, then the mean over them."""
        colour = self.style.colour
        for one in self.intervals:
            if one.low is None or one.high is None:
                continue
            ends = at(one.low), at(one.high)
            drawing.line(*ends, colour, width=one.width, opacity=one.opacity)
            for x, y in ends if one.capped else ():
                drawing.line((x - 3, y), (x + 3, y), colour, width=one.width)
        for value, hint in self.seeds if len(self.seeds) > 1 else ():  # one seed is the mean
            place, reach, opacity = (seed_at or at)(value), 0.42 * self.reach, self.seed_opacity
            drawing.mark(place, "circle", reach, colour, kind="seed", opacity=opacity, hint=hint)
        place, shape, hollow = at(self.mean), self.style.shape, self.hollow
        drawing.mark(
            place, shape, self.reach, colour, kind=self.kind, hollow=hollow, hint=self.hint
        )

"""The first figure of a study: gain over the control by number of labelled target images.

What all figures share stands here too: their widths, and ids that no name can break.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Comparison
from headstart.report.figures.palette import BAND, GRID, INK, Look, looks
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, plain
from headstart.report.rows import Pair, SizeRows, pairs_of, sizes_of
from headstart.report.text import margin_note, points, printable, shorten

WIDE, NARROW, PANEL = 620, 316, 316  # pixels
_DODGE = 0.78  # share of a size's place on the axis that its arms take up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One comparison and where it stands, in sizes from the left."""

    at: float
    step: float
    comparison: Comparison
    look: Look


def gain_figure(analysis: Analysis, pair: Pair, width: int = WIDE) -> str:
    """Gain over the control by target size: both intervals, mean, and a dot for every seed.

    The thin interval is the one that the verdict is read from, the thick one the plain 95 % one.
    Empty where the pair has no comparison.
    """
    groups = [g for g in sizes_of(analysis, pair) if any(row.comparison for row in g.rows)]
    if not groups:
        return ""
    marks = _marks(analysis, groups)
    two_lines = any(len(group.lines) > 1 for group in groups)
    height = (400 if width > 500 else 310) + (16 if two_lines else 0)
    drawing = Drawing(
        width=width,
        height=height,
        title=f"Gain over {shorten(printable(analysis.control), 24)}",
        measured="test accuracy, percentage points" + _no_interval(marks),
    )
    bottom = height - (58 if two_lines else 42)
    low, high = _domain(marks, groups)
    y = Scale(low=low, high=high, start=bottom, end=HEAD)
    words = [_signed(value) for value in y.ticks()]
    left = 12 + LETTER * max(map(len, words))
    x = Scale(low=-0.5, high=len(groups) - 0.5, start=left, end=width - 4)
    _margins(drawing, x, y, groups)
    drawing.rows(y, (left, width - 4), words)
    for index in range(len(groups) - 1):
        drawing.line((x(index + 0.5), HEAD), (x(index + 0.5), bottom), GRID)
    drawing.line((left, y(0)), (width - 4, y(0)), INK, width=1.2)
    _size_labels(drawing, x, bottom, groups)
    drawing.text(left, height - 6, "labelled target images")
    for arm in dict.fromkeys(mark.comparison.arm for mark in marks):
        own = [mark for mark in marks if mark.comparison.arm == arm]
        way = [(x(mark.at), y(mark.comparison.gain_pp)) for mark in own]
        drawing.curve(way, own[0].look.colour, opacity=0.3)
    for mark in marks:
        _draw(drawing, mark, x, y, 5.2 if width > 500 else 4)
    return drawing.svg(
        title=f"Gain over {analysis.control} by number of target images, {pair}",
        description=(
            f"For every arm and size the mean gain in percentage points, its intervals and one dot "
            f"a seed. The band marks the margin {margin_note(analysis)}."
        ),
        name=f"gain-{width}-{slug(analysis, pair)}",
    )


def slug(analysis: Analysis, pair: Pair) -> str:
    """A name for ids that no study can break: the pair's place, not its text."""
    return str(pairs_of(analysis).index(pair))


def _marks(analysis: Analysis, groups: Sequence[SizeRows]) -> list[_Mark]:
    """One a comparison, arms side by side at each size, each arm always at its place."""
    found = looks(analysis)
    compared = dict.fromkeys(row.arm for group in groups for row in group.rows if row.comparison)
    places = {arm: place for place, arm in enumerate(compared)}
    step = _DODGE / len(places)
    return [
        _Mark(
            at=index + (places[row.arm] - (len(places) - 1) / 2) * step,
            step=step,
            comparison=c,
            look=found[row.arm],
        )
        for index, group in enumerate(groups)
        for row in group.rows
        if (c := row.comparison) and math.isfinite(c.gain_pp)
    ]


def _draw(drawing: Drawing, mark: _Mark, x: Scale, y: Scale, reach: float) -> None:
    c, colour = mark.comparison, mark.look.colour
    middle = x(mark.at + 0.14 * mark.step)
    if c.low_pp is not None and c.high_pp is not None:
        low, high = y(_within(c.low_pp)), y(_within(c.high_pp))
        drawing.line((middle, low), (middle, high), colour, width=1.4)
        for end in (low, high):
            drawing.line((middle - 3, end), (middle + 3, end), colour, width=1.4)
    if c.low95_pp is not None and c.high95_pp is not None:
        low, high = y(_within(c.low95_pp)), y(_within(c.high95_pp))
        drawing.line((middle, low), (middle, high), colour, width=3.6)
    if len(c.gains_pp) > 1:  # one seed is the mark itself
        for seed, gain in zip(c.seeds, c.gains_pp, strict=True):
            hint = f"{c.arm}, seed {seed}: {points(gain, 2)} pp"
            place = (x(mark.at - 0.24 * mark.step), y(gain))
            drawing.mark(place, "circle", 0.42 * reach, colour, kind="seed", opacity=0.6, hint=hint)
    drawing.mark(
        (middle, y(c.gain_pp)),
        mark.look.shape,
        reach,
        colour,
        kind="mean",
        hollow=c.verdict == "invalid",
        hint=f"{c.arm}: {points(c.gain_pp, 2)} pp, {c.verdict}",
    )


def _no_interval(marks: Sequence[_Mark]) -> str:
    return "" if any(m.comparison.low_pp is not None for m in marks) else "; no interval"


def _within(end: float) -> float:
    """An interval's end, cut at what a gain can be."""
    return max(-100.0, min(100.0, end))


def _domain(marks: Sequence[_Mark], groups: Sequence[SizeRows]) -> tuple[float, float]:
    margin = 1.5 * max(_margin(group) for group in groups)
    values = [margin, -margin]
    for mark in marks:
        c = mark.comparison
        ends = [c.gain_pp, c.low_pp, c.high_pp, c.low95_pp, c.high95_pp, *c.gains_pp]
        values += [_within(end) for end in ends if end is not None and math.isfinite(end)]
    low, high = min(values), max(values)
    room = 0.04 * (high - low)
    return low - room, high + room


def _margin(group: SizeRows) -> float:
    return max((c.margin_pp for row in group.rows if (c := row.comparison)), default=0.0)


def _margins(drawing: Drawing, x: Scale, y: Scale, groups: Sequence[SizeRows]) -> None:
    """The band of gains too small to matter, at each size its own."""
    for index, group in enumerate(groups):
        margin = _margin(group)
        drawing.box((x(index - 0.5), y(margin)), (x(index + 0.5), y(-margin)), BAND)


def _size_labels(drawing: Drawing, x: Scale, bottom: float, groups: Sequence[SizeRows]) -> None:
    """The number of images, under it the size as it was given where that says more."""
    room = int((x.end - x.start) / len(groups) / LETTER)
    numbers = [group.lines[0].split(" image")[0] for group in groups]
    tight = max(map(len, numbers)) >= room
    for index, group in enumerate(groups):
        number = _in_thousands(group) if tight else numbers[index]
        drawing.text(x(index), bottom + 17, number, anchor="middle", colour=INK)
        for line in group.lines[1:]:
            words = shorten(printable(line), max(room, 3))
            drawing.text(x(index), bottom + 33, words, anchor="middle")


def _in_thousands(group: SizeRows) -> str:
    """A number of images in few letters: 500, 5k, 12.5k."""
    number = group.num_images
    if number is None:
        return group.size
    return f"{number / 1000:.3g}k" if number >= 1000 else str(number)


def _signed(value: float) -> str:
    return f"+{plain(value)}" if value > 0 else plain(value)

"""First figure of a study: gain over the control by number of labelled target images."""

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Comparison
from headstart.analyse.text import points, printable, shorten
from headstart.report.figures.chart import (
    BELOW,
    WIDE,
    Dot,
    Frame,
    Interval,
    drawn_seeds,
    frame,
    of_seeds,
    on_column,
    pair_id,
    panel,
    side_by_side,
)
from headstart.report.figures.palette import BAND, GRID, INK, Style, arm_styles
from headstart.report.figures.svg import HEAD, LETTER, Scale, plain
from headstart.report.notes import margin_note
from headstart.report.rows import SizeRows, TaskPair, sizes_of

_DODGE = 0.78  # share of the space of a size that its arms take up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One comparison; `at` is its coordinate in sizes from the left."""

    at: float
    step: float
    comparison: Comparison
    style: Style


def gain_figure(analysis: Analysis, pair: TaskPair, width: int = WIDE) -> str:
    """Gain over the control by target size: both intervals, the mean, and a dot for every seed.

    The thin interval is the one that the verdict is read from, the thick one the plain 95 % one.
    Empty where the pair has no comparison.
    """
    groups = [g for g in sizes_of(analysis, pair) if any(row.comparison for row in g.rows)]
    if not groups:
        return ""
    marks = _marks(analysis, groups)
    left_out = of_seeds(max(len(mark.comparison.gain_by_seed) for mark in marks))
    extra = 16 if any(len(group.lines) > 1 for group in groups) else 0  # a second line of labels
    drawing = panel(
        f"Gain over {shorten(printable(analysis.control), 24)}",
        f"{analysis.accuracy_on('test')}, percentage points{_no_interval(marks)}{left_out}",
        (400 if width > 500 else 310) + extra,
        width,
    )
    axes = frame(
        drawing, _domain(marks, groups), right=width - 4, below=BELOW + extra, label=_signed_tick
    )
    x = axes.across(-0.5, len(groups) - 0.5)
    _draw_axes(axes, x, groups)
    for arm in dict.fromkeys(mark.comparison.arm for mark in marks):
        own = [mark for mark in marks if mark.comparison.arm == arm]
        path = [(x(mark.at), axes.y(mark.comparison.gain_pp)) for mark in own]
        drawing.curve(path, own[0].style.colour, opacity=0.3)
    for mark in marks:
        _draw_mark(axes, mark, x, 5.2 if width > 500 else 4)
    return drawing.svg(
        title=f"Gain over {analysis.control} by number of target images, {pair}",
        description=(
            f"For every arm and size the mean gain in percentage points, its intervals and one dot "
            f"a seed{left_out}. The band marks the margin {margin_note(analysis)}."
        ),
        name=f"gain-{width}-{pair_id(analysis, pair)}",
    )


def _marks(analysis: Analysis, groups: Sequence[SizeRows]) -> list[_Mark]:
    """A mark for each comparison, arms side by side at each size, each arm always at its place."""
    styles = arm_styles(analysis)
    compared = list(
        dict.fromkeys(row.arm for group in groups for row in group.rows if row.comparison)
    )
    step = _DODGE / len(compared)
    return [
        _Mark(
            at=side_by_side(index, compared.index(row.arm), len(compared), step),
            step=step,
            comparison=c,
            style=styles[row.arm],
        )
        for index, group in enumerate(groups)
        for row in group.rows
        if (c := row.comparison)
    ]


def _draw_mark(axes: Frame, mark: _Mark, x: Scale, reach: float) -> None:
    c = mark.comparison
    dot = Dot(
        mean=c.gain_pp,
        style=mark.style,
        reach=reach,
        hint=f"{c.arm}: {points(c.gain_pp, 2)} pp, {c.verdict}",
        hollow=c.verdict == "invalid",
        intervals=(
            Interval(c.low_pp, c.high_pp, 1.4, capped=True),
            Interval(c.low95_pp, c.high95_pp, 3.6),
        ),
        seeds=tuple(
            (gain, f"{c.arm}, seed {seed}: {points(gain, 2)} pp")
            for seed, gain in drawn_seeds(c.gain_by_seed).items()
        ),
        seed_opacity=0.6,
    )
    dot.draw(
        axes.drawing,
        on_column(x(mark.at + 0.14 * mark.step), axes.y),
        on_column(x(mark.at - 0.24 * mark.step), axes.y),
    )


def _no_interval(marks: Sequence[_Mark]) -> str:
    return "" if any(m.comparison.low_pp is not None for m in marks) else "; no interval"


def _domain(marks: Sequence[_Mark], groups: Sequence[SizeRows]) -> tuple[float, float]:
    margin = 1.5 * max(_margin(group) for group in groups)
    values = [margin, -margin]
    for mark in marks:
        c = mark.comparison
        ends = [c.gain_pp, c.low_pp, c.high_pp, c.low95_pp, c.high95_pp, *c.gains_pp]
        values += [end for end in ends if end is not None]
    low, high = min(values), max(values)
    padding = 0.04 * (high - low)
    return low - padding, high + padding


def _margin(group: SizeRows) -> float:
    return max((c.margin_pp for row in group.rows if (c := row.comparison)), default=0.0)


def _draw_axes(axes: Frame, x: Scale, groups: Sequence[SizeRows]) -> None:
    """Draw the band of gains within the margin of each size, grid, zero line and labels."""
    drawing, y = axes.drawing, axes.y
    for index, group in enumerate(groups):
        margin = _margin(group)
        drawing.box((x(index - 0.5), y(margin)), (x(index + 0.5), y(-margin)), BAND)
    axes.draw_rows()
    for index in range(len(groups) - 1):
        drawing.line((x(index + 0.5), HEAD), (x(index + 0.5), axes.bottom), GRID)
    drawing.line((axes.left, y(0)), (axes.right, y(0)), INK, width=1.2)
    _draw_size_labels(axes, x, groups)
    known = all(group.num_images is not None for group in groups)
    drawing.text(axes.left, drawing.height - 6, "labelled target images" if known else "size")


def _draw_size_labels(axes: Frame, x: Scale, groups: Sequence[SizeRows]) -> None:
    """Draw the number of images, and below it the size as given where that says more."""
    letters = int((x.end - x.start) / len(groups) / LETTER)
    numbers = [group.lines[0].split(" image")[0] for group in groups]
    tight = max(map(len, numbers)) >= letters
    for index, group in enumerate(groups):
        number = _in_thousands(group) if tight else numbers[index]
        axes.drawing.text(x(index), axes.bottom + 17, number, anchor="middle", colour=INK)
        for line in group.lines[1:]:
            label = shorten(printable(line), max(letters, 3))
            axes.drawing.text(x(index), axes.bottom + 33, label, anchor="middle")


def _in_thousands(group: SizeRows) -> str:
    """Number of images in few letters: 500, 5k, 12.5k."""
    number = group.num_images
    if number is None:
        return group.size
    return f"{number / 1000:.3g}k" if number >= 1000 else str(number)


def _signed_tick(value: float) -> str:
    return f"+{plain(value)}" if value > 0 else plain(value)

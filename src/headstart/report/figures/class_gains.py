"""Gain with its interval for every class of the target, one drawing for each size."""

from headstart.analyse.analysis import Analysis, ClassGain
from headstart.analyse.text import points, printable, shorten
from headstart.report.figures.chart import PANEL, Dot, Interval, on_row, pair_id, panel
from headstart.report.figures.palette import GRID, INK, arm_styles
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale
from headstart.report.rows import TaskPair, of_pair, sizes_of

_ROW = 9  # pixels for one arm
_LONGEST = 14  # letters of a class
MOST = 20  # classes drawn; the table has all of them


def classes_figure(analysis: Analysis, pair: TaskPair) -> tuple[str, ...]:
    """A row for each class, in it for each arm the gain with its plain 95 % interval.

    Of many classes those with the largest gains and losses of any arm are drawn.
    """
    titles = {group.size: group.title for group in sizes_of(analysis, pair)}
    return tuple(
        _panel(
            analysis, titles.get(size, size), gains, f"classes-{number}-{pair_id(analysis, pair)}"
        )
        for number, (size, gains) in enumerate(class_gains_by_size(analysis, pair).items())
    )


def class_gains_by_size(analysis: Analysis, pair: TaskPair) -> dict[str, list[ClassGain]]:
    """Class gains of a pair by size, in the order of the study."""
    by_size: dict[str, list[ClassGain]] = {size: [] for size in analysis.sizes}
    for gain in of_pair(analysis.class_gains, pair):
        by_size.setdefault(gain.size, []).append(gain)
    return {size: gains for size, gains in by_size.items() if gains}


def _panel(analysis: Analysis, title: str, gains: list[ClassGain], name: str) -> str:
    arms = list(dict.fromkeys(gain.arm for gain in gains))
    classes = _largest(gains)
    block = _ROW * len(arms) + 10
    bottom = HEAD + block * len(classes)
    drawing = panel(title, "gain by class, percentage points", bottom + 26)
    x = _draw_axes(drawing, gains, classes, block)
    styles = arm_styles(analysis)
    for gain in gains:
        if gain.class_name in classes:
            row = classes.index(gain.class_name)
            y = HEAD + row * block + 5 + (arms.index(gain.arm) + 0.5) * _ROW
            Dot(
                mean=gain.gain_pp,
                style=styles[gain.arm],
                reach=3.2,
                hint=f"{gain.arm}, {gain.class_name}: {points(gain.gain_pp)} pp",
                intervals=(Interval(gain.low_pp, gain.high_pp, 1.4, 0.75),),
            ).draw(drawing, on_row(x, y))
    return drawing.svg(
        title=f"Gain by class at {title}",
        description="For every class and arm the gain in recall with its 95 % interval.",
        name=name,
    )


def _draw_axes(drawing: Drawing, gains: list[ClassGain], classes: list[str], block: float) -> Scale:
    """Draw the grid, the zero line and the names of the classes; return the scale of gains."""
    ends = [0.0]
    for gain in gains:
        ends += [end for end in (gain.gain_pp, gain.low_pp, gain.high_pp) if end is not None]
    low, high = min(ends), max(ends)
    padding = 0.04 * (high - low) + 0.1
    labels = [shorten(printable(name), _LONGEST) for name in classes]
    left, bottom = 10 + LETTER * max(map(len, labels)), HEAD + block * len(classes)
    x = Scale(low=low - padding, high=high + padding, start=left, end=PANEL - 12)
    drawing.columns(x, (HEAD, bottom), 4)
    drawing.line((x(0), HEAD), (x(0), bottom), INK, width=1.2)
    for number, label in enumerate(labels):
        top = HEAD + number * block
        drawing.line((4, top), (PANEL - 8, top), GRID)
        drawing.text(left - 6, top + block / 2 + 4.5, label, anchor="end", colour=INK)
    return x


def _largest(gains: list[ClassGain]) -> list[str]:
    """Classes with the largest gains and losses, in their own order."""
    largest: dict[str, float] = {}
    for gain in gains:
        largest[gain.class_name] = max(largest.get(gain.class_name, 0.0), abs(gain.gain_pp))
    drawn = set(sorted(largest, key=lambda name: -largest[name])[:MOST])
    return [name for name in largest if name in drawn]

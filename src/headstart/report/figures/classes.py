"""Where the gain lies: gain with its interval for every class of the target, a panel a size."""

from headstart.analyse.analysis import Analysis, ClassGain
from headstart.report.figures.gain import PANEL, slug
from headstart.report.figures.palette import GRID, INK, looks
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, plain
from headstart.report.rows import Pair
from headstart.report.text import points, printable, shorten

_ROW = 9  # pixels for one arm
_LONGEST = 14  # letters of a class
MOST = 20  # classes drawn; the table holds all


def classes_figure(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """A row a class, in it a mark an arm: gain over the control with its plain 95 % interval.

    Of many classes those with the largest gains and losses of any arm are drawn.
    """
    found = classes_of(analysis, pair)
    return tuple(
        _panel(analysis, size, gains, f"classes-{number}-{slug(analysis, pair)}")
        for number, (size, gains) in enumerate(found.items())
    )


def classes_of(analysis: Analysis, pair: Pair) -> dict[str, list[ClassGain]]:
    """The class gains of a pair by size, in the order of the study."""
    found: dict[str, list[ClassGain]] = {size: [] for size in analysis.sizes}
    for gain in analysis.class_gains:
        if (gain.source, gain.target) == (pair.source, pair.target):
            found.setdefault(gain.size, []).append(gain)
    return {size: gains for size, gains in found.items() if gains}


def _panel(analysis: Analysis, size: str, gains: list[ClassGain], name: str) -> str:
    arms = list(dict.fromkeys(gain.arm for gain in gains))
    classes = _drawn(gains)
    block = _ROW * len(arms) + 10
    bottom = HEAD + block * len(classes)
    images = _images(analysis, gains[0])
    drawing = Drawing(
        width=PANEL,
        height=bottom + 26,
        title=shorten(printable(images or size), 40),
        measured="gain by class, percentage points",
    )
    ends = [0.0]
    for gain in gains:
        ends += [end for end in (gain.gain_pp, gain.low_pp, gain.high_pp) if end is not None]
    low, high = max(-100.0, min(ends)), min(100.0, max(ends))
    labels = {name: shorten(printable(name), _LONGEST) for name in classes}
    left = 10 + LETTER * max(map(len, labels.values()))
    room = 0.04 * (high - low) + 0.1
    x = Scale(low=low - room, high=high + room, start=left, end=PANEL - 12)
    for value in x.ticks(4):
        drawing.line((x(value), HEAD), (x(value), bottom), GRID)
        drawing.text(x(value), bottom + 17, plain(value), anchor="middle")
    drawing.line((x(0), HEAD), (x(0), bottom), INK, width=1.2)
    for number, class_name in enumerate(classes):
        top = HEAD + number * block
        drawing.line((4, top), (PANEL - 8, top), GRID)
        drawing.text(left - 6, top + block / 2 + 4.5, labels[class_name], anchor="end", colour=INK)
    for gain in gains:
        if gain.class_name in classes:
            place = classes.index(gain.class_name), arms.index(gain.arm)
            y = HEAD + place[0] * block + 5 + (place[1] + 0.5) * _ROW
            _mark(drawing, analysis, gain, x, y)
    return drawing.svg(
        title=f"Gain by class at {size}",
        description="For every class and arm the gain in recall with its 95 % interval.",
        name=name,
    )


def _mark(drawing: Drawing, analysis: Analysis, gain: ClassGain, x: Scale, y: float) -> None:
    look = looks(analysis)[gain.arm]
    if gain.low_pp is not None and gain.high_pp is not None:
        ends = (x(gain.low_pp), y), (x(gain.high_pp), y)
        drawing.line(*ends, look.colour, width=1.4, opacity=0.75)
    hint = f"{gain.arm}, {gain.class_name}: {points(gain.gain_pp)} pp"
    drawing.mark((x(gain.gain_pp), y), look.shape, 3.2, look.colour, kind="mean", hint=hint)


def _drawn(gains: list[ClassGain]) -> list[str]:
    """The classes to draw, in their own order."""
    size: dict[str, float] = {}
    for gain in gains:
        size[gain.class_name] = max(size.get(gain.class_name, 0.0), abs(gain.gain_pp))
    kept = set(sorted(size, key=lambda name: -size[name])[:MOST])
    return [name for name in size if name in kept]


def _images(analysis: Analysis, gain: ClassGain) -> str:
    """The number of training images of a class gain's arm, where a result tells it."""
    place = (gain.source, gain.target, gain.size, gain.arm)
    for result in analysis.arms:
        if (result.source, result.target, result.size, result.arm) == place:
            return f"{result.num_images:,} images"
    return ""

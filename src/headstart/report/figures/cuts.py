"""Yosinski's figure: test accuracy by the cut up to which stages are taken over."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis
from headstart.report.figures.palette import INK, Look, family_looks, looks
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, domain_of, plain
from headstart.report.rows import Pair, pairs_of
from headstart.report.sweep import Sweep
from headstart.report.text import percent, printable, shorten

CUTS_WIDE = 660  # pixels
_DODGE = 0.66  # share of a cut's place on the axis that its families take up
_SHORTEST = 5  # letters of a stage's name below which its number alone says more


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One family at one cut: where it stands, in cuts from the left, and its accuracies."""

    arm: str
    look: Look
    at: float
    step: float
    mean: float
    seeds: tuple[tuple[int, float], ...]


def cuts_figure(analysis: Analysis, pair: Pair, sweep: Sweep, width: int = CUTS_WIDE) -> str:
    """Test accuracy by cut: a line through the means of each family, and a dot for every seed.

    The control at the same size is a dashed line, the band around it its standard deviation.
    """
    families = _marks(sweep)
    height = 420 if width > 500 else 380
    drawing = Drawing(
        width=width,
        height=height,
        title=shorten(printable(sweep.title), 40),
        measured="test accuracy, %",
    )
    bottom = height - 58
    seeds = [value for marks in families for mark in marks for _, value in mark.seeds]
    low, high = domain_of([*seeds, *_control_range(sweep)])
    y = Scale(low=low, high=high, start=bottom, end=HEAD)
    words = [plain(value) for value in y.ticks()]
    left = 12 + LETTER * max(map(len, words), default=1)
    x = Scale(low=-0.5, high=len(sweep.cuts) - 0.5, start=left, end=width - 4)
    drawing.rows(y, (left, width - 4), words)
    _draw_control(drawing, analysis, sweep, x, y)
    _cut_labels(drawing, sweep, x, bottom)
    for marks in families:
        way = [(x(mark.at), y(mark.mean)) for mark in marks]
        drawing.curve(way, marks[0].look.colour, width=1.6, opacity=0.8)
    for mark in (mark for marks in families for mark in marks):
        _draw(drawing, mark, x, y, 5 if width > 500 else 3.8)
    place = f"{pairs_of(analysis).index(pair)}-{analysis.sizes.index(sweep.size)}"
    return drawing.svg(
        title=f"Test accuracy by cut at {sweep.title}, {pair}",
        description=(
            "For every family and cut the mean test accuracy and one dot a seed. "
            "The dashed line is the control, the band its standard deviation over seeds."
        ),
        name=f"cuts-{width}-{place}",
    )


def _marks(sweep: Sweep) -> list[list[_Mark]]:
    """Family by family, side by side so that their dots stay apart; none that is empty."""
    step, found = _DODGE / len(sweep.families), family_looks()
    families = [
        [
            _Mark(
                arm=row.arm,
                look=found[rows.family],
                at=index + (place - (len(sweep.families) - 1) / 2) * step,
                step=step,
                mean=100 * row.result.mean,
                seeds=tuple(
                    (seed, 100 * value)
                    for seed, value in zip(row.result.seeds, row.result.test_accuracy, strict=True)
                ),
            )
            for index, row in enumerate(rows.rows)
            if row and row.result
        ]
        for place, rows in enumerate(sweep.families)
    ]
    return [marks for marks in families if marks]


def _draw(drawing: Drawing, mark: _Mark, x: Scale, y: Scale, reach: float) -> None:
    colour = mark.look.colour
    if len(mark.seeds) > 1:  # one seed is the mark itself
        for seed, value in mark.seeds:
            place = (x(mark.at - 0.4 * mark.step), y(value))
            hint = f"{mark.arm}, seed {seed}: {percent(value / 100, 2)} %"
            drawing.mark(
                place, "circle", 0.42 * reach, colour, kind="seed", opacity=0.55, hint=hint
            )
    place = (x(mark.at), y(mark.mean))
    hint = f"{mark.arm}: {percent(mark.mean / 100, 2)} %"
    drawing.mark(place, mark.look.shape, reach, colour, kind="mean", hint=hint)


def _control_range(sweep: Sweep) -> tuple[float, ...]:
    """Mean of the control, and its ends one standard deviation away where there is one."""
    if not sweep.control:
        return ()
    mean, sd = 100 * sweep.control.mean, 100 * (sweep.control.sd or 0.0)
    return (mean - sd, mean, mean + sd)


def _draw_control(drawing: Drawing, analysis: Analysis, sweep: Sweep, x: Scale, y: Scale) -> None:
    if not sweep.control:
        return
    ink = looks(analysis)[analysis.control].colour
    low, mean, high = _control_range(sweep)
    if sweep.control.sd:
        drawing.box((x.start, y(low)), (x.end, y(high)), ink, opacity=0.16)
    drawing.line((x.start, y(mean)), (x.end, y(mean)), ink, width=1.5, dash="6 4")


def _cut_labels(drawing: Drawing, sweep: Sweep, x: Scale, bottom: float) -> None:
    """The number of stages taken over, and under it the last of them where names can be read."""
    room = int((x.end - x.start) / len(sweep.cuts) / LETTER - 0.4)  # and a gap
    names = [shorten(printable(cut), max(room, 1)) for cut in sweep.cuts]
    named = room >= _SHORTEST and len(set(names)) == len(names)
    for index, name in enumerate(names):
        drawing.text(x(index), bottom + 17, str(index + 1), anchor="middle", colour=INK)
        if named:
            drawing.text(x(index), bottom + 33, name, anchor="middle")
    title = "stages taken over" + (", and the last of them" if named else "")
    drawing.text((x.start + x.end) / 2, bottom + (51 if named else 36), title, anchor="middle")

"""Yosinski's figure: test accuracy by the cut up to which stages are transferred."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import percent, printable, shorten
from headstart.report.figures.chart import Dot, Frame, frame, on_column, panel, side_by_side
from headstart.report.figures.palette import INK, arm_styles, family_styles
from headstart.report.figures.svg import LETTER, Scale, domain_of
from headstart.report.rows import Row, TaskPair, pairs_of
from headstart.report.sweep import Sweep

CUTS_WIDE = 660  # pixels
_DODGE = 0.66  # share of the space of a cut that its families take up
_SHORTEST = 5  # letters; where names must be shorter, only the number of the cut is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One family at one cut; `at` is its coordinate in cuts from the left."""

    at: float
    step: float
    dot: Dot


def cuts_figure(analysis: Analysis, pair: TaskPair, sweep: Sweep, width: int = CUTS_WIDE) -> str:
    """Test accuracy by cut: a line through the means of each family, and a dot for every seed.

    The control at the same size is a dashed line, the band around it its standard deviation.
    """
    wide = width > 500
    families = _marks(sweep, 5 if wide else 3.8)
    drawing = panel(sweep.title, f"{analysis.accuracy_on('test')}, %", 420 if wide else 380, width)
    values = [value for marks in families for mark in marks for value, _ in mark.dot.seeds]
    domain = domain_of([*values, *_control_range(sweep)])
    axes = frame(drawing, domain, right=width - 4, below=58)
    x, y = axes.across(-0.5, len(sweep.cuts) - 0.5), axes.y
    axes.draw_rows()
    _draw_control(axes, analysis, sweep, x)
    _draw_cut_labels(axes, sweep, x)
    for marks in families:
        path = [(x(mark.at), y(mark.dot.mean)) for mark in marks]
        drawing.curve(path, marks[0].dot.style.colour, width=1.6, opacity=0.8)
    for mark in (mark for marks in families for mark in marks):
        mark.dot.draw(
            drawing,
            on_column(x(mark.at), y),
            on_column(x(mark.at - 0.4 * mark.step), y),
        )
    place = f"{pairs_of(analysis).index(pair)}-{analysis.sizes.index(sweep.size)}"
    return drawing.svg(
        title=f"{analysis.accuracy_on('test').capitalize()} by cut at {sweep.title}, {pair}",
        description=(
            f"For every family and cut the mean {analysis.accuracy_on('test')}, one dot a seed. "
            "The dashed line is the control, the band its standard deviation over seeds."
        ),
        name=f"cuts-{width}-{place}",
    )


def _marks(sweep: Sweep, reach: float) -> list[list[_Mark]]:
    """Marks by family, side by side so that their dots stay apart; empty families left out."""
    num_families = len(sweep.families)
    step = _DODGE / num_families
    families = [
        [
            _Mark(
                at=side_by_side(index, number, num_families, step),
                step=step,
                dot=_dot(row, family.family, reach),
            )
            for index, row in enumerate(family.rows)
            if row and row.result and row.result.mean is not None
        ]
        for number, family in enumerate(sweep.families)
    ]
    return [marks for marks in families if marks]


def _dot(row: Row, family: str, reach: float) -> Dot:
    assert row.result is not None
    result = row.result
    return Dot(
        mean=result.mean_percent,
        style=family_styles()[family],
        reach=reach,
        hint=f"{row.arm}: {percent(result.mean, 2)} %",
        seeds=tuple(
            (100 * value, f"{row.arm}, seed {seed}: {percent(value, 2)} %")
            for seed, value in result.by_seed.items()
        ),
        seed_opacity=0.55,
    )


def _control_range(sweep: Sweep) -> tuple[float, ...]:
    """Mean of the control, and the values one standard deviation below and above it."""
    if not sweep.control or sweep.control.mean is None:
        return ()
    mean, sd = sweep.control.mean_percent, 100 * (sweep.control.sd or 0.0)
    return (mean - sd, mean, mean + sd)


def _draw_control(axes: Frame, analysis: Analysis, sweep: Sweep, x: Scale) -> None:
    if not sweep.control or sweep.control.mean is None:
        return
    drawing, y = axes.drawing, axes.y
    ink = arm_styles(analysis)[analysis.control].colour
    low, mean, high = _control_range(sweep)
    if sweep.control.sd:
        drawing.box((x.start, y(low)), (x.end, y(high)), ink, opacity=0.16)
    drawing.line((x.start, y(mean)), (x.end, y(mean)), ink, width=1.5, dash="6 4")


def _draw_cut_labels(axes: Frame, sweep: Sweep, x: Scale) -> None:
    """Draw the number of transferred stages, and the name of the last one where it is legible."""
    letters = int((x.end - x.start) / len(sweep.cuts) / LETTER - 0.4)  # 0.4: a gap between names
    names = [shorten(printable(cut), max(letters, 1)) for cut in sweep.cuts]
    named = letters >= _SHORTEST and len(set(names)) == len(names)
    for index, name in enumerate(names):
        axes.drawing.text(x(index), axes.bottom + 17, str(index + 1), anchor="middle", colour=INK)
        if named:
            axes.drawing.text(x(index), axes.bottom + 33, name, anchor="middle")
    title = "stages taken over" + (", and the last of them" if named else "")
    middle = (x.start + x.end) / 2
    axes.drawing.text(middle, axes.bottom + (51 if named else 36), title, anchor="middle")

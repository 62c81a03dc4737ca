"""Learning curves: validation accuracy by update, one drawing a size, a line a seed."""

import math
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Curve
from headstart.report.figures.gain import PANEL, slug
from headstart.report.figures.palette import looks
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, domain_of, plain
from headstart.report.rows import Pair, SizeRows, sizes_of
from headstart.report.text import printable, shorten

_HEIGHT = 280


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One trial: (update, accuracy in per cent) where it is a number, and where it counts."""

    arm: str
    seed: int
    points: tuple[tuple[int, float], ...]
    checkpoint: int


def curves_figure(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """Validation accuracy by update, one drawing a size, a line a seed, checkpoints marked."""
    groups = [(g, lines) for g in sizes_of(analysis, pair) if (lines := _lines(g))]
    domain = domain_of(y for _, lines in groups for line in lines for _, y in line.points)
    return tuple(
        _panel(analysis, group, lines, domain, f"curves-{number}-{slug(analysis, pair)}")
        for number, (group, lines) in enumerate(groups)
    )


def curve_arms(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """The arms that `curves_figure` draws: those with any validation accuracy along training."""
    lines = [line for group in sizes_of(analysis, pair) for line in _lines(group)]
    return tuple(dict.fromkeys(line.arm for line in lines))


def _lines(group: SizeRows) -> list[_Line]:
    found = [
        _Line(arm=row.arm, seed=curve.seed, points=_finite(curve), checkpoint=curve.checkpoint)
        for row in group.rows
        if row.result
        for curve in row.result.curves
    ]
    return [line for line in found if line.points]


def _finite(curve: Curve) -> tuple[tuple[int, float], ...]:
    # Not strict: a curve without validation images may hold no accuracy at all.
    pairs = zip(curve.updates, curve.validation_accuracy, strict=False)
    return tuple((at, 100 * value) for at, value in pairs if math.isfinite(value))


def _panel(
    analysis: Analysis,
    group: SizeRows,
    lines: list[_Line],
    domain: tuple[float, float],
    name: str,
) -> str:
    found = looks(analysis)
    drawing = Drawing(
        width=PANEL,
        height=_HEIGHT,
        title=shorten(printable(group.title), 40),
        measured="validation accuracy, %",
    )
    bottom = _HEIGHT - 42
    y = Scale(low=domain[0], high=domain[1], start=bottom, end=HEAD)
    words = [plain(value) for value in y.ticks()]
    left = 12 + LETTER * max(map(len, words), default=1)
    last = max(at for line in lines for at, _ in line.points)
    x = Scale(low=0, high=last, start=left, end=PANEL - 18)
    drawing.rows(y, (left, PANEL - 12), words)
    for value in x.ticks(4):
        drawing.text(x(value), bottom + 17, plain(value), anchor="middle")
    drawing.text((left + PANEL - 18) / 2, bottom + 36, "update", anchor="middle")
    for line in lines:
        way = [(x(at), y(value)) for at, value in line.points]
        drawing.curve(way, found[line.arm].colour, width=1.1, opacity=0.7)
    for line in lines:
        for at, value in line.points:
            if at == line.checkpoint:
                look, hint = found[line.arm], f"{line.arm}, seed {line.seed}: checkpoint at {at:,}"
                place = (x(at), y(value))
                drawing.mark(place, look.shape, 3, look.colour, kind="checkpoint", hint=hint)
    return drawing.svg(
        title=f"Learning curves at {group.title}",
        description="Validation accuracy by update, one line a seed; marks are the checkpoints.",
        name=name,
    )

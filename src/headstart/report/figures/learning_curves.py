"""Learning curves: validation accuracy by update, one drawing for each size."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Curve
from headstart.report.figures.chart import PANEL, Dot, frame, on_column, pair_id, panel
from headstart.report.figures.palette import arm_styles
from headstart.report.figures.svg import domain_of
from headstart.report.rows import SizeRows, TaskPair, sizes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLine:
    """Curve of one trial: (update, finite accuracy in per cent), and the checkpoint's update."""

    arm: str
    seed: int
    points: tuple[tuple[int, float], ...]
    checkpoint: int


def curves_figure(analysis: Analysis, pair: TaskPair) -> tuple[str, ...]:
    """Validation accuracy by update, a drawing for each size, a line for each trial."""
    groups = [(g, lines) for g in sizes_of(analysis, pair) if (lines := lines_of(g))]
    domain = domain_of(y for _, lines in groups for line in lines for _, y in line.points)
    return tuple(
        _panel(analysis, group, lines, domain, f"curves-{number}-{pair_id(analysis, pair)}")
        for number, (group, lines) in enumerate(groups)
    )


def curve_arms(analysis: Analysis, pair: TaskPair) -> tuple[str, ...]:
    """Arms in `curves_figure`: those with any validation accuracy during training."""
    lines = [line for group in sizes_of(analysis, pair) for line in lines_of(group)]
    return tuple(dict.fromkeys(line.arm for line in lines))


def lines_of(group: SizeRows) -> list[CurveLine]:
    """Curves of a size that have any point."""
    lines = [
        CurveLine(arm=row.arm, seed=curve.seed, points=_finite(curve), checkpoint=curve.checkpoint)
        for row in group.rows
        if row.result
        for curve in row.result.curves
    ]
    return [line for line in lines if line.points]


def _finite(curve: Curve) -> tuple[tuple[int, float], ...]:
    # Not strict: without validation images a curve may have no accuracy at all.
    pairs = zip(curve.updates, curve.validation_accuracy, strict=False)
    return tuple((update, 100 * value) for update, value in pairs if value is not None)


def _panel(
    analysis: Analysis,
    group: SizeRows,
    lines: list[CurveLine],
    domain: tuple[float, float],
    name: str,
) -> str:
    styles = arm_styles(analysis)
    drawing = panel(group.title, f"{analysis.accuracy_on('validation')}, %", 280)
    axes = frame(drawing, domain, right=PANEL - 12)
    last = max(update for line in lines for update, _ in line.points)
    x, y = axes.across(0, last, inset=6), axes.y
    axes.draw_rows()
    axes.draw_axis(x, x.ticks(4), "update")
    for line in lines:
        path = [(x(update), y(value)) for update, value in line.points]
        drawing.curve(path, styles[line.arm].colour, width=1.1, opacity=0.7)
    for line in lines:
        for update, value in line.points:
            if update == line.checkpoint:
                hint = f"{line.arm}, seed {line.seed}: checkpoint at {update:,}"
                style = styles[line.arm]
                dot = Dot(mean=value, style=style, reach=3, hint=hint, kind="checkpoint")
                dot.draw(drawing, on_column(x(update), y))
    return drawing.svg(
        title=f"Learning curves at {group.title}",
        description=(
            f"{analysis.accuracy_on('validation').capitalize()} by update, one line a seed; marks "
            "are the checkpoints."
        ),
        name=name,
    )

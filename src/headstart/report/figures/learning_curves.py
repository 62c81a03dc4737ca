"""Learning curves: validation accuracy by update, one drawing for each size."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Curve
from headstart.report.figures.chart import (
    MOST_SEEDS,
    PANEL,
    Dot,
    frame,
    of_seeds,
    on_column,
    pair_id,
    panel,
)
from headstart.report.figures.palette import Style, arm_styles
from headstart.report.figures.svg import domain_of
from headstart.report.rows import SizeRows, TaskPair, sizes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLine:
    """Curve of one trial: (update, finite accuracy in per cent), and the checkpoint's update.

    There is no checkpoint while the trial is being trained.
    """

    arm: str
    seed: int
    points: tuple[tuple[int, float], ...]
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesPanel:
    """One drawing of learning curves.

    Attributes:
        title: the size.
        measured: what the accuracies are called.
        lines: of trials.
        domain: of the accuracies of all drawings beside each other.
        name: keeps its ids apart from those of other drawings.
    """

    title: str
    measured: str
    lines: Sequence[CurveLine]
    domain: tuple[float, float]
    name: str

    def svg(self, styles: Mapping[str, Style]) -> str:
        """The drawing, with the styles of arms by name."""
        lines, left_out = self._drawn()
        drawing = panel(self.title, f"{self.measured}, %{left_out}", 280)
        axes = frame(drawing, self.domain, right=PANEL - 24)  # the last tick's label needs room
        last = max(update for line in lines for update, _ in line.points)
        x, y = axes.across(0, last, inset=6), axes.y
        axes.draw_rows()
        axes.draw_axis(x, x.ticks(4), "update")
        for line in lines:
            path = [(x(update), y(value)) for update, value in line.points]
            style = styles[line.arm]
            drawing.curve(path, style.colour, width=1.1, opacity=0.7)
            if len(path) == 1:  # a curve that has just begun
                drawing.mark(path[0], style.shape, 2, style.colour, kind="begun", opacity=0.7)
        for line in lines:
            for update, value in line.points:
                if update == line.checkpoint:
                    hint = f"{line.arm}, seed {line.seed}: checkpoint at {update:,}"
                    style = styles[line.arm]
                    dot = Dot(mean=value, style=style, reach=3, hint=hint, kind="checkpoint")
                    dot.draw(drawing, on_column(x(update), y))
        marks = any(line.checkpoint is not None for line in lines)
        return drawing.svg(
            title=f"Learning curves at {self.title}",
            description=(
                f"{self.measured[:1].upper()}{self.measured[1:]} by update, one line a seed"
                f"{left_out}{'; marks are the checkpoints' if marks else ''}."
            ),
            name=self.name,
        )

    def _drawn(self) -> tuple[list[CurveLine], str]:
        """The first lines of each arm, and what the drawing says of those left out."""
        numbers: Counter[str] = Counter()
        drawn = []
        for line in self.lines:
            numbers[line.arm] += 1
            if numbers[line.arm] <= MOST_SEEDS:
                drawn.append(line)
        return drawn, of_seeds(max(numbers.values()))


def curves_domain(lines: Iterable[CurveLine]) -> tuple[float, float]:
    """Range of accuracies that drawings beside each other share."""
    return domain_of(y for line in lines for _, y in line.points)


def curves_figure(analysis: Analysis, pair: TaskPair) -> tuple[str, ...]:
    """Validation accuracy by update, a drawing for each size, a line for each trial."""
    groups = [(g, lines) for g in sizes_of(analysis, pair) if (lines := lines_of(g))]
    domain = curves_domain(line for _, lines in groups for line in lines)
    styles = arm_styles(analysis)
    return tuple(
        CurvesPanel(
            title=group.title,
            measured=analysis.accuracy_on("validation"),
            lines=lines,
            domain=domain,
            name=f"curves-{number}-{pair_id(analysis, pair)}",
        ).svg(styles)
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

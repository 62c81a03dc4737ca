"""Paired test accuracies: for each seed the control's joined to the arm's, a drawing per size."""

from collections.abc import Sequence

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import percent, points, printable, shorten
from headstart.report.figures.chart import MOST_SEEDS, PANEL, drawn_seeds, of_seeds, pair_id, panel
from headstart.report.figures.palette import INK, arm_styles
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, domain_of
from headstart.report.record_text import interval
from headstart.report.rows import Row, SizeRows, TaskPair, sizes_of

_TALLEST = 110  # pixels for the seeds of one arm
_LEFT, _RIGHT = 14, PANEL - 14
_BOLD = 1.15  # width of bold letters relative to plain ones


def pairs_figure(analysis: Analysis, pair: TaskPair) -> tuple[str, ...]:
    """For each seed a line from the control's accuracy to the arm's, arms one below the other.

    Each drawing has its own scale. An arm without comparison has only its own dots.
    """
    groups = [group for group in sizes_of(analysis, pair) if rows_with_seeds(group)]
    return tuple(
        _panel(analysis, group, f"pairs-{number}-{pair_id(analysis, pair)}")
        for number, group in enumerate(groups)
    )


def rows_with_seeds(group: SizeRows) -> list[Row]:
    """Arms at a size with the accuracy of any seed on test images."""
    return [row for row in group.rows if row.by_seed]


def pair_arms(groups: Sequence[SizeRows]) -> list[str]:
    """Arms in `pairs_figure`, the control first."""
    rows = [row for group in groups for row in rows_with_seeds(group)]
    return list(dict.fromkeys(row.arm for row in sorted(rows, key=lambda row: not row.is_control)))


def _panel(analysis: Analysis, group: SizeRows, name: str) -> str:
    control = next((row for row in group.rows if row.is_control), None)
    rows = rows_with_seeds(group)
    if any(row.comparison for row in rows):  # then the control is drawn beside every arm
        rows = [row for row in rows if not row.is_control]
    most = max(len(row.result.seeds) for row in rows if row.result)
    left_out, most = of_seeds(most), min(most, MOST_SEEDS)
    step = min(11.0, _TALLEST / most)
    block = 30 + step * most
    bottom = HEAD + block * len(rows)
    drawing = panel(group.title, f"{analysis.accuracy_on('test')}, %{left_out}", bottom + 26)
    values = [100 * value for row in group.rows for value in row.by_seed.values()]
    low, high = domain_of(values)
    x = Scale(low=low, high=high, start=_LEFT, end=_RIGHT)
    drawing.columns(x, (HEAD, bottom))
    for number, row in enumerate(rows):
        top = HEAD + number * block + 15
        _draw_heading(drawing, row, top)
        _draw_seeds(drawing, analysis, row, control, x, (top + 9, step))
    return drawing.svg(
        title=f"Every seed's pair at {group.title}",
        description=(
            f"For every arm and seed a line from the {analysis.accuracy_on('test')} of "
            f"{analysis.control} (hollow) to that of the arm (filled){left_out}."
        ),
        name=name,
    )


def _draw_heading(drawing: Drawing, row: Row, y: float) -> None:
    """Draw the arm's name, and at the right its gain with the interval of the verdict."""
    c = row.comparison
    gain = f"{points(c.gain_pp)} {interval(c)}".replace("-", "\u2212") if c else ""
    if c and c.verdict == "invalid":
        gain = "verdict withheld"
    letters = int((_RIGHT - _LEFT + 16 - LETTER * (len(gain) + 1)) / (_BOLD * LETTER))
    name = shorten(printable(row.arm), max(letters, 6))
    drawing.text(_LEFT - 8, y, name, colour=INK, weight=600, halo=True)
    drawing.text(_RIGHT + 8, y, gain, anchor="end", halo=True)


def _draw_seeds(
    drawing: Drawing,
    analysis: Analysis,
    row: Row,
    control: Row | None,
    x: Scale,
    rows: tuple[float, float],
) -> None:
    """Draw the seeds of an arm; `rows` are the top and the height of a row in pixels."""
    styles = arm_styles(analysis)
    style, control_style = styles[row.arm], styles[analysis.control]
    control_accuracy = control.by_seed if control and row.comparison else {}
    top, step = rows
    reach = min(3.6, 0.42 * step)
    for number, (seed, value) in enumerate(drawn_seeds(row.by_seed).items()):
        y = top + (number + 0.5) * step
        hint = f"{row.arm}, seed {seed}: {percent(value, 2)} %"
        if seed in control_accuracy:
            base = (x(100 * control_accuracy[seed]), y)
            hint += f", {analysis.control} {percent(control_accuracy[seed], 2)} %"
            drawing.line(base, (x(100 * value), y), style.colour, width=1.6, opacity=0.65)
            drawing.mark(base, "circle", reach, control_style.colour, kind="base", hollow=True)
        drawing.mark((x(100 * value), y), style.shape, reach, style.colour, kind="seed", hint=hint)

"""Every seed's pair: the control's test accuracy joined to the arm's, one drawing a size."""

from collections.abc import Sequence

from headstart.analyse.analysis import Analysis, ArmResult
from headstart.report.figures.gain import PANEL, slug
from headstart.report.figures.palette import INK, looks
from headstart.report.figures.svg import HEAD, LETTER, Drawing, Scale, domain_of, plain
from headstart.report.rows import Pair, Row, SizeRows, sizes_of
from headstart.report.text import interval, percent, points, printable, shorten

_TALLEST = 110  # pixels for the seeds of one arm
_LEFT, _RIGHT = 14, PANEL - 14
_BOLD = 1.15  # how much wider bold letters are


def pairs_figure(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """A line a seed from the control's accuracy to the arm's, arms one below the other.

    Each drawing has its own scale. An arm that is compared with nothing has its dots alone.
    """
    groups = [g for g in sizes_of(analysis, pair) if any(row.result for row in g.rows)]
    return tuple(
        _panel(analysis, group, f"pairs-{number}-{slug(analysis, pair)}")
        for number, group in enumerate(groups)
    )


def _panel(analysis: Analysis, group: SizeRows, name: str) -> str:
    control = next((row.result for row in group.rows if row.is_control), None)
    rows = [row for row in group.rows if row.result]
    if any(row.comparison for row in rows):  # then the control stands beside every arm
        rows = [row for row in rows if not row.is_control]
    most = max(len(row.result.seeds) for row in rows if row.result)
    step = min(11.0, _TALLEST / most)
    block = 30 + step * most
    bottom = HEAD + block * len(rows)
    drawing = Drawing(
        width=PANEL,
        height=bottom + 26,
        title=shorten(printable(group.title), 40),
        measured="test accuracy, %",
    )
    shown = [100 * value for row in group.rows if row.result for value in row.result.test_accuracy]
    low, high = domain_of(shown)
    x = Scale(low=low, high=high, start=_LEFT, end=_RIGHT)
    drawing.columns(x, (HEAD, bottom), map(plain, x.ticks()), "")
    for number, row in enumerate(rows):
        top = HEAD + number * block + 15
        _heading(drawing, row, top)
        _seeds(drawing, analysis, row, control, x, (top + 9, step))
    return drawing.svg(
        title=f"Every seed's pair at {group.title}",
        description=(
            f"For every arm and seed a line from the test accuracy of {analysis.control} (hollow) "
            "to that of the arm (filled)."
        ),
        name=name,
    )


def _heading(drawing: Drawing, row: Row, y: float) -> None:
    """The arm's name, and at the right its gain with the interval of the verdict."""
    c = row.comparison
    gain = f"{points(c.gain_pp)} {interval(c)}".replace("-", "\u2212") if c else ""
    if c and c.verdict == "invalid":
        gain = "verdict withheld"
    room = int((_RIGHT - _LEFT + 16 - LETTER * (len(gain) + 1)) / (_BOLD * LETTER))
    name = shorten(printable(row.arm), max(room, 6))
    drawing.text(_LEFT - 8, y, name, colour=INK, weight=600, halo=True)
    drawing.text(_RIGHT + 8, y, gain, anchor="end", halo=True)


def _seeds(
    drawing: Drawing,
    analysis: Analysis,
    row: Row,
    control: ArmResult | None,
    x: Scale,
    place: tuple[float, float],
) -> None:
    found = looks(analysis)
    colour, plain_colour = found[row.arm].colour, found[analysis.control].colour
    against = _by_seed(control) if row.comparison else {}
    top, step = place
    reach = min(3.6, 0.42 * step)
    for number, (seed, value) in enumerate(_by_seed(row.result).items()):
        y = top + (number + 0.5) * step
        at = (x(100 * value), y)
        hint = f"{row.arm}, seed {seed}: {percent(value, 2)} %"
        if seed in against:
            base = (x(100 * against[seed]), y)
            hint += f", {analysis.control} {percent(against[seed], 2)} %"
            drawing.line(base, at, colour, width=1.6, opacity=0.65)
            drawing.mark(base, "circle", reach, plain_colour, kind="base", hollow=True)
        drawing.mark(at, found[row.arm].shape, reach, colour, kind="seed", hint=hint)


def _by_seed(result: ArmResult | None) -> dict[int, float]:
    return dict(zip(result.seeds, result.test_accuracy, strict=True)) if result else {}


def pair_arms(groups: Sequence[SizeRows]) -> list[str]:
    """The arms that `pairs_figure` draws, the control first."""
    rows = [row for group in groups for row in group.rows if row.result]
    return list(dict.fromkeys(row.arm for row in sorted(rows, key=lambda row: not row.is_control)))

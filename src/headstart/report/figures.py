"""The figures of a study as static SVG: gain by target size, learning curves, every seed.

Each function draws one pair. Figures of several sizes come as one drawing a size, as narrow as a
phone, so that a page sets them side by side or one below the other without shrinking a letter.
Colours and shapes of arms are those of `palette`; the page prints their legend.
"""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headstart.analyse.analysis import Analysis, Comparison, Curve
from headstart.report.charts import Record, canvas, colour, data, domain_of, shape
from headstart.report.palette import BAND, CARD, GRID, INK, looks
from headstart.report.rows import Pair, SizeRows, pairs_of, sizes_of
from headstart.report.svg import draw
from headstart.report.text import margin_note, printable, shorten

if TYPE_CHECKING:
    import altair as alt

WIDE, NARROW, PANEL = 860, 350, 350  # pixels
_DODGE = 0.78  # share of a size's place on the axis that its arms take up
_LABEL = 20  # letters of an arm's name beside its dots
_LETTER = 6.8  # pixels of a letter in the widest of the usual fonts, at the size of labels


def gain_figure(analysis: Analysis, pair: Pair, width: int = WIDE) -> str:
    """Gain over the control by target size: interval, mean, and a dot for every seed.

    Empty where the pair has no comparison.
    """
    import altair as alt

    groups = [g for g in sizes_of(analysis, pair) if any(row.comparison for row in g.rows)]
    if not groups:
        return ""
    found, marks = looks(analysis), _gain_marks(analysis, groups)
    dots = [
        {"x": mark["seeds_x"], "y": gain, "arm": mark["arm"]}
        for mark in marks
        for gain in mark["gains"]
        if len(mark["gains"]) > 1  # one seed is the mark itself
    ]
    margin = max(c.margin_pp for g in groups for row in g.rows if (c := row.comparison))
    x = alt.X("x:Q").axis(_size_axis(groups)).scale(domain=[-0.5, len(groups) - 0.5], nice=False)
    y = alt.Y("y:Q").axis(_gain_axis()).scale(domain=_gain_domain(marks, margin), nice=True)
    by_arm = colour(found, marks)
    filled = alt.when("datum.invalid").then(alt.value(CARD))
    filled = filled.otherwise(colour(found, marks, "fill"))
    big, small = (70, 16) if width > 500 else (34, 8)
    place = alt.Chart(data(marks)).encode(x=x, y=y)
    base = place.encode(color=by_arm)
    chart = alt.layer(
        _band(margin, len(groups)),
        _borders(len(groups)),
        alt.Chart(data([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1.2).encode(y="zero:Q"),
        base.mark_line(strokeWidth=1, opacity=0.35),
        alt.Chart(data(dots))
        .mark_circle(size=small, opacity=0.6)
        .encode(x="x:Q", y="y:Q", color=by_arm),
        base.mark_rule(strokeWidth=2).encode(y="low:Q", y2="high:Q"),
        place.mark_point(size=big, opacity=1, strokeWidth=1.6).encode(
            shape=shape(found, marks), stroke=colour(found, marks, "stroke"), fill=filled
        ),
    ).properties(
        title=alt.TitleParams(
            text=f"Gain over {shorten(printable(analysis.control), 24)}",
            subtitle="test accuracy, percentage points",
        ),
        **canvas(width, 380 if width > 500 else 340),
    )
    return draw(
        chart,
        title=f"Gain over {analysis.control} by number of target images, {pair}",
        description=(
            f"For every arm and size the mean gain in percentage points, its interval and one dot "
            f"a seed. The band marks the margin {margin_note(analysis)}."
        ),
        name=f"gain-{width}-{_slug(analysis, pair)}",
    )


def curves_figure(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """Validation accuracy by update, one drawing a size, a line a seed, checkpoints marked."""
    groups = [(g, _curve_points(g)) for g in sizes_of(analysis, pair)]
    groups = [(group, points) for group, points in groups if points]
    domain = domain_of(point["y"] for _, points in groups for point in points)
    return tuple(
        _curves_panel(analysis, group, points, domain, f"curves-{number}-{_slug(analysis, pair)}")
        for number, (group, points) in enumerate(groups)
    )


def curve_arms(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """The arms that `curves_figure` draws: those with any validation accuracy along training."""
    points = [point for group in sizes_of(analysis, pair) for point in _curve_points(group)]
    return tuple(dict.fromkeys(point["arm"] for point in points))


def seeds_figure(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """Test accuracy of every seed by arm, one drawing a size, a tick at the mean.

    Each drawing has its own scale: what counts here is the spread within a size.
    """
    groups = [g for g in sizes_of(analysis, pair) if any(row.result for row in g.rows)]
    return tuple(
        _seeds_panel(analysis, group, f"seeds-{number}-{_slug(analysis, pair)}")
        for number, group in enumerate(groups)
    )


def _gain_marks(analysis: Analysis, groups: Sequence[SizeRows]) -> list[Record]:
    """One record a comparison, arms side by side at each size, each arm always at its place."""
    compared = {row.arm: None for group in groups for row in group.rows if row.comparison}
    places = {arm: place for place, arm in enumerate(compared)}
    step = _DODGE / len(places)
    marks = []
    for index, group in enumerate(groups):
        for row in group.rows:
            if (c := row.comparison) and math.isfinite(c.gain_pp):
                middle = index + (places[row.arm] - (len(places) - 1) / 2) * step
                marks.append(
                    {
                        "arm": row.arm,
                        "x": middle + 0.14 * step,
                        "seeds_x": middle - 0.22 * step,
                        "y": c.gain_pp,
                        "low": _end(c, c.low_pp),
                        "high": _end(c, c.high_pp),
                        "gains": list(c.gains_pp),
                        "invalid": c.verdict == "invalid",
                    }
                )
    return marks


def _end(comparison: Comparison, end: float | None) -> float:
    """An interval's end, cut at what a gain can be; without interval the gain itself."""
    return comparison.gain_pp if end is None else max(-100.0, min(100.0, end))


def _gain_domain(marks: Sequence[Record], margin: float) -> list[float]:
    values = [mark[key] for mark in marks for key in ("low", "high", "y")]
    values += [gain for mark in marks for gain in mark["gains"]]
    return [min([*values, -1.5 * margin]), max([*values, 1.5 * margin])]


def _gain_axis() -> "alt.Axis":
    import altair as alt

    return alt.Axis(
        title=None,
        format="+~f",
        # d3 gives zero a plus sign too
        labelExpr="datum.value === 0 ? '0' : datum.label",
        tickCount=7,
    )


def _size_axis(groups: Sequence[SizeRows]) -> "alt.Axis":
    import altair as alt

    labels = json.dumps([_size_label(group) for group in groups])
    return alt.Axis(
        title="labelled target images",
        values=list(range(len(groups))),
        labelExpr=f"{labels}[round(datum.value)]",
        labelColor=INK,
        labelOverlap=False,
        labelLineHeight=14,
        grid=False,
        ticks=False,
        domain=False,
    )


def _size_label(group: SizeRows) -> list[str]:
    """The number of images, under it the size as it was given where that says more."""
    number, *given = group.lines
    return [number.split(" image")[0], *(shorten(printable(line), 14) for line in given)]


def _band(margin: float, num_groups: int) -> Any:
    import altair as alt

    place = {"x": -0.5, "x2": num_groups - 0.5, "y": -margin, "y2": margin}
    return (
        alt.Chart(data([place]))
        .mark_rect(color=BAND, opacity=1)
        .encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q")
    )


def _borders(num_groups: int) -> Any:
    """Thin lines between the sizes."""
    import altair as alt

    between = [{"x": index + 0.5} for index in range(num_groups - 1)]
    return alt.Chart(data(between)).mark_rule(color=GRID).encode(x="x:Q")


def _curve_points(group: SizeRows) -> list[Record]:
    return [
        {"arm": row.arm, "seed": curve.seed, "x": update, "y": 100 * value, "at": at}
        for row in group.rows
        if row.result
        for curve in row.result.curves
        for update, value, at in _finite_points(curve)
    ]


def _finite_points(curve: Curve) -> list[tuple[int, float, bool]]:
    """(update, accuracy, is it the checkpoint?) of a curve, without what is not a number."""
    # Not strict: a curve without validation images may hold no accuracy at all.
    pairs = zip(curve.updates, curve.validation_accuracy, strict=False)
    return [(at, value, at == curve.checkpoint) for at, value in pairs if math.isfinite(value)]


def _curves_panel(
    analysis: Analysis, group: SizeRows, points: Sequence[Record], domain: list[float], name: str
) -> str:
    import altair as alt

    found = looks(analysis)
    x = (
        alt.X("x:Q")
        .axis(title="Update", grid=False, tickCount=4, format=",d")
        .scale(domain=[0, max(point["x"] for point in points)], nice=False)
    )
    y = alt.Y("y:Q").axis(title=None, tickCount=5).scale(domain=domain, nice=True, zero=False)
    base = alt.Chart(data(points)).encode(x=x, y=y, color=colour(found, points))
    chart = alt.layer(
        base.mark_line(strokeWidth=1.1, opacity=0.75).encode(detail="seed:N"),
        base.transform_filter("datum.at")
        .mark_point(filled=True, size=26, opacity=1)
        .encode(shape=shape(found, points)),
    ).properties(title=_panel_title(group, "validation accuracy, %"), **canvas(PANEL, 260))
    return draw(
        chart,
        title=f"Learning curves at {group.title}",
        description="Validation accuracy by update, one line a seed; marks are the checkpoints.",
        name=name,
    )


def _seeds_panel(analysis: Analysis, group: SizeRows, name: str) -> str:
    import altair as alt

    found = looks(analysis)
    labels = _short_names([row.arm for row in group.rows])
    dots: list[Record] = []
    means: list[Record] = []
    for row in group.rows:
        for value in row.result.test_accuracy if row.result else ():
            dots.append({"arm": row.arm, "row": labels[row.arm], "x": 100 * value})
        if row.result:
            means.append({"row": labels[row.arm], "x": 100 * row.result.mean})
    # The browser's font may be wider than the one measured here, and a name must not be cut off.
    room = 8 + _LETTER * max(map(len, labels.values()))
    y = (
        alt.Y("row:N")
        .axis(title=None, grid=True, labelColor=INK, labelLimit=180, minExtent=room)
        .scale(domain=list(labels.values()))
    )
    x = alt.X("x:Q").axis(title=None, tickCount=5, grid=False)
    x = x.scale(domain=domain_of(dot["x"] for dot in dots), nice=True, zero=False)
    chart = alt.layer(
        alt.Chart(data(dots))
        .mark_circle(size=34, opacity=0.65)
        .encode(x=x, y=y, color=colour(found, dots)),
        alt.Chart(data(means))
        .mark_tick(color=INK, thickness=2, size=15, opacity=1)
        .encode(x=x, y=y),
    ).properties(
        title=_panel_title(group, "test accuracy, %"), **canvas(PANEL, 80 + 24 * len(labels))
    )
    return draw(
        chart,
        title=f"Test accuracy of every seed at {group.title}",
        description="One dot a seed for every arm, a tick at the mean.",
        name=name,
    )


def _short_names(arms: Sequence[str]) -> dict[str, str]:
    """Names short enough for an axis; should two become equal, they are numbered."""
    found: dict[str, str] = {}
    for number, arm in enumerate(arms, 1):
        short = shorten(printable(arm), _LABEL)
        found[arm] = f"{short} {number}" if short in found.values() else short
    return found


def _panel_title(group: SizeRows, what: str) -> "alt.TitleParams":
    import altair as alt

    return alt.TitleParams(text=shorten(printable(group.title), 44), subtitle=what)


def _slug(analysis: Analysis, pair: Pair) -> str:
    """A name for ids that no study can break: the pair's place, not its text."""
    return str(pairs_of(analysis).index(pair))

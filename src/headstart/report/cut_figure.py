"""Yosinski's figure as static SVG: test accuracy by the cut up to which stages are taken over."""

import json
from typing import TYPE_CHECKING, Any

from headstart.analyse.analysis import Analysis
from headstart.report.charts import Record, canvas, colour, data, domain_of, shape
from headstart.report.figures import WIDE
from headstart.report.palette import CARD, INK, family_looks, looks
from headstart.report.rows import Pair, pairs_of
from headstart.report.svg import draw
from headstart.report.sweep import Sweep
from headstart.report.text import printable, shorten

if TYPE_CHECKING:
    import altair as alt

_DODGE = 0.66  # share of a cut's place on the axis that its families take up
_LETTER = 6.4  # pixels of a letter of the labels
_SHORTEST = 5  # letters of a stage's name below which its number alone says more


def cuts_figure(analysis: Analysis, pair: Pair, sweep: Sweep, width: int = WIDE) -> str:
    """Test accuracy by cut: a line through the means of each family, and a dot for every seed.

    The control at the same size is a dashed line, the band around it its standard deviation.
    """
    import altair as alt

    found, marks = family_looks(), _marks(sweep)
    dots = [
        {"arm": mark["arm"], "x": mark["seeds_x"], "y": value}
        for mark in marks
        for value in mark["seeds"]
        if len(mark["seeds"]) > 1  # one seed is the mark itself
    ]
    last = len(sweep.cuts) - 0.5
    values = [value for mark in marks for value in mark["seeds"]]
    domain = domain_of([*values, *_control_range(sweep)])
    x = alt.X("x:Q").axis(_cut_axis(sweep, width)).scale(domain=[-0.5, last], nice=False)
    y = alt.Y("y:Q").axis(title=None, tickCount=7)
    y = y.scale(domain=domain, nice=True, zero=False)
    base = alt.Chart(data(marks)).encode(x=x, y=y)
    big, small = (70, 16) if width > 500 else (40, 9)
    chart = alt.layer(
        *_control_layers(analysis, sweep, last),
        base.mark_line(strokeWidth=1.6, opacity=0.8).encode(color=colour(found, marks)),
        alt.Chart(data(dots))
        .mark_circle(size=small, opacity=0.55)
        .encode(x="x:Q", y="y:Q", color=colour(found, marks)),
        base.mark_point(size=big, opacity=1, stroke=CARD, strokeWidth=1).encode(
            shape=shape(found, marks), fill=colour(found, marks, "fill")
        ),
    ).properties(
        title=alt.TitleParams(
            text=shorten(printable(sweep.title), 44), subtitle="test accuracy, %"
        ),
        **canvas(width, 460 if width > 500 else 420),
    )
    place = f"{pairs_of(analysis).index(pair)}-{analysis.sizes.index(sweep.size)}"
    return draw(
        chart,
        title=f"Test accuracy by cut at {sweep.title}, {pair}",
        description=(
            "For every family and cut the mean test accuracy and one dot a seed. "
            "The dashed line is the control, the band its standard deviation over seeds."
        ),
        name=f"cuts-{width}-{place}",
    )


def _marks(sweep: Sweep) -> list[Record]:
    """One record a family and cut, families side by side so that their dots stay apart."""
    step = _DODGE / len(sweep.families)
    return [
        {
            "arm": rows.family,
            "x": (middle := index + (place - (len(sweep.families) - 1) / 2) * step),
            "seeds_x": middle - 0.4 * step,
            "y": 100 * row.result.mean,
            "seeds": [100 * value for value in row.result.test_accuracy],
        }
        for place, rows in enumerate(sweep.families)
        for index, row in enumerate(rows.rows)
        if row and row.result
    ]


def _control_range(sweep: Sweep) -> tuple[float, ...]:
    """Mean of the control, and its ends one standard deviation away where there is one."""
    if not sweep.control:
        return ()
    mean, sd = 100 * sweep.control.mean, 100 * (sweep.control.sd or 0.0)
    return (mean - sd, mean, mean + sd)


def _control_layers(analysis: Analysis, sweep: Sweep, last: float) -> list[Any]:
    import altair as alt

    if not sweep.control:
        return []
    ink = looks(analysis)[analysis.control].colour
    low, mean, high = _control_range(sweep)
    layers: list[Any] = [
        alt.Chart(data([{"y": mean, "x": -0.5, "x2": last}]))
        .mark_rule(color=ink, strokeWidth=1.5)
        .encode(y="y:Q", x="x:Q", x2="x2:Q", strokeDash=alt.value([6, 4]))
    ]
    if sweep.control.sd:
        band = [{"y": low, "y2": high, "x": -0.5, "x2": last}]
        layers.insert(
            0,
            alt.Chart(data(band))
            .mark_rect(color=ink, opacity=0.16)
            .encode(y="y:Q", y2="y2:Q", x="x:Q", x2="x2:Q"),
        )
    return layers


def _cut_axis(sweep: Sweep, width: int) -> "alt.Axis":
    """The number of stages taken over, and under it the last of them where names can be read."""
    import altair as alt

    room = int((width - 50) / len(sweep.cuts) / _LETTER) - 1
    names = [shorten(printable(cut), max(room, 1)) for cut in sweep.cuts]
    named = room >= _SHORTEST and len(set(names)) == len(names)
    labels = [[str(n), name] if named else [str(n)] for n, name in enumerate(names, 1)]
    return alt.Axis(
        title="stages taken over, and the last of them" if named else "stages taken over",
        values=list(range(len(labels))),
        labelExpr=f"{json.dumps(labels)}[round(datum.value)]",
        labelColor=INK,
        labelOverlap=False,
        labelLineHeight=14,
        grid=False,
        ticks=False,
        domain=False,
    )

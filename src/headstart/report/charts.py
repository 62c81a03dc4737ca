"""What the charts of all figures share: an arm's colour and shape, ranges, canvas, data."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from headstart.analyse.analysis import Analysis
from headstart.report.palette import Look, looks

if TYPE_CHECKING:
    import altair as alt

Record = dict[str, Any]


def colour(analysis: Analysis, records: Sequence[Record], channel: str = "color") -> Any:
    """The fixed colour of every arm, for one channel of a mark."""
    import altair as alt

    colours = {arm: look.colour for arm, look in _looks_of(analysis, records).items()}
    kind = {"color": alt.Color, "fill": alt.Fill, "stroke": alt.Stroke}[channel]
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return kind("arm:N", legend=None, scale=scale)


def shape(analysis: Analysis, records: Sequence[Record]) -> "alt.Shape":
    """The fixed shape of every arm, for readers who see no colour."""
    import altair as alt

    shapes = {arm: look.shape for arm, look in _looks_of(analysis, records).items()}
    scale = alt.Scale(domain=list(shapes), range=list(shapes.values()))
    return alt.Shape("arm:N", legend=None, scale=scale)


def _looks_of(analysis: Analysis, records: Sequence[Record]) -> dict[str, Look]:
    found = looks(analysis)
    return {arm: found[arm] for arm in dict.fromkeys(record["arm"] for record in records)}


def domain_of(values: Iterable[float]) -> list[float]:
    """The range of percentages to show, with room for dots at its ends."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return [0.0, 100.0]
    low, high = min(found), max(found)
    room = max(0.03 * (high - low), 0.2)
    return [max(0.0, low - room), min(100.0, high + room)]


def canvas(width: int, height: int) -> Record:
    """Width and height of the whole drawing, labels included."""
    return {
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
    }


def data(records: Sequence[Record]) -> "alt.InlineData":
    """Records inside the chart itself."""
    import altair as alt

    return alt.InlineData(values=list(records))

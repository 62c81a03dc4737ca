"""What the charts of all figures share: an arm's colour and shape, ranges, canvas, data."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headstart.report.palette import Look

if TYPE_CHECKING:
    import altair as alt

Record = dict[str, Any]


def colour(looks: Mapping[str, Look], records: Sequence[Record], channel: str = "color") -> Any:
    """The fixed colour of every arm or family, for one channel of a mark."""
    import altair as alt

    colours = {arm: looks[arm].colour for arm in _arms(records)}
    kind = {"color": alt.Color, "fill": alt.Fill, "stroke": alt.Stroke}[channel]
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return kind("arm:N", legend=None, scale=scale)


def shape(looks: Mapping[str, Look], records: Sequence[Record]) -> "alt.Shape":
    """The fixed shape of every arm or family, for readers who see no colour."""
    import altair as alt

    shapes = {arm: looks[arm].shape for arm in _arms(records)}
    scale = alt.Scale(domain=list(shapes), range=list(shapes.values()))
    return alt.Shape("arm:N", legend=None, scale=scale)


def _arms(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(record["arm"] for record in records))


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

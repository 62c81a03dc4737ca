"""An Altair chart as one SVG element: house style, a title for screen readers, ids of its own."""

import re
from html import escape
from typing import TYPE_CHECKING, Any

from headstart.report.palette import GRID, INK, MUTED
from headstart.report.text import printable

if TYPE_CHECKING:
    import altair as alt

_FONT = "system-ui, sans-serif"  # no quotes: it ends up in attributes

_CONFIG: dict[str, Any] = {
    "aria": False,  # a label on every dot drowns a screen reader; the tables hold the numbers
    "background": None,
    "font": _FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": MUTED,
        "tickColor": MUTED,
        "labelFlush": False,
        "labelPadding": 5,
        "titlePadding": 8,
    },
    "axisY": {"domain": False, "ticks": False},
    "title": {
        "anchor": "start",
        "frame": "group",
        "color": INK,
        "fontSize": 13,
        "fontWeight": 600,
        "subtitleColor": MUTED,
        "subtitleFontSize": 11,
        "offset": 10,
    },
}


def draw(chart: "alt.TopLevelMixin", *, title: str, description: str, name: str) -> str:
    """The SVG of `chart`; `name` keeps its ids apart from those of other figures of a page."""
    import vl_convert

    # Our own specs need no validation, which would take longer than the drawing.
    spec = chart.to_dict(validate=False)
    spec["config"] = _CONFIG
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return _named(svg, printable(title), printable(description), name)


def _named(svg: str, title: str, description: str, name: str) -> str:
    """Give the root element a title and a width that shrinks, and number the ids afresh."""
    head, body = svg.split(">", 1)
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    assert found, "vl_convert gives every drawing a viewBox"
    width, height = found.groups()
    for number, old in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', body))):
        body = body.replace(f'id="{old}"', f'id="{name}-{number}"')
        body = body.replace(f"url(#{old})", f"url(#{name}-{number})")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'style="max-width:100%;height:auto" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>{body}'
    )

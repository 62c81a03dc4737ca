"""Several drawings and their legends as one SVG image."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headstart.analyse.text import printable, shorten
from headstart.report.figures.legend import Key
from headstart.report.figures.palette import INK
from headstart.report.figures.svg import FONT, LETTER, Drawing

GAP = 16  # pixels between drawings
_LINE = 22  # pixels of a line of a legend
_LONGEST = 60  # letters of an entry
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')
_VARIABLE = re.compile(r"var\(--[\w-]+, ([^()]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Drawings that share a legend, and a heading where there are several blocks."""

    heading: str = ""
    keys: tuple[Key, ...]
    drawings: tuple[str, ...]


def sheet(blocks: Sequence[Block], *, name: str, title: str) -> str:
    """One image: for each block its heading, its legend, and its drawings in rows.

    Args:
        blocks: at least one, with at least one drawing each.
        name: keeps ids apart from those of other images on a page.
        title: read out for those who do not see it.
    """
    width = max(_row_width(row) for block in blocks for row in _rows(block.drawings))
    drawing = Drawing(width=width, height=0)
    y = 0.0
    for block in blocks:
        y = _draw_block(drawing, block, y, width)
    drawing.height = y
    headings = ", ".join(block.heading for block in blocks if block.heading)
    return drawing.svg(name=f"{name}-sheet", title=title, description=headings or title)


def alone(svg: str) -> str:
    """An image for programs that know no CSS variables, on a white ground, with its colours."""
    fixed = _VARIABLE.sub(r"\1", svg)
    begin = fixed.index(">") + 1
    return f'{fixed[:begin]}<rect width="100%" height="100%" fill="#ffffff"/>{fixed[begin:]}'


def _draw_block(drawing: Drawing, block: Block, y: float, width: float) -> float:
    """Draw a block from pixel `y` down, and give the pixel below it."""
    if block.heading:
        drawing.text(4, y + 18, block.heading, colour=INK, weight=600)
        y += 28
    y = _draw_legend(drawing, block.keys, y, width)
    for row in _rows(block.drawings):
        x, sizes = 0.0, [_size(one) for one in row]
        for one, (wide, _) in zip(row, sizes, strict=True):
            drawing.inset((x, y), one)
            x += wide + GAP
        y += max(height for _, height in sizes) + GAP
    return y


def _draw_legend(drawing: Drawing, keys: Sequence[Key], y: float, width: float) -> float:
    x = 10.0
    for key in keys:
        text = shorten(printable(f"{key.arm}: {key.note}" if key.note else key.arm), _LONGEST)
        length = 14 + LETTER * len(text) + GAP
        if x > 10 and x + length > width:
            x, y = 10.0, y + _LINE
        drawing.mark((x, y + 12), key.shape, 5, key.colour, kind="key")
        drawing.text(x + 12, y + 12 + FONT / 3, text, colour=INK)
        x += length
    return y + _LINE + 6 if keys else y


def _rows(drawings: Sequence[str]) -> Iterator[list[str]]:
    """Drawings side by side as long as two of the narrow ones fit."""
    row: list[str] = []
    for one in drawings:
        if row and (len(row) == 2 or _row_width([*row, one]) > 2 * 316 + GAP):
            yield row
            row = []
        row.append(one)
    if row:
        yield row


def _row_width(row: Sequence[str]) -> float:
    return sum(_size(one)[0] for one in row) + GAP * (len(row) - 1)


def _size(drawing: str) -> tuple[float, float]:
    found = _SIZE.search(drawing)
    assert found, "a drawing says its size"
    return float(found[1]), float(found[2])

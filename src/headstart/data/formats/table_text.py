"""Rows of a table in a text file: encoding and delimiter are found, quotes and BOMs understood."""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.data.errors import fault

DELIMITERS = (",", ";", "\t", "|")  # the earlier one is taken where two fit

ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
EXPECTED = "Expected a text file with a line for each image, its columns apart by ',', ';' or tabs."
SHOWN = 3  # names in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table: its cells without spaces around them, and where it begins."""

    line: int  # from 1
    cells: tuple[str, ...]


def read_table(where: Path | str, content: bytes) -> tuple[Row, ...]:
    """The rows of a table, as many cells in each; the first may be a header.

    Empty lines are passed over.

    Raises:
        DataError: it is no text, has one column, or rows with more columns than the first.
    """
    lines = list(io.StringIO(_decoded(where, content), newline=""))
    skipped, named = 0, re.match(r"sep=(.)\s*$", lines[0]) if lines else None
    if named:  # a line that spreadsheets write to name the delimiter
        skipped, lines = 1, lines[1:]
    delimiters = named[1] if named else DELIMITERS
    tables = [rows for one in delimiters if (rows := _rows(where, lines, one, skipped))]
    if not tables:
        raise fault(where, "is empty.", EXPECTED)
    rows = max(tables, key=_regularity)
    if len(rows[0].cells) == 1:
        raise fault(where, f"has one column only ('{rows[0].cells[0][:60]}', ...).", EXPECTED)
    return _even(where, rows)


def _decoded(where: Path | str, content: bytes) -> str:
    encoding = next((name for bom, name in ENCODINGS.items() if content.startswith(bom)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # as older spreadsheets save it
    if "\0" in text:
        raise fault(where, "is no text.", EXPECTED, "Save the table as CSV.")
    return text


def _rows(where: Path | str, lines: list[str], delimiter: str, skipped: int) -> tuple[Row, ...]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t")
    rows, line = [], skipped + 1
    try:
        for given in reader:
            cells = tuple(cell.strip() for cell in given)
            if any(cells):
                rows.append(Row(line=line, cells=cells))
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise fault(where, f"line {line}: {error}.", EXPECTED) from None
    return tuple(rows)


def _regularity(rows: tuple[Row, ...]) -> tuple[bool, float, int]:
    """Whether there are columns, the share of rows with as many as the first, and their number."""
    width = len(rows[0].cells)
    return width > 1, sum(len(row.cells) == width for row in rows) / len(rows), width


def _even(where: Path | str, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The same with rows as wide as the first: what is missing at the end is empty."""
    width = len(rows[0].cells)
    wide = [row for row in rows if any(row.cells[width:])]
    if wide:
        raise fault(
            where,
            f"{len(wide):,} of {len(rows):,} rows have more than the {width} columns of the "
            f"first: lines {listed([str(row.line) for row in wide])}.",
            "Expected as many everywhere.",
            'Put cells that hold the delimiter in quotes: "like, this".',
        )
    return tuple(
        Row(line=row.line, cells=(*row.cells[:width], *[""] * (width - len(row.cells))))
        for row in rows
    )


def listed(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"

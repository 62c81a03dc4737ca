"""CSV tables of an Analysis: one row for each record, plain names, full precision.

Tables and columns follow from the dataclasses of the Analysis alone.
"""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from headstart.analyse.analysis import Analysis, Picture
from headstart.core.files import write_whole

Row = dict[str, str]

# Columns that a nested record takes over from the record that it is part of.
_OWNER = ("name", "arm", "size", "num_images", "source", "target")


# What a spreadsheet would run; names of results from elsewhere may begin with anything.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_tables(analysis: Analysis, folder: Path) -> None:
    """Write every table to a file in `folder`, with its header even without rows."""
    for name, (columns, rows) in tables(analysis).items():
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_whole(folder / f"{name}.csv", text.getvalue().encode())


def tables(analysis: Analysis) -> dict[str, tuple[list[str], list[Row]]]:
    """Columns and rows of every table, by name.

    A table is a field of the Analysis that holds records. A number with its interval takes several
    columns (`labels`, `labels_low`, ...); values of one kind are joined by semicolons. Records
    inside records (curves) are separate tables with a row for each of their points. None and
    values that are not finite are empty; pictures are left out.
    """
    tables_by_name: dict[str, tuple[list[str], list[Row]]] = {}
    hints = get_type_hints(Analysis)
    for field in fields(Analysis):
        kind = _record_in(hints[field.name])
        if kind is None:
            continue
        records = getattr(analysis, field.name)
        tables_by_name[field.name] = (_columns(kind), [_row(record) for record in records])
        for name, inner in _nested(kind).items():
            if inner is Picture:
                continue
            shared = [column for column in _OWNER if column in _columns(kind)]
            _, rows = tables_by_name.setdefault(name, ([*shared, *_columns(inner)], []))
            for record in records:
                own = {column: value for column, value in _row(record).items() if column in shared}
                for part in getattr(record, name):
                    rows += [{**own, **point} for point in _points(part)]
    return tables_by_name


def _record_in(hint: Any) -> type | None:
    """Dataclass in a tuple of dataclasses; None for any other type."""
    inner = get_args(hint)
    return inner[0] if inner and isinstance(inner[0], type) and is_dataclass(inner[0]) else None


def _nested(kind: type) -> dict[str, type]:
    """Fields of a dataclass that hold records, with their types."""
    hints = get_type_hints(kind).items()
    return {name: inner for name, hint in hints if (inner := _record_in(hint)) is not None}


def _columns(kind: type) -> list[str]:
    columns: list[str] = []
    for name, hint in get_type_hints(kind).items():
        if hint is Picture:
            continue
        if is_dataclass(hint):
            columns += [_column(name, part.name) for part in fields(hint)]
        elif _record_in(hint) is None:
            columns.append(name)
    return columns


def _column(name: str, part: str) -> str:
    return name if part == "value" else f"{name}_{part}"


def _row(record: Any) -> Row:
    row: Row = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Picture):
            continue
        if is_dataclass(value):
            for part in fields(value):
                row[_column(field.name, part.name)] = _text(getattr(value, part.name))
        elif field.name not in _nested(type(record)):
            row[field.name] = _text(value)
    return row


def _points(record: Any) -> Iterator[Row]:
    """A row for each element of a record's tuples, its other fields in each; else one row."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    runs = {name: value for name, value in values.items() if isinstance(value, tuple)}
    if not runs:
        yield _row(record)
    for place in range(max((len(run) for run in runs.values()), default=0)):
        yield {
            name: _text(runs[name][place] if name in runs else value)
            for name, value in values.items()
        }


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ";".join(_text(one) for one in value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return repr(value) if isinstance(value, float) else str(value)

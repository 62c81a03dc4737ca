"""A data frame of pandas or polars as a table of labels; neither is imported."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, TypeGuard

from headstart.core.errors import DataError
from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import digest

MISSING = ("None", "nan", "NaN", "<NA>", "NaT")  # what frames have in place of no value
LOOKED_AT = 100  # cells of a column, of which one has to be a file


class Frame(Protocol):
    """What frames have in common: names of columns, and columns by their names."""

    @property
    def columns(self) -> Iterable[Any]:
        """Names of the columns."""

    def __getitem__(self, name: Any, /) -> Iterable[Any]:
        """The cells of a column."""


def is_frame(given: object) -> TypeGuard[Frame]:
    """Whether something is a data frame."""
    return hasattr(given, "columns") and hasattr(given, "__getitem__")


def saved_table(frame: Frame, *, alone: bool) -> Path:
    """A frame as a file in the cache, with absolute paths; one frame has one file.

    Args:
        frame: a row for each image.
        alone: whether no folder of images is given beside it.

    Raises:
        DataError: it has no rows; alone, no column holds paths of files from the current folder.
    """
    names = list(frame.columns)
    columns = [[_text(cell) for cell in frame[name]] for name in names]
    if not columns or not columns[0]:
        raise DataError("the frame has no rows. Expected one for each image, with its label.")
    if alone:
        paths = [at for at, column in enumerate(columns) if _are_files(column)]
        if not paths:
            raise DataError(
                f"no column of the frame ({', '.join(map(str, names[:8]))}) holds paths of files "
                "from the current folder.\n     Give the folder of the images: "
                'headstart.study("./photos", labels=frame).'
            )
        columns = [
            [os.path.abspath(cell) if cell and at in paths else cell for cell in column]
            for at, column in enumerate(columns)
        ]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([str(name) for name in names])
    writer.writerows(zip(*columns, strict=True))
    path = cache_folder() / "tables" / f"{digest([list(map(str, names)), columns])[:16]}.csv"
    write_whole(path, file.getvalue().encode())
    return path


def _text(cell: Any) -> str:
    """A cell as text; what is missing is empty. A class may be called "None" or "nan"."""
    if isinstance(cell, str):
        return cell
    text = os.fspath(cell) if isinstance(cell, os.PathLike) else str(cell)
    return "" if text in MISSING else text


def _are_files(column: list[str]) -> bool:
    """Whether the first cells that are filled name files."""
    filled = [cell for cell in column if cell][:LOOKED_AT]
    return any(map(os.path.isfile, filled))

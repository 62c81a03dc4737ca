"""Where image files and the table of their labels lie: beside each other, or one inside the other.

./labels.csv                     images below its folder, or where its absolute paths lie
./photos and labels.csv          a table anywhere, or one inside the folder or archive
"""

import os
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import DataError
from headstart.core.files import open_regular
from headstart.data.errors import fault
from headstart.data.formats.archives import DamagedFile, Source
from headstart.data.formats.table_text import listed, read_table
from headstart.study.labels import TABLE_SUFFIXES, LabelTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder or archive of image files, and the table of their labels.

    `table` is a file; or `inside` is the table's path below the folder or archive. Both are absent
    where folders are classes.
    """

    root: Path
    table: Path | None = None
    inside: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read."""
        return (self.root,) if self.table is None else (self.root, self.table)

    @property
    def name(self) -> Path:
        """The table, for errors."""
        return self.root / self.inside if self.table is None else self.table

    @property
    def name_inside(self) -> str:
        """The table's path below the folder or archive; empty where it lies elsewhere."""
        if self.table is None:
            return self.inside
        below = self.table.is_relative_to(self.root)
        return self.table.relative_to(self.root).as_posix() if below else ""

    def read(self, source: Source) -> bytes:
        """The table's bytes; a table inside is read from the open folder or archive.

        Raises:
            DataError: it cannot be read.
        """
        try:
            return source.read(self.inside) if self.table is None else _read_regular(self.table)
        except OSError as error:
            raise _unreadable(self.name, error.strerror or str(error)) from error
        except DamagedFile as error:
            raise _unreadable(self.name, str(error)) from error


def place_of(path: Path, labels: LabelTable | None) -> Place:
    """Where the images of a data set lie, and where their labels.

    Args:
        path: what the data set names: a table, or a folder or archive of images.
        labels: the table that the study names, if any.

    Raises:
        DataError: both are tables, or the table cannot be read.
    """
    file = labels.file if labels else None
    if is_table(path):
        if file is not None:
            raise fault(
                path,
                f"is a table of labels, and so is {file}.",
                "Expected one of them.",
                'Give the folder of the images as the data set: dataset = "./photos".',
            )
        return Place(root=_folder_of(path), table=path)
    if file is None:
        return Place(root=path)
    beside = Path(os.path.expanduser(file)).absolute()
    return Place(root=path, table=beside) if beside.is_file() else Place(root=path, inside=file)


def is_table(path: Path) -> bool:
    """Whether a path is called like a table."""
    return path.name.lower().endswith(TABLE_SUFFIXES)


def check_inside(place: Place, source: Source) -> None:
    """Check that the folder or archive holds the table, where it is named by a path inside it.

    Raises:
        DataError: it does not.
    """
    if place.table is None and place.inside not in source.listing.files:
        tables = sorted(name for name in source.listing.files if is_table(Path(name)))
        there = f"The tables there are {listed(tables)}." if tables else "There is no table there."
        raise fault(
            Path(place.inside).absolute(),
            f"there is no such file, nor is there one of that name in {place.root}.",
            there,
            "Check the path; it is relative as that of the data set is.",
        )


def _folder_of(table: Path) -> Path:
    """The folder of the images of a table: its own, or the one that absolute paths have in common.

    Raises:
        DataError: it cannot be read, or its paths have no folder in common.
    """
    try:
        rows = read_table(table, _read_regular(table))
    except OSError as error:
        raise _unreadable(table, error.strerror or str(error)) from error
    for cells in zip(*(row.cells for row in rows[-max(len(rows) - 1, 1) :]), strict=True):
        paths = [Path(cell) for cell in cells if cell]
        if paths and all(path.is_absolute() for path in paths) and any(p.is_file() for p in paths):
            common = Path(os.path.commonpath([path.parent for path in paths]))
            if common == common.parent:
                raise fault(
                    table,
                    "the images have no folder in common.",
                    "Expected paths below one folder.",
                )
            return common
    return table.parent


def _unreadable(place: Path, why: str) -> DataError:
    return fault(
        place, f"cannot be read: {why}.", fix="Check that it exists and its access rights."
    )


def _read_regular(table: Path) -> bytes:
    """Bytes of a table, which is no pipe."""
    with open_regular(table) as file:
        return file.read()

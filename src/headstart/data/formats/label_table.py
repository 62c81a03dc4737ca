"""Image files labelled by a table: each row names a file, its label and perhaps its part.

All faults of the rows are collected before any is raised. Image files without a row are no part of
the data set.
"""

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from headstart.core.errors import DataError
from headstart.data.errors import fault
from headstart.data.formats.archives import Listing
from headstart.data.formats.file_kinds import is_read
from headstart.data.formats.image_tree import Placed
from headstart.data.formats.label_columns import HOW, Columns, columns_of
from headstart.data.formats.label_files import FileIndex, spelled
from headstart.data.formats.table_text import Row, listed, read_table
from headstart.data.formats.tree_layout import PART_NAMES
from headstart.study.labels import LabelTable

MISSING = "name a file that is not there"
UNCLEAR = "may mean several files; give their folders too"
UNLABELLED = "have no label"
SEVERAL = "have several labels"
NO_PART = "are in no part"
DIFFERING = "say something else of the same file"

EXPECTED = (
    "Expected in every row a file and one label, and train, val or test where there is a column of "
    "parts."
)
SKIP = "Mend the table, or leave these rows out: `image = { skip_broken = true }` in the task."
MANY_CLASSES = 20  # so many labels of one image each are no classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The image files that a table labels.

    Attributes:
        placed: them, in the order of the table, each once.
        columns: by their headers: the cell of each file by its name.
        groups: headers of the columns that are called like groups.
        text: the table, and what its columns were taken for.
        unlabelled: image files without a row.
        notes: on rows that were left out, or that say what another says.
    """

    placed: list[Placed]
    columns: dict[str, dict[str, str]]
    groups: tuple[str, ...]
    text: str
    unlabelled: list[str]
    notes: tuple[str, ...]


def labelled(
    where: Path | str, content: bytes, spec: LabelTable, listing: Listing, *, skip: bool
) -> Labelled:
    """The image files of a listing that a table labels.

    Args:
        where: the table, for errors.
        content: bytes of its file.
        spec: its columns, where they are not to be found by header and content.
        listing: files that it may name.
        skip: whether to leave out rows that cannot be used.

    Raises:
        DataError: it cannot be read, the meaning of its columns is not clear, or, with all of them
            at once, rows name no file, or have no label or several.
    """
    images = [name for name in listing.files if is_read(name)]
    columns = columns_of(where, read_table(where, content), spec, FileIndex(images))
    sound, faults = _sorted(columns)
    if faults and (not skip or not sound):
        raise _fault(where, len(columns.rows), faults)
    return Labelled(
        placed=_placed(where, columns, sound),
        columns={
            name: {file: row.cells[at] for file, row in sound.items()}
            for at, name in enumerate(columns.names)
            if name
        },
        groups=tuple(columns.names[at] for at in columns.groups),
        text=f"{PurePath(where).name} ({columns.text})",
        unlabelled=[name for name in images if name not in sound],
        notes=_notes(len(columns.rows), sound, faults),
    )


Faults = dict[str, list[str]]
"""For each kind of fault, the rows that have it."""


def _sorted(columns: Columns) -> tuple[dict[str, Row], Faults]:
    """The row of each file that has one, and what is wrong with the other rows.

    Rows that say the same of a file count once.
    """
    rows_of: dict[str, list[Row]] = {}
    faults: Faults = {}
    for row in columns.rows:
        files = columns.finder.find(row.cells[columns.image])
        if found := _fault_of(columns, row, files):
            what, said = found
            faults.setdefault(what, []).append(_in_words(columns, row, said))
        else:
            rows_of.setdefault(files[0], []).append(row)
    sound: dict[str, Row] = {}
    for file, rows in rows_of.items():
        if len({columns.said(row) for row in rows}) == 1:
            sound[file] = rows[0]
            continue
        faults.setdefault(DIFFERING, []).extend(
            _in_words(columns, row, f": {', '.join(filter(None, columns.said(row)))}")
            for row in rows
        )
    return sound, faults


def _in_words(columns: Columns, row: Row, said: str) -> str:
    """A row by its file and line, and what is to be said of it."""
    return f"{row.cells[columns.image] or 'an empty cell'} (line {row.line}{said})"


def _fault_of(columns: Columns, row: Row, files: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with a row, and more about it; None of a sound one."""
    labels, part = columns.labels(row), columns.said(row)[1]
    if not files:
        return MISSING, ""
    if len(files) > 1:
        return UNCLEAR, f": {listed(files)}"
    if not labels:
        return UNLABELLED, ""
    if len(labels) > 1:
        return SEVERAL, f": {listed(labels)}"
    if columns.part is not None and part.lower() not in PART_NAMES:
        return NO_PART, f": '{part}'"
    return None


def _notes(num: int, sound: Mapping[str, Row], faults: Faults) -> tuple[str, ...]:
    """What became of the rows that label nothing."""
    if faults:
        return tuple(f"left out: {line}" for line in _faults_in_words(num, faults))
    if num > len(sound):
        return (f"{num - len(sound):,} of {num:,} rows say what another row says",)
    return ()


def _faults_in_words(num: int, faults: Faults) -> list[str]:
    """A clause for each kind of fault."""
    return [
        f"{len(said):,} of {num:,} rows {what}: {listed(said)}" for what, said in faults.items()
    ]


def _fault(where: Path | str, num: int, faults: Faults) -> DataError:
    lines = [f"{where}: these rows cannot be used:"]
    lines += [f"       - {line}." for line in _faults_in_words(num, faults)]
    return DataError("\n".join([*lines, f"     {EXPECTED}", f"     {SKIP}"]))


def _placed(where: Path | str, columns: Columns, rows: Mapping[str, Row]) -> list[Placed]:
    """The files with their parts and labels, by their paths below the folder of them all."""
    top = posixpath.commonpath([name.rpartition("/")[0] for name in rows])
    parts = _parts(where, columns, rows)
    labels = {file: columns.labels(row)[0] for file, row in rows.items()}
    single = [label for label, number in Counter(labels.values()).items() if number == 1]
    if len(single) > max(MANY_CLASSES, len(labels) // 2):
        raise fault(
            where,
            f"{len(single):,} of {len(labels):,} images have a label of their own: "
            f"{listed(single)}.",
            "Expected labels that are classes.",
            HOW,
        )
    return [
        Placed(
            name=file,
            part=parts[file],
            label=labels[file],
            below=spelled(file[len(top) :]).lstrip("/"),
        )
        for file in rows
    ]


def _parts(where: Path | str, columns: Columns, rows: Mapping[str, Row]) -> dict[str, str]:
    """The part of each file; without a column of parts, that of its folder, if all lie in some."""
    if columns.part is not None:
        parts = {file: PART_NAMES[columns.said(row)[1].lower()] for file, row in rows.items()}
    else:
        parts = {file: _folder_part(file) for file in rows}
        if "" in parts.values() or len(set(parts.values())) == 1:
            return dict.fromkeys(rows, "")
    if "train" not in parts.values():
        raise fault(where, "no image is in part train.", "Expected training images.")
    return parts


def _folder_part(file: str) -> str:
    folders = [folder.lower() for folder in file.split("/")[:-1]]
    return next((PART_NAMES[folder] for folder in folders if folder in PART_NAMES), "")

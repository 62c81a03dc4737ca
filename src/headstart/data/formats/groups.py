"""Groups of image files that stay together: a column of their table, or a pattern in paths."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from headstart.core.errors import known_names, nearest
from headstart.data.errors import fault
from headstart.data.formats.image_tree import Placed
from headstart.data.formats.table_text import listed
from headstart.study.labels import Grouping


def groups_of(
    where: Path, by: Grouping, placed: Sequence[Placed], columns: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The group of each image file, by its name.

    Args:
        where: the table or the folder, for errors.
        by: a column, or a pattern.
        placed: the files.
        columns: of the table by their headers: the cell of each file.

    Raises:
        DataError: there is no such column, or files are in no group.
    """
    if isinstance(by, str):
        if by not in columns:
            raise fault(
                where,
                f"has no column '{by}' that split.group could mean."
                if columns
                else f"has no columns, and split.group names one: '{by}'.",
                known_names(columns)
                if columns
                else "Expected a table of labels, or a pattern in file names: "
                "split.group = { pattern = '^(p[0-9]+)_' }.",
                nearest(by, columns),
            )
        found = {one.name: columns[by][one.name] for one in placed}
    else:
        found = {one.name: _matched(by.pattern, one.below) for one in placed}
    alone = [name for name, group in found.items() if not group]
    if alone:
        raise fault(
            where,
            f"{len(alone):,} of {len(found):,} image files are in no group of split.group "
            f"({by}): {listed(alone)}.",
            "Expected a group for every image.",
            "Fill in the column; an image by itself is a group of one."
            if isinstance(by, str)
            else "The pattern is searched in the path below the data set, such as CLASS/file.jpg.",
        )
    return found


def _matched(pattern: str, path: str) -> str:
    """What the first group of a pattern finds in a path, or all that it matches."""
    match = re.search(pattern, path)
    if match is None:
        return ""
    return (match[1] or "") if match.re.groups else match[0]

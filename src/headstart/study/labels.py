"""Where the labels and groups of image files come from: columns of a table, or their paths."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from headstart.study.base import Spec

TABLE_SUFFIXES = (".csv", ".tsv")


class LabelTable(Spec):
    """A table with a row for each image, and its columns by name where they are not found.

    `file` lies beside the study file or inside the data set; it is absent where the data set is
    the table itself. `image` is the column of paths or file names; `part` that of `train`, `val`
    and `test`.
    """

    file: Annotated[str, Field(min_length=1)] | None = None
    image: str | None = None
    label: str | None = None
    part: str | None = None

    def __str__(self) -> str:
        columns = {name: getattr(self, name) for name in ("image", "label", "part")}
        named = [f"{name} = {column}" for name, column in columns.items() if column is not None]
        return f"{self.file or 'the table'}{f' ({chr(44).join(named)})' if named else ''}"


class GroupPattern(Spec):
    """Groups by file name: what a regular expression finds in the path below the data set.

    The first group of the expression names the group of the image, or all that it matches.
    """

    pattern: str

    def __str__(self) -> str:
        return f"pattern {self.pattern}"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value


def _as_table(given: Any) -> Any:
    """A table by the name of its file."""
    if isinstance(given, str) and given.lower().endswith(TABLE_SUFFIXES):
        return {"file": given}
    return given


Labels = Annotated[LabelTable, BeforeValidator(_as_table)]
"""A table of labels, by its file or with its columns."""

Grouping = Annotated[str, Field(min_length=1)] | GroupPattern
"""What makes a group: a column of the table of labels, or a pattern in file names."""

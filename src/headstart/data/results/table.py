"""Results of other programs as a table: a row for each answer or each score, names as codes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from headstart.core.errors import DataError
from headstart.core.names import few, quoted
from headstart.data.errors import fault
from headstart.data.results.roles import NUMBERS, Role, Roles
from headstart.data.results.tabular import Column, Source

EMPTY = frozenset({"", "nan", "none", "null", "<na>", "nat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A column of names: for each row the position of its name among all of them."""

    codes: np.ndarray  # (rows,), int32
    names: tuple[str, ...]

    def renamed(self, rename: Callable[[str], str]) -> "Coded":
        """The same with other names; those that become alike are one."""
        renamed = [rename(name) for name in self.names]
        places = {name: at for at, name in enumerate(dict.fromkeys(renamed))}
        moved = np.array([places[name] for name in renamed], np.int32)
        return Coded(codes=moved[self.codes], names=tuple(places))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTable:
    """Columns of results by role; `probabilities` are (rows, classes), classes in order of name."""

    names: Mapping[Role, Coded]
    numbers: Mapping[Role, np.ndarray]
    probabilities: np.ndarray | None = None
    probability_classes: tuple[str, ...] = ()

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.names["arm"].codes)


class _Coder:
    """Codes of the names of one column, given in pieces."""

    def __init__(self) -> None:
        self.places: dict[object, int] = defaultdict(count().__next__)
        self.pieces: list[np.ndarray] = []

    def add(self, cells: Column) -> None:
        """Add cells, which may be text or numbers."""
        if isinstance(cells, np.ndarray):
            distinct, first, at = np.unique(cells, return_index=True, return_inverse=True)
            codes, names = np.empty(len(distinct), np.int32), distinct.tolist()
            for place in np.argsort(first).tolist():  # in the order of the file
                codes[place] = self.places[names[place]]
            self.pieces.append(codes[at.reshape(-1)])
            return
        codes = np.fromiter(map(self.places.__getitem__, cells), np.int32, len(cells))
        self.pieces.append(codes)

    def column(self) -> Coded:
        """The whole column; names without spaces around them, whole numbers without a point."""
        codes = np.concatenate(self.pieces) if self.pieces else np.empty(0, np.int32)
        self.pieces = []
        return Coded(codes=codes, names=tuple(map(str, self.places))).renamed(_tidy)


def _tidy(name: str) -> str:
    """A name as it is compared: 3.0, which other programs write for class 3, is 3."""
    name = name.strip()
    whole, point, zeros = name.partition(".")
    number = point and not zeros.strip("0") and whole.lstrip("+-").isdecimal()
    return whole if number else name


class _Numbers:
    """One column of numbers, given in pieces."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.pieces: list[np.ndarray] = []

    def add(self, cells: Column) -> None:
        """Add cells; empty ones are not known."""
        try:
            self.pieces.append(np.array(cells, np.float64))
        except (ValueError, TypeError):
            self.pieces.append(np.array([self._number(cell) for cell in cells], np.float64))

    def _number(self, cell: object) -> float:
        text = str(cell).strip()
        if text.lower() in EMPTY:
            return float("nan")
        try:
            return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            raise DataError(f"{self.where}: '{text[:60]}' is no number.") from None

    def column(self) -> np.ndarray:
        """The whole column."""
        return np.concatenate(self.pieces) if self.pieces else np.empty(0)


def read_table(
    parts: Iterable[tuple[str, Source, Mapping[Role, str]]], roles: Roles
) -> ResultTable:
    """Rows of some files as one table.

    Args:
        parts: name of each file, its columns, and the names that the path says, by role.
        roles: of the columns; files that lack one of them are refused.

    Raises:
        DataError: a file lacks a column, or a cell that must be a number is none.
    """
    wanted = list(roles.columns.items())
    names: dict[Role, _Coder] = {}
    numbers: dict[Role, _Numbers] = {}
    probabilities: dict[str, _Numbers] = {}
    for where, source, known in parts:
        columns = [name for _, name in wanted] + list(roles.probabilities.values())
        lacking = [name for name in columns if name not in source.names]
        if lacking:
            raise fault(where, f"has no column {few(quoted(lacking))}, which other files have.",
                        f"Found: {few(quoted(source.names), 10)}.")  # fmt: skip
        for block in source.blocks(columns):
            for (role, name), cells in zip(wanted, block, strict=False):
                if role in NUMBERS:
                    numbers.setdefault(role, _Numbers(f"column '{name}'")).add(cells)
                else:
                    names.setdefault(role, _Coder()).add(cells)
            for label, cells in zip(roles.probabilities, block[len(wanted) :], strict=True):
                where_p = f"column '{roles.probabilities[label]}'"
                probabilities.setdefault(label, _Numbers(where_p)).add(cells)
            for role, value in known.items():
                names.setdefault(role, _Coder()).add([value] * len(block[0]))
    if not names:
        raise DataError("the results have no rows. Expected one for each answer, or each run.")
    return ResultTable(
        names={role: coder.column() for role, coder in names.items()},
        numbers={role: column.column() for role, column in numbers.items()},
        probabilities=np.stack([p.column() for p in probabilities.values()], 1)
        if probabilities
        else None,
        probability_classes=tuple(map(_tidy, probabilities)),
    )


def together(first: Coded, second: Coded) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Codes of two columns among the names of both: labels, answers and classes."""
    places = {name: at for at, name in enumerate(dict.fromkeys((*first.names, *second.names)))}
    codes = [
        np.array([places[name] for name in column.names], np.int32)[column.codes]
        for column in (first, second)
    ]
    return codes[0], codes[1], tuple(places)


def empty_cells(column: Coded) -> np.ndarray:
    """Rows whose cell of a column is empty (rows,)."""
    blank = np.array([name.lower() in EMPTY for name in column.names], bool)
    return np.asarray(blank[column.codes]) if blank.any() else np.zeros(len(column.codes), bool)

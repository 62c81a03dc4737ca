"""Reading of notebooks and scripts: cells of Python code, parsed; nothing is run."""

import ast
import io
import json
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.core.errors import DataError
from headstart.core.files import open_regular
from headstart.core.printable import printable_name

_LARGEST = 512 * 2**20  # bytes; outputs of a notebook are read with it
_MOST_LINES = 20
_LINE_END = re.compile(r"\r\n|\r|\n")
_MAGIC = re.compile(r"^(\s*)(?:[\w.,\s]+=\s*)?(?:%\w|!|\?)|^(\s*)[\w.]+\?+\s*$")
_CELL_MAGIC = re.compile(r"^\s*%%(\w+)")
_PYTHON_CELLS = {"time", "timeit", "capture", "prun", "python", "python3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Line of a file; `cell` counts the code cells of a notebook from 1, 0 in a script."""

    cell: int
    line: int
    text: str = field(compare=False)

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}" if self.cell else f"line {self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something that the text does not show, with the reason; `place` where it is one line."""

    why: str
    place: Place | None = None


@dataclass(slots=True, kw_only=True)
class Cell:
    """Code cell: its lines and its syntax tree; `run_as` is the number of its last execution."""

    number: int
    lines: list[str]
    tree: ast.Module
    run_as: int | None = None

    def place(self, line: int, end: int | None = None) -> Place:
        """Place of a line of this cell, counted from 1; its text goes on to the line `end`."""
        lines = [text.strip() for text in self.lines[line - 1 : end or line][:_MOST_LINES]]
        return Place(cell=self.number, line=line, text=" ".join(lines))


@dataclass(slots=True, kw_only=True)
class Source:
    """Parsed file, and what of it could not be parsed."""

    cells: list[Cell]
    unseen: list[Unseen]


def read_source(path: Path) -> Source:
    """Read and parse a notebook (.ipynb) or a script (.py).

    Raises:
        DataError: it is no such file, or holds no code in Python 3.
    """
    name = printable_name(str(path))
    suffix = path.suffix.lower()
    if suffix not in (".ipynb", ".py"):
        raise DataError(
            f"{name} is neither a notebook (.ipynb) nor a script (.py). Give one of these; a "
            "notebook is exported as either by File > Save as."
        )
    content = _bytes_of(path, name)
    source = (_script if suffix == ".py" else _notebook)(name, content)
    if not any(cell.tree.body for cell in source.cells):
        why = f" {source.unseen[0].why}" if source.unseen else ""
        raise DataError(f"{name} holds no code that can be read as Python 3.{why}")
    return source


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from None
    if len(content) > _LARGEST:
        raise DataError(
            f"{name} has more than {_LARGEST // 2**20} MB. Clear the outputs of the notebook "
            "(Edit > Clear All Outputs) and save it."
        )
    return content


def _script(name: str, content: bytes) -> Source:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise DataError(f"{name} is not text in UTF-8 or its declared encoding.") from None
    cell, unseen = _parsed(text, number=0)
    return Source(cells=[cell], unseen=unseen)


def _notebook(name: str, content: bytes) -> Source:
    document = _document(name, content)
    language = _language(document)
    if language not in ("", "python", "python3", "ipython"):
        raise DataError(f"{name} is a notebook in {language}; only Python is read.")
    cells: list[Cell] = []
    unseen: list[Unseen] = []
    for raw in _raw_cells(document):
        if not isinstance(raw, dict) or raw.get("cell_type") != "code":
            continue
        given = raw.get("source", raw.get("input", ""))
        text = "".join(map(str, given)) if isinstance(given, list) else str(given)
        cell, problems = _parsed(text, number=len(cells) + 1)
        count = raw.get("execution_count", raw.get("prompt_number"))
        cell.run_as = count if isinstance(count, int) else None
        cells.append(cell)
        unseen += problems
    return Source(cells=cells, unseen=unseen)


def _document(name: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DataError(f"{name} is not a notebook: it is not text in UTF-8.") from None
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(
            f"{name} is not a notebook: its JSON is broken{where}. Open it in Jupyter and save it "
            "again."
        ) from None
    if not isinstance(document, dict) or not isinstance(_raw_cells(document), list):
        raise DataError(f"{name} is JSON, but not a notebook: it has no list of cells.")
    return document


def _raw_cells(document: dict[str, Any]) -> Any:
    """Cells of a notebook, of the present format or the one before it."""
    if "cells" in document or not isinstance(document.get("worksheets"), list):
        return document.get("cells")
    sheets = [sheet for sheet in document["worksheets"] if isinstance(sheet, dict)]
    return [cell for sheet in sheets for cell in sheet.get("cells", [])]


def _language(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key)
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return str(part[name]).lower()
    return ""


def _parsed(text: str, number: int) -> tuple[Cell, list[Unseen]]:
    """A cell with its tree; one that is not Python 3 is empty, and the reason is given."""
    lines = _LINE_END.split(text)  # as Python counts lines; `splitlines` knows more ends than it
    cell = Cell(number=number, lines=lines, tree=ast.Module(body=[], type_ignores=[]))
    first = next((line for line in cell.lines if line.strip()), "")
    if (magic := _CELL_MAGIC.match(first)) and magic[1] not in _PYTHON_CELLS:
        why = f"a cell for %%{magic[1]}, which is not read."
        return cell, [Unseen(why=why, place=cell.place(cell.lines.index(first) + 1))]
    problem: SyntaxError | ValueError | RecursionError | MemoryError | None = None
    for attempt in (text, "\n".join(map(_without_magic, cell.lines))):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes in strings are not ours
                cell.tree = ast.parse(attempt + "\n")
            return cell, []
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            problem = error
    line = problem.lineno if isinstance(problem, SyntaxError) and problem.lineno else 1
    why = "not Python 3 (or an IPython form that is not read); this code was skipped."
    if isinstance(problem, RecursionError | MemoryError):
        why = "nested too deeply to be read; this code was skipped."
    return cell, [Unseen(why=why, place=cell.place(min(line, max(len(cell.lines), 1))))]


def _without_magic(line: str) -> str:
    """The line, or a `pass` in its place where it is for IPython."""
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass" if _MAGIC.match(line) or _CELL_MAGIC.match(line) else line

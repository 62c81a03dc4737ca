"""Files of results as columns, read in blocks: CSV, JSON lines, NPZ and Parquet."""

import csv
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np

from headstart.core.errors import DataError
from headstart.data.errors import fault
from headstart.data.formats.table_text import DELIMITERS, ENCODINGS

ROWS = 65_536  # of a block
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".npz", ".parquet")
SPLIT = re.compile(r"split\d+_test_score")
Column = Sequence[Any] | np.ndarray


class Source(Protocol):
    """A file of results: names of its columns, and some of the columns in blocks of rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """Blocks of rows, each with the columns wanted."""


def source_of(path: Path) -> Source:
    """The file at a path, by its suffix.

    Raises:
        DataError: it is missing, empty, torn, or of another kind.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise fault(
            path,
            f"{what}.",
            "Expected a file of results, or a pattern in quotes.",
            "A pattern names each part: 'runs/{arm}_seed{seed}/predictions.csv'",
        )
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return _records(path)
    if suffix == ".npz":
        return _npz(path)
    if suffix == ".parquet":
        return ParquetSource(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return CsvSource(path)
    raise fault(path, f"has the suffix '{suffix}'.", f"Expected one of {', '.join(SUFFIXES)}.")


class CsvSource:
    """A text file with a line for each row; encoding and delimiter are found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            start = file.read(4)
        self.encoding = next((e for bom, e in ENCODINGS.items() if start.startswith(bom)), "utf-8")
        with self._opened() as file:
            head = file.readline()
        if not head.strip():
            raise fault(path, "is empty.", "Expected a first line with the names of the columns.")
        self.delimiter = max(DELIMITERS, key=head.count)
        self.names = tuple(name.strip() for name in next(csv.reader([head], **self._dialect)))

    @property
    def _dialect(self) -> dict[str, Any]:
        return {"delimiter": self.delimiter, "skipinitialspace": self.delimiter != "\t"}

    @contextmanager
    def _opened(self) -> Iterator[TextIO]:
        # What is no UTF-8 is text of an older spreadsheet, of which single letters are lost.
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            yield file

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """Blocks of rows; empty lines are passed over.

        Raises:
            DataError: a row has more or fewer cells than the first.
        """
        at, width, line = [self.names.index(name) for name in wanted], len(self.names), 2
        with self._opened() as file:
            reader = csv.reader(file, **self._dialect)
            next(reader)
            try:
                while rows := list(islice(reader, ROWS)):
                    if set(map(len, rows)) != {width}:
                        rows = self._even(rows, line)
                    columns = list(zip(*rows, strict=True))
                    if columns:
                        yield [columns[column] for column in at]
                    line = reader.line_num + 1
            except csv.Error as error:
                raise fault(self.path, f"line {reader.line_num}: {error}.") from None

    def _even(self, rows: list[list[str]], line: int) -> list[list[str]]:
        width = len(self.names)
        for number, row in enumerate(rows):
            if row and len(row) != width:
                raise fault(
                    self.path,
                    f"line {line + number} or near it has {len(row)} cells.",
                    f"Expected {width}, as in the first line.",
                    "A line that was cut off at the end belongs to a run that was stopped: "
                    "remove it, or let the run end.",
                )
        return [row for row in rows if row]


class RecordSource:
    """Records of JSON: an object for each row."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self.records = records
        self.names = tuple(dict.fromkeys(name for record in records for name in record))

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """All rows; what a record lacks is empty."""
        yield [[record.get(name, "") for record in self.records] for name in wanted]


def _records(path: Path) -> Source:
    """Objects of a JSON file: one a line, a list of them, or a single one.

    Of runs, of which each is a line, those that a crash has torn are left out.
    """
    text, torn = path.read_text(encoding="utf-8-sig", errors="replace"), []
    try:
        found = json.loads(text)
        records = found if isinstance(found, list) else [found]
    except ValueError:
        records = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    records.append(json.loads(line))
                except ValueError as error:
                    torn.append(fault(path, f"line {number} is no JSON: {error}."))
    if torn and not _of_runs(records):
        raise torn[0]
    if not records or not all(isinstance(record, dict) for record in records):
        raise fault(path, "holds no objects.", 'Expected {"arm": ..., "seed": ...} on each line.')
    if _of_runs(records):
        from headstart.data.results.saved_runs import RunSource

        return RunSource(records, str(path), len(torn))
    return RecordSource(records)


def _of_runs(records: Sequence[Any]) -> bool:
    """Whether records are runs, with lists that have a value for each test image."""
    first = next(iter(records), None)
    return isinstance(first, dict) and any(isinstance(value, list) for value in first.values())


class SplitSource:
    """A table with a column of scores for each fold, as searches of scikit-learn write it."""

    def __init__(self, table: Source, splits: Sequence[str]) -> None:
        self.table, self.splits = table, splits
        others = [name for name in table.names if not SPLIT.fullmatch(name)]
        self.names = (*others, "fold", "test_score")

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """All rows of one fold, then those of the next."""
        for fold, split in enumerate(self.splits):
            own = [{"test_score": split}.get(name, name) for name in wanted if name != "fold"]
            for block in self.table.blocks(own):
                left = iter(block)
                yield [[fold] * len(block[0]) if name == "fold" else next(left) for name in wanted]


def with_splits(table: Source) -> Source:
    """A table whose columns of folds, if it has such, are rows."""
    splits = [name for name in table.names if SPLIT.fullmatch(name)]
    return SplitSource(table, splits) if len(splits) > 1 else table


class ArraySource:
    """Arrays of one length, a row for each of their elements."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = columns
        self.names = tuple(columns)

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """All rows."""
        yield [self.columns[name] for name in wanted]


def _npz(path: Path) -> ArraySource:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise fault(
            path, f"cannot be read: {error}.", "Expected arrays of numbers and text, no objects.",
            "Text is saved as text by np.array(names, dtype=str).",
        ) from None  # fmt: skip
    return array_source(arrays, str(path))


def array_source(arrays: Mapping[str, np.ndarray], where: str) -> ArraySource:
    """Arrays as columns: (runs, images) beside (runs,) and (images,) is one row for each answer.

    An array with one axis more than the labels, or than (runs, images), holds probabilities or
    logits of every class; the most probable class is the answer.

    Raises:
        DataError: lengths do not fit together.
    """
    lengths = {len(array) for array in arrays.values() if array.ndim == 1}
    scores = {name: array for name, array in arrays.items() if _has_classes(array, lengths)}
    flat = {name: array for name, array in arrays.items() if name not in scores}
    for name, array in scores.items():
        classes = [str(number) for number in range(array.shape[-1])]
        flat[name if "pred" in name or "answer" in name else "answer"] = array.argmax(-1)
        if _are_probabilities(array):
            flat |= {f"p_{c}": array[..., number] for number, c in enumerate(classes)}
    tables = [array.shape for array in flat.values() if array.ndim == 2]
    shape = tables[0] if tables else max((a.shape for a in flat.values()), default=())
    if not shape:
        raise DataError(f"{where}: holds no arrays with a row for each test image.")
    columns = {name: _spread(array, shape) for name, array in flat.items()}
    wrong = [f"{n} {flat[n].shape}" for n, column in columns.items() if column is None]
    if wrong:
        raise fault(where, f"arrays do not fit {shape}: {', '.join(wrong)}.",
                    "Expected predicted (runs, images), label (images,), arm and seed (runs,); or "
                    "all with one value for each answer.")  # fmt: skip
    return ArraySource({name: column for name, column in columns.items() if column is not None})


def _has_classes(array: np.ndarray, lengths: set[int]) -> bool:
    """Whether the last axis of an array is that of classes; `lengths` are those of flat arrays."""
    if array.ndim != 2:
        return array.ndim == 3
    return array.dtype.kind == "f" and len(array) in lengths and array.shape[1] not in lengths


def _are_probabilities(array: np.ndarray) -> bool:
    """Whether the last axis adds up to one and has no negative number."""
    sums = array.sum(-1)
    return bool((array >= 0).all() and np.allclose(sums, 1, atol=1e-3))


def _spread(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """An array as a flat column of a table of a shape; None where it does not fit."""
    if array.ndim == 0:
        return np.full(int(np.prod(shape)), array[()])
    if array.shape == shape:
        return array.reshape(-1)
    if len(shape) == 2 and array.shape == shape[:1]:
        return np.repeat(array, shape[1])
    if len(shape) == 2 and array.shape == shape[1:]:
        return np.tile(array, shape[0])
    return None


class ParquetSource:
    """A Parquet file; needs pyarrow."""

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError:
            raise DataError(
                f"{path}: reading Parquet needs pyarrow, which is not installed. Install it: pip "
                "install 'headstart[parquet]'. Or save the table as CSV."
            ) from None
        try:
            self.file = parquet.ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise fault(path, f"cannot be read: {error}.") from None
        self.names = tuple(self.file.schema_arrow.names)

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """Blocks of rows."""
        for batch in self.file.iter_batches(batch_size=ROWS, columns=list(wanted)):
            yield [batch.column(name).to_pylist() for name in wanted]

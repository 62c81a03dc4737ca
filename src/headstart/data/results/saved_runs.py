"""Runs as they are saved while results grow: a line of JSON for each, written before the next."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.results.tabular import ArraySource, Column, array_source

Record = Mapping[str, Any]
NAMES = {"images": "image"}  # keys that are no names of columns


class RunSource:
    """Records of one run each, whose lists have a value for each test image.

    `torn` lines beside them, which a crash has cut off, are left out.
    """

    def __init__(self, records: Sequence[Record], where: str, torn: int) -> None:
        self.torn = torn
        self.sources = [_columns(record, where) for record in records]
        every = [set(source.names) for source in self.sources]
        common = set.intersection(*every)  # probabilities that some runs lack are of no use
        self.names = tuple(name for name in self.sources[0].names if name in common)

    def blocks(self, wanted: Sequence[str]) -> Iterator[list[Column]]:
        """One block for each run."""
        for source in self.sources:
            yield from source.blocks(wanted)


def _columns(record: Record, where: str) -> ArraySource:
    known = {NAMES.get(name, name): value for name, value in record.items() if value is not None}
    return array_source({name: np.array(value) for name, value in known.items()}, where)


def append_run(path: Path, record: Record) -> None:
    """Add a run to a file, on the disk when this returns.

    It is one write at the end of the file, so that processes may share it. A last line that a crash
    has torn is closed first, so that it spoils no other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record).encode() + b"\n"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.lseek(file, 0, os.SEEK_END)
        os.lseek(file, max(size - 1, 0), os.SEEK_SET)
        torn = bool(size) and os.read(file, 1) != b"\n"
        left = b"\n" + line if torn else line
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)


def read_runs(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Runs of a file, and the number of lines that a crash has torn.

    Raises:
        DataError: it holds something else.
    """
    runs, torn = [], 0
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            run = json.loads(line)
        except ValueError:
            torn += 1
            continue
        if not isinstance(run, dict) or not {"arm", "labels", "answers"} <= run.keys():
            raise DataError(
                f"{path}, line {number}: holds no run. Expected a file that hs.Results has made, "
                "or a new one: hs.Results('OTHER.jsonl')."
            )
        runs.append(run)
    return runs, torn

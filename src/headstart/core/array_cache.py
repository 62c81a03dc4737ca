"""Cache of arrays in files that all processes of a machine map into memory.

Written once by the process that needs an array first, read by all through the system's page cache.
No result depends on what lies here: anything may be deleted at any time.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import DTypeLike

from headstart.core.files import write_whole
from headstart.core.locks import locked

Rows = Callable[[int], Iterator[np.ndarray]]
"""Rows of an array in order, some at a time, from an index on that ended some rows before."""

LIMIT = 8_000_000_000
PART_SECONDS = 5.0
STALE_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class MemmapCache:
    """Arrays by name in a folder of at most `limit` bytes; the longest unused go first.

    One that is `lasting` is read after the machine was started again: its arrays are synced, sealed
    by their size and time of change, and read-only. Any other is a folder for each start of the
    machine, for a crash of the system may leave zeros behind; writing to its arrays changes a
    private copy. Arrays of less than `least` bytes are not worth a file; how far an array is, is
    recorded every `part` bytes.
    """

    folder: Path
    limit: int = LIMIT
    lasting: bool = False
    least: int = 32_000_000
    part: int = 64_000_000

    def get(self, name: str) -> np.ndarray | None:
        """The array of that name, None if it is not there."""
        path = self._file(name)
        try:
            if self.lasting and json.loads(self._seal(name).read_bytes()) != _state(path):
                return None
            found: np.ndarray = np.load(path, mmap_mode="r" if self.lasting else "c")
            state = path.stat()
        except (OSError, ValueError, EOFError):
            return None
        with suppress(OSError):  # the longest unused goes first
            os.utime(path, ns=(time.time_ns(), state.st_mtime_ns))
        return found

    def turn(self, name: str) -> AbstractContextManager[bool]:
        """Per-name lock: a second process waits, then reads the array that the first one wrote.

        Gives whether there is a lock; where there is none, each process makes its own.
        """
        return locked(self._place / f"{name}.lock")

    def filled(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike, rows: Rows
    ) -> np.ndarray | None:
        """The array of that name, else filled from front to back; None where there is no room.

        How far it is, is recorded every few megabytes or seconds: after a process was killed, or
        interrupted, the next call goes on at the last record. What fails leaves nothing.

        Args:
            name: names all that the array depends on.
            shape: of the whole array; the number of rows comes first.
            dtype: of its values.
            rows: makes the rows from an index on, at which an earlier call has ended some rows.
        """
        found = self.get(name)
        if found is not None:
            return found
        with self.turn(name) as locked:
            found = self.get(name)
            if found is not None or not locked:
                return found
            try:
                size = np.dtype(dtype).itemsize * prod(shape)
                if size > self.limit:
                    return None
                self._fill(name, shape, np.dtype(dtype), rows, size)
                return self._keep(name)
            except OSError:
                self._forget(name)
                return None
            except Exception:
                self._forget(name)
                raise

    def clear(self) -> None:
        """Delete all arrays, and what earlier starts of the machine have left behind."""
        shutil.rmtree(self._place, ignore_errors=True)
        with suppress(OSError):
            for other in self.folder.iterdir():
                if time.time() - other.stat().st_mtime > STALE_SECONDS:
                    shutil.rmtree(other, ignore_errors=True)
            self.folder.rmdir()

    @property
    def _place(self) -> Path:
        return self.folder if self.lasting else self.folder / _boot()

    def _file(self, name: str) -> Path:
        return self._place / f"{name}.npy"

    def _seal(self, name: str) -> Path:
        return self._place / f"{name}.json"

    def _partial(self, name: str) -> Path:
        return self._place / f"{name}.partial"

    def _record(self, name: str) -> Path:
        return self._place / f"{name}.rows"

    def _fill(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype, rows: Rows, size: int
    ) -> None:
        """Write what is missing of a partial array."""
        partial = self._partial(name)
        done = self._rows_done(name)
        if not done:
            self._forget(name)
            self._make_room(size)
            with partial.open("wb") as file:
                _begin(file, shape, dtype, size)
        with partial.open("rb+") as file:
            file.seek(_header_size(file) + done * dtype.itemsize * prod(shape[1:]))
            since, last = 0, time.monotonic()
            for some in rows(done):
                block = np.ascontiguousarray(some, dtype)
                assert block.shape[1:] == shape[1:]
                file.write(block.data)
                done, since = done + len(block), since + block.nbytes
                if since >= self.part or time.monotonic() - last >= PART_SECONDS:
                    self._sync(file, partial)
                    write_whole(self._record(name), str(done).encode())
                    since, last = 0, time.monotonic()
            assert done == shape[0]
            self._sync(file, partial)

    def _rows_done(self, name: str) -> int:
        """Rows that were written before this process was started."""
        try:
            return int(self._record(name).read_text()) if self._partial(name).is_file() else 0
        except (OSError, ValueError):
            return 0

    def _sync(self, file: IO[bytes], path: Path) -> None:
        """Write a file's buffers.

        Raises:
            OSError: another process has cleared the cache meanwhile: what lies at the path by now,
                if anything, is not this file.
        """
        file.flush()
        if self.lasting:
            os.fsync(file.fileno())
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise FileNotFoundError(path)

    def _keep(self, name: str) -> np.ndarray | None:
        """Give a partial array its final name, and seal it."""
        final = self._file(name)
        self._partial(name).replace(final)
        self._record(name).unlink(missing_ok=True)
        if self.lasting:
            write_whole(self._seal(name), json.dumps(_state(final)).encode())
        return self.get(name)

    def _forget(self, name: str) -> None:
        with suppress(OSError):
            self._partial(name).unlink(missing_ok=True)
            self._record(name).unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        there = [
            (entry.stat(), entry)
            for ending in ("npy", "partial")
            for entry in self._place.glob(f"*.{ending}")
        ]
        used = sum(about.st_size for about, _ in there)
        for about, path in sorted(there, key=lambda entry: _last_used(entry[0])):
            if used + size <= self.limit:
                return
            path.unlink(missing_ok=True)
            self._seal(path.stem).unlink(missing_ok=True)
            used -= about.st_size


def _begin(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, size: int) -> None:
    """Write the header of a .npy file and allocate the space of its values."""
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, file.tell() + size)


def _header_size(file: IO[bytes]) -> int:
    """Where the values of a .npy file start."""
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    return file.tell()


def _state(path: Path) -> list[int]:
    """Size and time of change of a file."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def _last_used(state: os.stat_result) -> float:
    return max(state.st_atime, state.st_mtime)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "boot"

"""Arrays too large for each process to hold, in files that all of a machine map into memory.

Written once by whoever needs them first, read by all through the system's cache; nothing that a
result depends on lies here, so anything may be deleted at any time.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from filelock import FileLock

Write = Callable[[int, np.ndarray], None]

LIMIT = 8_000_000_000
STALE_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class MemmapCache:
    """Float32 arrays by name in a folder of at most `limit` bytes; the longest unused go first."""

    folder: Path
    limit: int = LIMIT

    def get(self, name: str) -> np.ndarray | None:
        """The array of that name, None if it is not there. Writing to it changes a private copy."""
        path = self._place / f"{name}.npy"
        try:
            found: np.ndarray = np.load(path, mmap_mode="c")
            os.utime(path)
        except (OSError, ValueError, EOFError):
            return None
        return found

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """One at a time for a name, so that who comes second finds what the first has made."""
        path = self._place / f"{name}.lock"
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire()
        except OSError:  # then each makes its own
            yield
            return
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()  # who waits for it finds what was made, or makes it too
            lock.release()

    def put(
        self, name: str, shape: tuple[int, ...], fill: Callable[[Write], None]
    ) -> np.ndarray | None:
        """An array filled by a function and kept under a name; None where there is no room.

        The function is given one that writes rows from an index on, from any thread. Only a filled
        array ever has its final name. Space is set aside first, so that a full disk is seen before
        anything is computed.
        """
        size = 4 * prod(shape)
        if not hasattr(os, "posix_fallocate") or size > self.limit:
            return None
        path: Path | None = None
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            self._make_room(size)
            with tempfile.NamedTemporaryFile(dir=self._place, delete=False) as file:
                path = Path(file.name)
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                file.flush()
                start = file.tell()
                os.posix_fallocate(file.fileno(), 0, start + size)
                row = 4 * prod(shape[1:])

                # Not into memory that maps the file: the system would look at every page of it.
                def write(first: int, rows: np.ndarray) -> None:
                    data = memoryview(np.ascontiguousarray(rows, np.float32).data).cast("B")
                    place = start + first * row
                    while data:
                        written = os.pwrite(file.fileno(), data, place)
                        data, place = data[written:], place + written

                fill(write)
            path.replace(self._place / f"{name}.npy")
            return self.get(name)
        except OSError:
            return None
        finally:
            if path is not None:
                path.unlink(missing_ok=True)  # what is whole has another name by now

    def clear(self) -> None:
        """Delete all arrays, and what earlier runs of the machine have left behind."""
        shutil.rmtree(self._place, ignore_errors=True)
        with suppress(OSError):
            for other in self.folder.iterdir():
                if time.time() - other.stat().st_mtime > STALE_SECONDS:
                    shutil.rmtree(other, ignore_errors=True)
            self.folder.rmdir()

    @property
    def _place(self) -> Path:
        """A folder for each start of each machine: a crash of the system may leave zeros behind."""
        return self.folder / _boot()

    def _make_room(self, size: int) -> None:
        there = [(entry.stat(), entry) for entry in self._place.glob("*.npy")]
        used = sum(about.st_size for about, _ in there)
        for about, path in sorted(there, key=lambda entry: entry[0].st_mtime):
            if used + size <= self.limit:
                return
            path.unlink(missing_ok=True)
            used -= about.st_size


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "boot"

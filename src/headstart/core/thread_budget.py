"""Threads lent to worker processes: as many as there are cores that nobody else needs just now.

Whoever hands out work writes the number into a page of memory that all its workers map; a worker
reads it as often as it likes. What is computed must not depend on it.
"""

import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path

MOST = 255
_PREFIX = "headstart-threads-"


class ThreadBudget:
    """A page with one number on it: how many threads each piece of work may take."""

    def __init__(self, path: Path | None = None) -> None:
        """The page at a path, or a new one in the system's folder for temporary files."""
        self._made_by = os.getpid() if path is None else 0
        if path is None:
            _sweep()
            descriptor, name = tempfile.mkstemp(prefix=f"{_PREFIX}{self._made_by}-")
            os.write(descriptor, b"\x01")
            self.path = Path(name)
        else:
            self.path = path
            descriptor = os.open(path, os.O_RDWR)
        self._page = mmap.mmap(descriptor, 1)
        os.close(descriptor)

    def write(self, threads: int) -> None:
        """Lend so many threads from now on."""
        self._page[0] = min(max(threads, 1), MOST)

    def read(self) -> int:
        """How many threads are lent now."""
        return self._page[0]

    def __del__(self) -> None:
        if getattr(self, "_made_by", 0) == os.getpid():
            with suppress(OSError):
                self.path.unlink()


def _sweep() -> None:
    """Take away the pages of processes that were killed."""
    for page in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        maker = page.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError, ValueError):
            try:
                os.kill(int(maker), 0)
            except ProcessLookupError:
                page.unlink()


_board: ThreadBudget | None = None


def attach(path: Path) -> None:
    """Take from now on what is lent on the page at a path; nothing where it is gone."""
    global _board
    with suppress(OSError):
        _board = ThreadBudget(path)


def threads() -> int:
    """How many threads this process may use at this moment, 1 unless it has been lent more."""
    return 1 if _board is None else _board.read()

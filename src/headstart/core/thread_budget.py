"""Thread budget of worker processes: as many threads as there are cores that nobody else needs.

The process that hands out work writes the number into one byte of shared memory; a worker attached
to it reads the byte as often as it likes. No result may depend on the number.
"""

import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

MAX_THREADS = 255
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment in which libraries of linear algebra compute on one thread."""


class ThreadBudget:
    """One number in shared memory: how many threads each piece of work may use.

    Without a name it makes new shared memory, which goes with it (or, if its process is killed,
    with Python's resource tracker); with a name it opens that of another process.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            self._memory = SharedMemory(create=True, size=1)
            weakref.finalize(self, _release, self._memory, os.getpid())
        else:
            self._memory = _opened(name)
            weakref.finalize(self, self._memory.close)
        buffer = self._memory.buf
        assert buffer is not None
        self._byte = buffer
        if name is None:
            self._byte[0] = 1

    @property
    def name(self) -> str:
        """What another process opens it by."""
        return self._memory.name

    def set_threads(self, threads: int) -> None:
        """Allow so many threads from now on, from 1 to `MAX_THREADS`."""
        self._byte[0] = min(max(threads, 1), MAX_THREADS)

    def threads(self) -> int:
        """How many threads are allowed at this moment."""
        return self._byte[0]


def _opened(name: str) -> SharedMemory:
    """Shared memory of another process, which alone unlinks it.

    Before Python 3.13 a process that opens it would unlink it at exit (bpo-38119).
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    register = resource_tracker.register
    resource_tracker.register = lambda name, rtype: None
    try:
        return SharedMemory(name)
    finally:
        resource_tracker.register = register


def _release(memory: SharedMemory, maker: int) -> None:
    memory.close()
    if os.getpid() == maker:  # a forked child has the object too
        with suppress(FileNotFoundError):
            memory.unlink()


_attached: ThreadBudget | None = None


def attach(name: str) -> None:
    """Follow the budget of that name from now on; none where it is gone."""
    global _attached
    with suppress(OSError):
        _attached = ThreadBudget(name)


@contextmanager
def allowing_threads(number: int) -> Iterator[None]:
    """Let this process use so many threads inside, whatever budget it follows otherwise."""
    global _attached
    before, budget = _attached, ThreadBudget()
    budget.set_threads(number)
    _attached = budget
    try:
        yield
    finally:
        _attached = before


def threads() -> int:
    """Threads this process may use now; 1 unless it is attached to a budget."""
    return 1 if _attached is None else _attached.threads()

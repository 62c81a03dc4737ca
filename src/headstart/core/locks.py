"""Locks between processes that say who holds them.

The system frees a lock when its process ends, but not while the process is stopped. The holder
writes host, process and time into a file beside the lock, so that a waiting process can name it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from headstart.core.file_systems import native_lock
from headstart.core.holders import Holder, signature, signed_by

PATIENCE = 5.0  # seconds of waiting before it is said for whom

_log = logging.getLogger(__name__)


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether the lock at `path` was free; it is then held within the block.

    Raises:
        OSError: files cannot be locked there.
    """
    lock = native_lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    with _held(lock, path):
        yield True


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """One process at a time, where that can be had; what it guards must be safe without.

    Gives False where files cannot be locked, and where the lock is held by a process that is
    stopped; then all go on. Who else is waited for is logged after some seconds.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = native_lock(path)
        got = _waited_for(lock, path)
    except OSError:
        got = False
    if not got:
        yield False
        return
    with _held(lock, path):
        yield True


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock at `path`, as far as that is known."""
    return signed_by(_signature(path))


def _waited_for(lock: FileLock, path: Path) -> bool:
    """Wait for a lock; False once it is held by a process that is stopped."""
    said: set[str] = set()
    while True:
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            holder = holder_of(path)
            stopped = holder is not None and holder.stopped
            line = f"waiting for {holder or 'another process'} ({path})"
            if line not in said:
                said.add(line)
                _log.warning("%s", f"{line}; going on without what it makes" if stopped else line)
            if stopped:
                return False
        else:
            return True


@contextmanager
def _held(lock: FileLock, path: Path) -> Iterator[None]:
    """A lock that was taken, signed until it is released."""
    try:
        with suppress(OSError):  # to be named is of use, but not needed
            _signature(path).write_text(signature(), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            _signature(path).unlink(missing_ok=True)
        lock.release()


def _signature(path: Path) -> Path:
    return path.with_name(f"{path.name}.holder")

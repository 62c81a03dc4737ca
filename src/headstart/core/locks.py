"""Locks between processes that say who holds them.

The system frees a lock when its process ends, but not while the process is stopped. The holder
writes host, process and time into a file beside the lock, so that a waiting process can name it.
"""

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

PATIENCE = 5.0  # seconds of waiting before it is said for whom

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds a lock."""

    host: str
    process: int
    since: str  # when it took the lock, in the local time of its host

    @property
    def stopped(self) -> bool:
        """Whether it is known to be stopped, as by Ctrl-Z or a debugger."""
        return self.host == socket.gethostname() and _state(self.process) in ("T", "t")

    @property
    def ended(self) -> bool:
        """Whether it is known to have ended, if only its parent has not asked for it yet."""
        if self.host != socket.gethostname() or os.name == "nt":  # signal 0 is Ctrl-C there
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:  # somebody else's
            return False
        return _state(self.process) in ("Z", "X")

    def __str__(self) -> str:
        """Who it is, and what can be done about it."""
        who = f"process {self.process} on {self.host}"
        if self.stopped:
            return (
                f"{who}, which began at {self.since} and is stopped: continue it "
                f"(kill -CONT {self.process}) or end it (kill -KILL {self.process})"
            )
        return f"{who}, which began at {self.since}; if it hangs, end it (kill {self.process})"


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether the lock at `path` was free; it is then held within the block.

    Raises:
        OSError: files cannot be locked there.
    """
    lock = FileLock(path)
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
        lock = FileLock(path)
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
    try:
        return Holder(**json.loads(_signature(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _state(process: int) -> str:
    """State of a process of this host as Linux has it (proc(5)); empty where it is not known."""
    try:
        line = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return line.rpartition(")")[2].split()[0]


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
    now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    holder = Holder(host=socket.gethostname(), process=os.getpid(), since=now)
    try:
        with suppress(OSError):  # to be named is of use, but not needed
            _signature(path).write_text(json.dumps(asdict(holder)), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            _signature(path).unlink(missing_ok=True)
        lock.release()


def _signature(path: Path) -> Path:
    return path.with_name(f"{path.name}.holder")

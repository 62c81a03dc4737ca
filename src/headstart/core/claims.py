"""Claims on a folder that several machines see, where file locks cannot be relied on.

A claim is a numbered file that only one process can make, with the number after the last one's. Its
time of change is renewed all the while. The next claim may be made once the last one is released,
its process has ended, or it was not renewed for some minutes by the clock of the file server. As
numbers only grow, a process that was late to see that a claim is over cannot end another's.
"""

import os
import socket
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from headstart.core.holders import Holder, signature, signed_by

RENEWED = 20.0  # seconds between two renewals
STALE = 180.0  # seconds without one after which the holder counts as gone
KEPT = 20  # claims that are over whose files stay, for those who see a folder late

_held: dict[Path, "Claim"] = {}  # of this process, which may take a claim more than once
_guard = threading.Lock()


@dataclass(slots=True)
class Claim:
    """A claim that this process has until it is released as often as it was taken."""

    file: Path
    times: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Give the claim up, if nobody else in this process has it."""
        with _guard:
            self.times -= 1
            if not self.times:
                self.over.set()
                del _held[self.file.parent]
                with suppress(OSError):
                    self.file.write_bytes(b"")

    def renew(self) -> None:
        """Renew the file until the claim is released."""
        while not self.over.wait(RENEWED):
            with suppress(OSError):  # a file server that is away for a moment
                os.utime(self.file)


def take(folder: Path) -> Claim | None:
    """The claim whose files are in a folder; None while another process has it.

    Raises:
        OSError: no file can be made there.
    """
    folder = folder.absolute()
    with _guard:
        claim = _held.get(folder)
        if claim is None:
            folder.mkdir(parents=True, exist_ok=True)
            last = _last(folder)
            if last and not _over(folder / _name(last)):
                return None
            if not _made(folder / _name(last + 1)):
                return None
            _forget(folder, last + 1 - KEPT)
            claim = _held[folder] = Claim(folder / _name(last + 1))
            threading.Thread(target=claim.renew, daemon=True).start()
        claim.times += 1
        return claim


def holder(folder: Path) -> Holder | None:
    """Who has the claim whose files are in a folder, as far as that is known."""
    return signed_by(folder / _name(_last(folder)))


def _name(number: int) -> str:
    return f"{number:08d}"


def _last(folder: Path) -> int:
    """Number of the last claim, 0 without one."""
    try:
        return max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=0)
    except FileNotFoundError:
        return 0


def _forget(folder: Path, before: int) -> None:
    for path in folder.iterdir():
        if path.name.isdigit() and int(path.name) < before:
            path.unlink(missing_ok=True)


def _made(file: Path) -> bool:
    """Make the file of a claim, signed and whole, unless there is one."""
    temporary = file.with_name(f".{uuid.uuid4().hex}")
    temporary.write_text(signature(), encoding="utf-8")
    try:
        with suppress(OSError):  # over a network it may fail after it was done
            os.link(temporary, file)
        return temporary.stat().st_nlink > 1
    finally:
        temporary.unlink(missing_ok=True)


def _over(file: Path) -> bool:
    """Whether a claim is released, or its holder gone: ended, if on this host, or long silent."""
    known = signed_by(file)
    try:
        state = file.stat()
    except OSError:
        return False
    if known is None and not state.st_size:
        return True
    if known is not None and known.host == socket.gethostname():
        return known.ended
    return _server_time(file.parent) - state.st_mtime > STALE


def _server_time(folder: Path) -> float:
    """The time of the machine that stores the files of a folder."""
    probe = folder / f".{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"")
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)

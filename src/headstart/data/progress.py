"""Progress of long work on files and images: logged now and then, or passed to a listener."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

REPORT_EVERY = 5.0  # seconds

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress of work on `num` files or images, of a folder or archive, `done` of them by now.

    `once` is whether its outcome is kept, so that it need not be done again.
    """

    what: str
    num: int
    place: Path | None = None
    done: int = 0
    seconds_left: float | None = None
    once: bool = True

    @property
    def text(self) -> str:
        """The progress in one line."""
        done, num = f"{self.done:,}", f"{self.num:,}"
        left = f"about {self.seconds_left or 0:.0f} s left"
        what = f"{self.what}, once" if self.once else self.what
        place = f" in {self.place}" if self.place else ""
        return f"{what}: {done} of {num}{place}, {left}"


Listener = Callable[[Progress], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Pass the progress of what runs inside to `listener`, every chunk of it, and log nothing."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def reporting(work: Progress) -> Callable[[int], None]:
    """A function to be called with the number of files done, more at each call.

    `work` says how many were done before, by a process that was killed.
    """
    listener, started = _listener.get(), time.monotonic()
    last = started

    def report(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if listener is None and (now - last < REPORT_EVERY or done >= work.num):
            return
        last = now
        left = (now - started) * (work.num - done) / (done - work.done)
        progress = replace(work, done=done, seconds_left=left)
        if listener is not None:
            listener(progress)
        else:
            _log.info("%s", progress.text)

    return report

"""Parts of a page with the version in which each last changed, so that only changes are sent."""

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LONG = 0.1  # seconds of making parts, from which on pauses grow with it

Parts = dict[str, str]
"""Markup of the parts of a page by the id of their element, each after what it lies in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Parts of a page, and the version that a browser has with them (`mark`)."""

    mark: str
    parts: Parts

    @property
    def event(self) -> str:
        """The same as a server-sent event."""
        return f"id: {self.mark}\nevent: parts\ndata: {json.dumps(self.parts)}\n\n"


@dataclass(slots=True)
class Feed:
    """The present parts of a page, made anew after a pause, for all who have it open.

    A browser that comes back names the version that it has, and gets what has changed since; one
    that names a version of an earlier server gets everything.

    Args:
        make: gives the present parts.
        pause: seconds between two times that parts are made; more where that takes long.
    """

    make: Callable[[], Parts]
    pause: float = 0.5
    version: int = 0
    _parts: dict[str, tuple[int, str]] = field(default_factory=dict)
    _server: str = field(default_factory=lambda: secrets.token_hex(4))
    _made_at: float = float("-inf")
    _took: float = 0.0  # seconds
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> "Update":
        """All parts as they are now."""
        return self.since("")

    def since(self, mark: str) -> "Update":
        """The parts that have changed since the version that a browser has."""
        server, _, number = mark.rpartition("-")
        known = int(number) if server == self._server and number.isdecimal() else -1
        with self._lock:
            self._make()
            parts = {name: text for name, (when, text) in self._parts.items() if when > known}
            return Update(mark=f"{self._server}-{self.version}", parts=parts)

    def renew(self) -> None:
        """Make the parts anew when they are next asked for: something was done that they show."""
        self._made_at = float("-inf")

    def _make(self) -> None:
        started = time.monotonic()
        if started - self._made_at < self.pause * max(1.0, self._took / LONG):
            return
        parts = self.make()
        changed = {
            name: markup
            for name, markup in parts.items()
            if name not in self._parts or self._parts[name][1] != markup
        }
        if changed or parts.keys() != self._parts.keys():
            self.version += 1
        self._parts = {
            name: (self.version, markup) if name in changed else self._parts[name]
            for name, markup in parts.items()
        }
        self._made_at = time.monotonic()
        self._took = self._made_at - started

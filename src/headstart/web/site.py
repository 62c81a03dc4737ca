"""What the site follows: the stores, every study that was opened, and runs started from here."""

import shlex
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headstart.core.errors import StoreError
from headstart.flow.live import Live
from headstart.flow.reopen import need_store, progress
from headstart.flow.two_studies import StudyPlace
from headstart.flow.watch import Watch
from headstart.plan.cost_estimate import StudyProgress
from headstart.store.events import RunBegan
from headstart.store.store import Store
from headstart.web.feed import Feed, Parts
from headstart.web.pages import StudyLine, studies_parts, study_parts
from headstart.web.resume import Started, resume

LIST_PAUSE = 2.0  # seconds between two times that the list of studies is made


@dataclass(slots=True)
class Followed:
    """A study that somebody has opened.

    Attributes:
        at: its place in addresses, `STORE/NUMBER`.
        live: the study.
        feed: its parts for browsers.
        asked: the run that was asked to stop.
        started: the run that was started from here, if one was.
    """

    at: str
    live: Live
    feed: Feed = field(init=False)
    asked: RunBegan | None = None
    started: Started | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.feed = Feed(self._parts)

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.live.study.loaded.study.name

    @property
    def running(self) -> bool:
        """Whether a run of it is under way."""
        return self.live.watch.state == "running"

    def stop(self) -> None:
        """Ask its run to stop.

        Raises:
            StoreError: there is none, or it cannot be asked.
        """
        self.feed.now()
        self.live.watch.stop()
        self.asked = self.live.watch.run
        self.feed.renew()

    def resume(self) -> None:
        """Start its last run again.

        Raises:
            StoreError: it is running or starting, or cannot be started from here.
        """
        self.feed.now()
        with self._lock:  # a button that is pressed twice starts one run
            if self.running or (self.started is not None and self.started.alive):
                raise StoreError(f"{self.name} is running already.")
            self.started = resume(self.live.watch.run, self.live.folder)
        self.feed.renew()

    def _parts(self) -> Parts:
        self.live.refresh()
        run = self.live.watch.run
        if self.started is not None:
            self.started.see(run)
        stopping = run is not None and run == self.asked
        return study_parts(self.live, self.at, stopping, self.started)


@dataclass(slots=True)
class Site:
    """The stores that are shown, and what is open of them.

    Attributes:
        folders: of the stores.
        feed: the list of studies for browsers.
        rows: the studies that were last listed, the latest use first within a store.
    """

    folders: tuple[Path, ...]
    feed: Feed = field(init=False)
    rows: tuple[StudyLine, ...] = ()
    _followed: dict[str, Followed] = field(default_factory=dict)
    _watches: dict[tuple[int, int], Watch] = field(default_factory=dict)
    _read: dict[int, tuple[object, list[StudyProgress]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.feed = Feed(self._parts, pause=LIST_PAUSE)

    def study(self, store: int, number: int) -> Followed:
        """A study by its place.

        Raises:
            StoreError: there is none there.
        """
        at = f"{store}/{number}"
        with self._lock:
            if at not in self._followed:
                place = self.place(at)
                need_store(place.folder)
                followed = Followed(at, Live(place.folder, number))
                followed.feed.now()
                self._followed[at] = followed
            return self._followed[at]

    def place(self, at: str) -> StudyPlace:
        """Store and number of a study by its place in addresses.

        Raises:
            StoreError: it names no store that is shown.
        """
        store, _, number = at.partition("/")
        if not (store.isdecimal() and number.isdecimal() and int(store) < len(self.folders)):
            raise StoreError(f"'{at}' names no study of this page.")
        return StudyPlace(folder=self.folders[int(store)], number=int(number))

    def _lines(self, index: int, folder: Path) -> Iterator[StudyLine]:
        """Every study of a store."""
        for one in self._progress(index, folder):
            key = index, one.number
            if key not in self._watches:
                self._watches[key] = Watch(folder, number=one.number, with_plan=False)
            watch = self._watches[key]
            watch.poll()
            yield StudyLine(
                at=f"{index}/{one.number}", store=str(folder), progress=one, state=watch.state
            )

    def _progress(self, index: int, folder: Path) -> list[StudyProgress]:
        """How far the studies of a store are, read again once its database has changed."""
        at = _changed(folder)
        if index not in self._read or self._read[index][0] != at:
            with Store(folder, unchanged=True) as store:
                self._read[index] = at, progress(store)
        return self._read[index][1]

    def _parts(self) -> Parts:
        rows: list[StudyLine] = []
        notes: list[tuple[str, str]] = []
        for index, folder in enumerate(self.folders):
            found: list[StudyLine] = []
            if (folder / "headstart.db").is_file():
                try:
                    found = list(self._lines(index, folder))
                except StoreError as error:  # and the others can be read
                    notes.append((f"This store cannot be read at the moment: {error}", ""))
                    continue
            if not found:
                said = (
                    f"The store {folder} holds no study yet. Start one in a terminal, and it is "
                    "listed here. A first one, of digits, takes a minute:"
                )
                notes.append((said, f"headstart run digits --store {shlex.quote(str(folder))}"))
            rows += found
        self.rows = tuple(rows)
        return studies_parts(rows, notes, len(self.folders) > 1)


def _changed(folder: Path) -> list[tuple[int, int] | None]:
    """Marks of the files of a database, which are others once it was written."""
    files = (folder / name for name in ("headstart.db", "headstart.db-wal"))
    states = (file.stat() if file.exists() else None for file in files)
    return [state and (state.st_mtime_ns, state.st_size) for state in states]

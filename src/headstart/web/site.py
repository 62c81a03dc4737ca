"""What the site follows: the stores, every study that was opened, and runs started from here."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headstart.core.errors import StoreError
from headstart.flow.live import Live
from headstart.flow.reopen import need_store, progress
from headstart.flow.two_studies import StudyPlace
from headstart.flow.watch import Watch
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
        asked: the number of the process that was asked to stop.
        started: the run that was started from here, if one was.
    """

    at: str
    live: Live
    feed: Feed = field(init=False)
    asked: int | None = None
    started: Started | None = None

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
        self.live.watch.stop()
        run = self.live.watch.run
        self.asked = run.process if run else None

    def resume(self) -> None:
        """Start its last run again.

        Raises:
            StoreError: it is running or starting, or cannot be started from here.
        """
        run = self.live.watch.run
        if self.running or (self.started is not None and self.started.alive):
            raise StoreError(f"{self.name} is running already.")
        if run is None:
            raise StoreError("It is not known how its last run was started.")
        self.started = resume(run, self.live.folder)

    def _parts(self) -> Parts:
        self.live.refresh()
        run = self.live.watch.run
        stopping = run is not None and run.process == self.asked
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
        with Store(folder, unchanged=True) as store:
            studies = progress(store)
        for one in studies:
            key = index, one.number
            if key not in self._watches:
                self._watches[key] = Watch(folder, number=one.number, with_plan=False)
            watch = self._watches[key]
            watch.poll()
            yield StudyLine(
                at=f"{index}/{one.number}", store=str(folder), progress=one, state=watch.state
            )

    def _parts(self) -> Parts:
        rows: list[StudyLine] = []
        notes = []
        for index, folder in enumerate(self.folders):
            found: list[StudyLine] = []
            if (folder / "headstart.db").is_file():
                try:
                    found = list(self._lines(index, folder))
                except StoreError as error:  # and the others can be read
                    notes.append(f"This store cannot be read at the moment: {error}")
                    continue
            if not found:
                notes.append(
                    f"The store {folder} holds no study yet. Once one runs (headstart run STUDY "
                    f"--store {folder}), it is listed here."
                )
            rows += found
        self.rows = tuple(rows)
        return studies_parts(rows, notes, len(self.folders) > 1)

"""What happens in a run as JSON lines in files beside the store, for those who watch it.

The process that runs a study writes one file, each worker another; nothing that is computed reads
them. A line that a killed process left torn is skipped.
"""

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from headstart.store.stopping import asked_to_stop, forget_request

ASKED_EVERY = 0.5  # seconds after which a run looks again whether it was asked to stop
HEARTBEAT = 5.0  # seconds between two signs of life of a run
SILENT = 60.0  # seconds without one after which a run on another machine counts as gone
MOST_FILES = 40  # files of runs and workers that are over, and stay

HowOver = Literal["finished", "interrupted", "failed"]
Status = Literal["done", "reused", "failed"]
"""How a step ended: done here, found done, or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, `at` seconds since the epoch by the clock of its machine."""

    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan(Event):
    """A run of a study, by its number in the store, and the process that coordinates it.

    `command` repeats the run in `folder`; it is empty for a run that was started from Python.
    """

    number: int
    study: str
    command: str
    workers: int
    host: str
    process: int
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(Event):
    """The run has a plan, or another one since something was settled; the store has it."""

    num_steps: int
    num_stored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegan(Event):
    """A step was handed out."""

    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Event):
    """A step was done (`done`), found done by others (`reused`), or failed with an error text."""

    key: str
    label: str
    status: Status
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """A run has ended; of one that was killed there is no such line."""

    how: HowOver
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBusy(Event):
    """A worker works on a step from now on."""

    key: str
    host: str
    process: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Event):
    """A point of the learning curve of a training that is under way."""

    key: str
    update: int
    train_loss: float
    validation_accuracy: float | None


KINDS = {
    kind.__name__: kind
    for kind in (RunBegan, PlanMade, StepBegan, StepEnded, RunEnded, WorkerBusy, Measured)
}


@dataclass(slots=True)
class EventWriter:
    """Appends events to a file of one process."""

    path: Path
    _file: IO[str] | None = None

    def write(self, event: Event) -> None:
        """Append an event. A disk that is full or away costs the watcher the event, no more."""
        with suppress(OSError):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a", encoding="utf-8", buffering=1)
                if self._file.tell():
                    self._file.write("\n")  # the last line may be torn
            line = json.dumps({"event": type(event).__name__, **asdict(event)})
            self._file.write(f"{line}\n")

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None


@contextmanager
def run_events(folder: Path, stop: Callable[[], None]) -> Iterator[EventWriter]:
    """The file of a run on a store, with a sign of life every few seconds until it is over.

    `stop` is called once, in another thread, when somebody has asked the run to stop; never after
    the block is left.
    """
    _forget(_events(folder))
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    writer = EventWriter(_events(folder) / f"run-{moment}-{_process()}.jsonl")
    over, stopping = threading.Event(), threading.Lock()

    def beat() -> None:
        last, asked = time.monotonic(), False
        while not over.wait(ASKED_EVERY):
            if not asked and asked_to_stop(writer.path):
                asked = True
                with stopping:
                    if not over.is_set():
                        stop()
            if time.monotonic() - last >= HEARTBEAT:
                last = time.monotonic()
                with suppress(OSError):
                    os.utime(writer.path)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield writer
    finally:
        try:
            with stopping:  # an interrupt of `stop` that is on its way arrives here at the latest
                over.set()
        finally:
            over.set()
            writer.close()
            forget_request(writer.path)


def worker_events(folder: Path) -> EventWriter:
    """The file of this process as a worker on a store."""
    return EventWriter(_events(folder) / f"worker-{_process()}.jsonl")


@dataclass(slots=True)
class EventReader:
    """Reads the events of the latest run on a store, and of workers since it began.

    Attributes:
        folder: of the store.
        number: of the study whose runs are read; None for any.
        with_workers: whether the events of workers are read too.
        run: the file of the run that is read; None before there is one.
    """

    folder: Path
    number: int | None = None
    with_workers: bool = True
    run: Path | None = None
    _numbers: dict[Path, int] = field(default_factory=dict)  # of the study of each run
    _read: dict[Path, int] = field(default_factory=dict)  # bytes read of each file
    _began: float = 0.0
    _sign: tuple[float, float] | None = None  # when the run's file was changed, and that was seen

    def poll(self) -> list[Event]:
        """Events since the last poll, in the order of their time.

        Once there is a later run, its events come from the first on, `RunBegan` before all others.
        """
        files = sorted(_events(self.folder).glob("*.jsonl"))
        runs = [path for path in files if path.name.startswith("run-")]
        latest = self._latest(runs)
        if latest is not None and latest != self.run:
            self.run = latest
            self._read.clear()
            self._began, self._sign = 0.0, None
        if self.run is None:
            return []
        new = self._new(self.run)
        for event in new:
            if isinstance(event, RunBegan):
                self._began = event.at
        if self._began and self.with_workers:
            for path in files:
                if path not in runs:
                    new += [event for event in self._new(path) if event.at >= self._began]
        return sorted(new, key=lambda event: event.at)

    def silent_for(self) -> float:
        """Seconds without a sign of life of the run, by the clock of this machine.

        After the first sign that is seen these are seconds for which this machine was awake, so
        that a run is not gone because both have slept.
        """
        try:
            changed = self.run.stat().st_mtime if self.run is not None else None
        except OSError:
            return 0.0
        if changed is None:
            return 0.0
        if self._sign is None:
            self._sign = changed, float("-inf")
        elif self._sign[0] != changed:
            self._sign = changed, time.monotonic()
        return max(min(time.time() - changed, time.monotonic() - self._sign[1]), 0.0)

    def _latest(self, runs: Sequence[Path]) -> Path | None:
        if self.number is None:
            return runs[-1] if runs else None
        return next((run for run in reversed(runs) if self._study_of(run) == self.number), None)

    def _study_of(self, run: Path) -> int | None:
        """Number of the study that a run is of; None while its first line is being written."""
        if run not in self._numbers:
            with suppress(OSError), run.open("rb") as file:
                first = _event(file.readline())
                if isinstance(first, RunBegan):
                    self._numbers[run] = first.number
        return self._numbers.get(run)

    def _new(self, path: Path) -> list[Event]:
        with suppress(OSError), path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            lines = file.read()
            end = lines.rfind(b"\n") + 1  # what comes after is still being written
            self._read[path] = self._read.get(path, 0) + end
            return [event for line in lines[:end].splitlines() if (event := _event(line))]
        return []


def _event(line: bytes) -> Event | None:
    """The event of a line; None of a torn one, or one of a later version."""
    try:
        said: dict[str, Any] = json.loads(line)
        kind = KINDS[said.pop("event")]
        known = {one.name for one in fields(kind)}
        return kind(**{name: value for name, value in said.items() if name in known})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _events(folder: Path) -> Path:
    return folder / "events"


def _process() -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', socket.gethostname())}-{os.getpid()}"


def _forget(folder: Path) -> None:
    """Delete the oldest files that nobody has written to for a while."""
    with suppress(OSError):
        files = [(path.stat().st_mtime, path) for path in folder.glob("*-*.*")]
        for changed, path in sorted(files)[: max(len(files) - MOST_FILES, 0)]:
            if time.time() - changed > SILENT:
                path.unlink(missing_ok=True)

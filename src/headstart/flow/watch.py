"""A run as anyone sees it who can read the store: how far it is, what workers do, how it ended."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from headstart.core.errors import StoreError
from headstart.core.holders import Holder
from headstart.execute.outcomes import StepOutcome
from headstart.flow.reopen import Reopened, named, reopen_number
from headstart.flow.tracker import Tracker
from headstart.plan.expand import expected_steps
from headstart.store.events import (
    SILENT,
    Event,
    EventReader,
    Measured,
    PlanMade,
    RunBegan,
    RunEnded,
    StepBegan,
    StepEnded,
    WorkerBusy,
)
from headstart.store.stopping import ask_to_stop
from headstart.store.store import Store

State = Literal["none", "running", "finished", "interrupted", "failed", "gone"]


@dataclass(slots=True)
class Watch:
    """The latest run on a store, followed by its events; nothing is written.

    Attributes:
        folder: of the store.
        number: of the study whose runs are followed; None for any.
        with_plan: whether its plan and its workers are read; without, what is said of steps is
            skipped.
        run: how the run began; None while there is none.
        study: the study and its plan as the store has them.
        tracker: what is done, running and failed, and the time left.
        curves: points of trainings that are under way, by the key of their step.
        busy: the newest step of each worker, by (host, process); none of one that is known to have
            ended while it did a step.
        lost: keys of steps whose worker ended while it did them; they are done again.
        failures: error texts of failed steps, by key.
        ended: how the run ended; None before.
    """

    folder: Path
    number: int | None = None
    with_plan: bool = True
    run: RunBegan | None = None
    study: Reopened | None = None
    tracker: Tracker = field(default_factory=Tracker)
    curves: dict[str, list[Measured]] = field(default_factory=dict)
    busy: dict[tuple[str, int], str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    ended: RunEnded | None = None
    _reader: EventReader | None = None

    def poll(self) -> list[Event]:
        """Take in what has happened since the last poll, and give it.

        Raises:
            StoreError: the store cannot be read.
        """
        if self._reader is None:
            self._reader = EventReader(self.folder, number=self.number, with_workers=self.with_plan)
        events = self._reader.poll()
        try:
            for event in events:
                self._take(event)
        except StoreError:
            self._reader = None  # the next poll reads the run from its first event again
            raise
        match self.state:
            case "gone":
                self.tracker.running.clear()
            case "running":
                self._forget_lost()
        return events

    def stop(self) -> None:
        """Ask the run to stop, as Ctrl-C would; what is finished stays.

        Raises:
            StoreError: there is no run at present, or it cannot be asked.
        """
        if self._reader is None or self._reader.run is None or self.state != "running":
            raise StoreError(f"no run of the store {self.folder} is under way.")
        ask_to_stop(self._reader.run)

    @property
    def state(self) -> State:
        """What has become of the run; `gone` of one that ended without a word, as by a kill."""
        if self.run is None:
            return "none"
        if self.ended is not None:
            return self.ended.how
        began = Holder(host=self.run.host, process=self.run.process, since="")
        if began.ended:
            return "gone"
        # Its number may be another process's by now; one that is stopped gives no sign of life.
        silent = self._reader.silent_for() if self._reader else 0.0
        return "gone" if silent > SILENT and not began.stopped else "running"

    def _take(self, event: Event) -> None:
        match event:
            case RunBegan():
                self.run, self.study, self.ended = event, None, None
                self.tracker = Tracker(workers=event.workers)
                for known in (self.curves, self.busy, self.failures, self.lost):
                    known.clear()
            case PlanMade():
                self._replan()
            case StepBegan():
                self.tracker.running.add(event.key)
            case StepEnded():
                self._over(event)
            case WorkerBusy():
                self._works(event)
            case Measured():
                self.curves.setdefault(event.key, []).append(event)
            case RunEnded():
                self.ended = event
                self.tracker.running.clear()

    def _works(self, event: WorkerBusy) -> None:
        """A worker has begun a step, perhaps one that was another's.

        What the other one measured goes: the curve begins anew.
        """
        worker, key = (event.host, event.process), event.key
        if key not in self.tracker.done and key not in self.failures:
            self.curves.pop(key, None)
            for other in [one for one, its in self.busy.items() if its == key and one != worker]:
                self.lost.add(key)
                del self.busy[other]
            if self.study is not None and key in self.study.plan.steps:
                self.tracker.running.add(key)
        self.busy[worker] = key

    def _forget_lost(self) -> None:
        """Steps of workers of this machine that have ended wait until they are begun again."""
        for (host, process), key in list(self.busy.items()):
            if key in self.tracker.running and Holder(host=host, process=process, since="").ended:
                del self.busy[host, process]
                self.lost.add(key)
                self.tracker.running.discard(key)

    def _over(self, event: StepEnded) -> None:
        self.curves.pop(event.key, None)
        self.failures.pop(event.key, None)
        if event.status == "failed":
            self.failures[event.key] = event.error
        step = self.study.plan.steps.get(event.key) if self.study else None
        if step is not None:
            outcome = StepOutcome(key=event.key, status=event.status, seconds=event.seconds)
            self.tracker.record(step, outcome)

    def _replan(self) -> None:
        """Read the plan of the run's study, and what the store holds of it."""
        if self.run is None or not self.with_plan:
            return
        with Store(self.folder, unchanged=True) as store:
            self.study = reopen_number(store, self.run.number)
            plan = self.study.plan
            stored = store.finished(plan.steps)
        loaded = self.study.loaded
        expected = expected_steps(loaded.study, loaded.facts, plan)
        self.tracker.set_plan(plan, expected, stored)


def watch(folder: Path, study: str | None = None) -> Watch:
    """The latest run of a study of a store, or of any without one.

    Raises:
        StoreError: the store has no study of that name. SpecError: as `reopen` raises it.
    """
    if study is None:
        return Watch(folder)
    with Store(folder, unchanged=True) as store:
        return Watch(folder, number=named(store, study)[0].number)

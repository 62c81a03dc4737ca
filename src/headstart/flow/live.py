"""A study of a store as it is at the moment: every trial, every curve, and what came of its run."""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import StoreError
from headstart.flow.matrix import Matrix, Needed, matrix_of, needed_by
from headstart.flow.reopen import Reopened, reopen_number, report_again
from headstart.flow.watch import Watch
from headstart.plan.expand import expected_steps
from headstart.plan.steps import Plan, Trial
from headstart.report.run_summary import RunSummary
from headstart.store.records import FailureRow
from headstart.store.store import Store

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis

REPORT_PAUSE = 2.0  # seconds between two analyses at least, while trials are being done
REPORT_SHARE = 5.0  # and as many times what the last one took

_log = logging.getLogger(__name__)

Report = tuple["Analysis", RunSummary]
Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCurve:
    """Validation accuracy of a trial by update; `running` while it is being trained."""

    trial: Trial
    points: Points
    running: bool


@dataclass(slots=True)
class Live:
    """One study of a store, followed; nothing is written.

    Attributes:
        folder: of the store.
        number: of the study in the store.
        watch: its latest run.
        report: the newest analysis; None before the first is made.
        why_no_report: why the last attempt to make one failed; empty where it did not.
    """

    folder: Path
    number: int
    watch: Watch = field(init=False)
    report: Report | None = None
    why_no_report: str = ""
    _stored: Reopened | None = None
    _failures: dict[str, FailureRow] = field(default_factory=dict)
    _curves: dict[str, Points] = field(default_factory=dict)  # of finished trainings
    _needed: tuple[Plan, Needed] | None = None
    _maker: threading.Thread | None = None
    _made: tuple[int, float, float] = (-1, 0.0, 0.0)  # trials done, when, and seconds that it took

    def __post_init__(self) -> None:
        self.watch = Watch(self.folder, number=self.number)

    def refresh(self) -> None:
        """Take in what has happened.

        Raises:
            StoreError: the store cannot be read at the moment.
        """
        self.watch.poll()
        if self.watch.study is None and self._stored is None:
            self._read_stored()
        self._read_curves()
        self._follow_report()

    @property
    def study(self) -> Reopened:
        """The study and its plan; `refresh` comes first."""
        study = self.watch.study or self._stored
        assert study is not None, "not read yet"
        return study

    @property
    def finished(self) -> bool:
        """Whether every trial of the plan is done, and no run is under way."""
        done, _, _ = self.watch.tracker.trials
        return self.watch.state != "running" and 0 < done == self.watch.tracker.num_trials

    @property
    def failures(self) -> tuple[FailureRow, ...]:
        """Steps that failed and were not done since, with their traces."""
        steps, done = self.study.plan.steps, self.watch.tracker.done
        found = dict(self._failures) | {
            key: FailureRow(key=key, label=steps[key].label, error=error)
            for key, error in self.watch.failures.items()
            if key in steps
        }
        return tuple(row for key, row in found.items() if key not in done)

    @property
    def busy(self) -> tuple[tuple[str, int, str], ...]:
        """Host, process and the step of each worker that does a step of this study."""
        steps, running = self.study.plan.steps, self.watch.tracker.running
        return tuple(
            (host, process, steps[key].label)
            for (host, process), key in sorted(self.watch.busy.items())
            if key in running and key in steps
        )

    def matrix(self) -> Matrix:
        """The state of every trial of the plan."""
        plan = self.study.plan
        if self._needed is None or self._needed[0] is not plan:
            self._needed = plan, needed_by(plan)
        failed = frozenset(row.key for row in self.failures)
        return matrix_of(self.study.loaded.study, plan, self._needed[1], self.watch.tracker, failed)

    def curves(self) -> tuple[TrialCurve, ...]:
        """Validation accuracy by update of the trials and source runs that have any."""
        found = []
        for trial in self._trained:
            parts = [self._points(key) for key in trial.train_keys]
            points = tuple(point for part in parts for point in part)
            running = any(key in self.watch.tracker.running for key in trial.train_keys)
            if points:
                found.append(TrialCurve(trial=trial, points=points, running=running))
        return tuple(found)

    @property
    def _trained(self) -> tuple[Trial, ...]:
        return (*self.study.plan.sources, *self.study.plan.trials)

    def _points(self, key: str) -> Points:
        measured = self.watch.curves.get(key, ())
        return self._curves.get(key) or _finite(
            (point.update, point.validation_accuracy) for point in measured
        )

    def make_report(self) -> Report:
        """The analysis of what the store holds now.

        Raises:
            StoreError: the store cannot be read at the moment.
        """
        started, (known, _, _) = time.monotonic(), self.watch.tracker.trials
        with Store(self.folder, unchanged=True) as store:
            reopened = reopen_number(store, self.number)
            report = report_again(store, reopened)
        self._made = known, time.monotonic(), time.monotonic() - started
        self.report = report
        return report

    def _follow_report(self) -> None:
        """Make another analysis in the background once there is more to analyse."""
        if self._maker is not None and self._maker.is_alive():
            return
        done, when, took = self._made
        due = time.monotonic() - when >= max(REPORT_PAUSE, REPORT_SHARE * took)
        if due and done != self.watch.tracker.trials[0]:
            self._maker = threading.Thread(target=self._try_report, daemon=True)
            self._maker.start()

    def _try_report(self) -> None:
        """Make an analysis; where that fails, say why, and let it be tried again later."""
        started = time.monotonic()
        try:
            self.make_report()
            self.why_no_report = ""
        except Exception as error:
            now, why = time.monotonic(), str(error) or type(error).__name__
            self._made = -1, now, now - started
            if why != self.why_no_report and not isinstance(error, StoreError):
                _log.exception("the report of study %d of %s", self.number, self.folder)
            self.why_no_report = why

    def _read_stored(self) -> None:
        """What the store holds of a study of whose runs there are no events."""
        with Store(self.folder, unchanged=True) as store:
            stored = reopen_number(store, self.number)
            plan, loaded = stored.plan, stored.loaded
            expected = expected_steps(loaded.study, loaded.facts, plan)
            self.watch.tracker.set_plan(plan, expected, store.finished(plan.steps))
            self._failures = store.failures(plan.steps)
        self._stored = stored

    def _read_curves(self) -> None:
        """The curves of trainings that have been finished since."""
        done = self.watch.tracker.done
        keys = {key for trial in self._trained for key in trial.train_keys if key in done}
        new = keys - self._curves.keys()
        if not new:
            return
        with Store(self.folder, unchanged=True) as store:
            for key, row in store.rows(new).items():
                self._curves[key] = _finite((point[0], point[3]) for point in row.result["curve"])


def _finite(points: Iterable[tuple[int, float | None]]) -> Points:
    return tuple((int(update), value) for update, value in points if value is not None)

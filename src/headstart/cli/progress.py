"""Live progress on stderr: trials done, running and left, and the time left."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headstart.analyse.text import rough_duration
from headstart.execute.executors import Listener
from headstart.execute.worker import StepOutcome
from headstart.flow import Planned
from headstart.plan.cost_estimate import model_seconds
from headstart.plan.steps import Plan, Step

BAR_PAUSE = 0.2  # seconds between two drawings of the bar
QUIET_PAUSE = 5.0  # seconds between lines where there is no terminal to redraw
# Seconds of the model's that its own guess weighs beside what steps of this run have taken.
TRUST = 5.0


@dataclass(slots=True)
class Tracker:
    """How far a run with so many workers is, from the plans and steps it has been told of."""

    workers: int = 1
    plan: Plan | None = None
    expected: tuple[Step, ...] = ()
    done: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    failed: int = 0
    cost_done: float = 0.0
    seconds_done: float = 0.0

    def planned(self, plan: Plan, expected: tuple[Step, ...], done: set[str]) -> None:
        """What is to be done has become known, or more of it has."""
        self.plan, self.expected = plan, expected
        self.done |= done

    def tell(self, step: Step, report: StepOutcome | None) -> None:
        """A step has started or ended."""
        if report is None:
            self.running.add(step.key)
            return
        self.running.discard(step.key)
        if report.status == "failed":
            self.failed += 1
        else:
            self.done.add(step.key)
            if report.status == "done":
                self.cost_done += _cost(step)
                self.seconds_done += report.seconds

    @property
    def trials(self) -> tuple[int, int, int]:
        """Trials done, running and left."""
        done = running = 0
        for trial in self.plan.trials if self.plan else ():
            keys = {*trial.train_keys, trial.predict_key, trial.score_key}
            done += trial.score_key in self.done
            running += bool(keys & self.running)
        return done, running, self.num_trials - done - running

    @property
    def num_trials(self) -> int:
        """Trials of the plan."""
        return self.plan.num_trials if self.plan else 0

    @property
    def cost(self) -> float:
        """Everything there is to do, in seconds of a plain core."""
        return sum(map(_cost, self._steps()))

    @property
    def cost_left(self) -> float:
        """Work left, in seconds of a plain core."""
        return sum(_cost(step) for step in self._steps() if step.key not in self.done)

    def _steps(self) -> Iterator[Step]:
        if self.plan:
            yield from self.plan.steps.values()
        yield from self.expected

    @property
    def seconds_left(self) -> float:
        """By the model that `plan` goes by, scaled by what the steps done here have taken.

        What it takes to start workers is no part of that, so the first steps say as much as any.
        """
        factor = (TRUST + self.seconds_done) / (TRUST + self.cost_done)
        return self.cost_left * factor / self.workers

    def text(self) -> str:
        """One line."""
        done, running, left = self.trials
        parts = [f"{done} of {self.num_trials} trials done"]
        if self.plan and self.plan.num_waiting and not running:
            parts.append(f"{' and '.join(self.plan.settling)} being settled on the pilot seed")
        else:
            parts += [f"{running} running", f"{left} to go"]
        if self.failed:
            parts.append(f"{self.failed} step{'s' if self.failed > 1 else ''} failed")
        parts.append(f"about {rough_duration(self.seconds_left)} left")
        return ", ".join(parts)


def _cost(step: Step) -> float:
    """Seconds on a plain core."""
    return model_seconds(step.flops, step.updates, step.kind != "score")


@contextmanager
def progress(workers: int) -> Iterator[tuple[Planned, Listener]]:
    """Listeners that show a bar on a terminal, and a line now and then elsewhere."""
    tracker = Tracker(workers=workers)
    if sys.stderr.isatty():
        with _bar(tracker) as listen:
            yield tracker.planned, listen
    else:
        yield tracker.planned, _lines(tracker)


def _lines(tracker: Tracker) -> Listener:
    last = time.monotonic()

    def listen(step: Step, report: StepOutcome | None) -> None:
        nonlocal last
        tracker.tell(step, report)
        if report is not None and report.status == "failed":
            print(f"headstart: failed: {step.label}\n{report.error}", file=sys.stderr, flush=True)
        # At a start, when every worker has its step.
        if report is None and time.monotonic() - last > QUIET_PAUSE:
            last = time.monotonic()
            print(f"headstart: {tracker.text()}", file=sys.stderr, flush=True)

    return listen


@contextmanager
def _bar(tracker: Tracker) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    with Progress(
        BarColumn(bar_width=30), TextColumn("{task.description}"), console=console, transient=True
    ) as shown:
        bar = shown.add_task("planning", total=None)

        drawn = 0.0

        def listen(step: Step, report: StepOutcome | None) -> None:
            nonlocal drawn
            tracker.tell(step, report)
            if report is not None and report.status == "failed":
                shown.console.print(f"failed: {step.label}", style="red")
            # Counting what is left takes a while in a study of thousands of steps.
            if time.monotonic() - drawn < BAR_PAUSE:
                return
            drawn = time.monotonic()
            total = tracker.cost
            done = total - tracker.cost_left
            shown.update(bar, description=tracker.text(), total=total, completed=done)

        yield listen

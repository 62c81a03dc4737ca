"""Live progress on stderr: trials done, running and left, and the remaining time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headstart.analyse.text import plural, rough_duration
from headstart.cli.output import say
from headstart.core.printable import printable
from headstart.data.progress import Progress as DataProgress
from headstart.data.progress import listening
from headstart.execute.outcomes import Listener, StepOutcome
from headstart.flow import Planned
from headstart.plan.cost_estimate import model_seconds
from headstart.plan.steps import Plan, Step

BAR_PAUSE = 0.2  # seconds between two drawings of the bar
QUIET_PAUSE = 5.0  # seconds between lines where there is no terminal to redraw
# Weight of the cost model, in seconds of its own estimate, against the times of this run's steps.
TRUST = 5.0


@dataclass(slots=True)
class Tracker:
    """Progress of a run: its plan, and the steps done, running and failed."""

    workers: int = 1
    plan: Plan | None = None
    expected: tuple[Step, ...] = ()
    done: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    failed: int = 0
    cost_done: float = 0.0
    seconds_done: float = 0.0

    def set_plan(self, plan: Plan, expected: tuple[Step, ...], done: set[str]) -> None:
        """Take over a plan, or a later one with more steps."""
        self.plan, self.expected = plan, expected
        self.done |= done

    def record(self, step: Step, outcome: StepOutcome | None) -> None:
        """Record the start of a step (without an outcome) or its end."""
        if outcome is None:
            self.running.add(step.key)
            return
        self.running.discard(step.key)
        if outcome.status == "failed":
            self.failed += 1
        else:
            self.done.add(step.key)
            if outcome.status == "done":
                self.cost_done += _cost(step)
                self.seconds_done += outcome.seconds

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
        """Cost of all steps, in seconds of a reference core."""
        return sum(map(_cost, self._steps()))

    @property
    def cost_left(self) -> float:
        """Cost of the steps left, in seconds of a reference core."""
        return sum(_cost(step) for step in self._steps() if step.key not in self.done)

    def _steps(self) -> Iterator[Step]:
        if self.plan:
            yield from self.plan.steps.values()
        yield from self.expected

    @property
    def seconds_left(self) -> float:
        """Remaining time: the cost model of `plan`, scaled by the measured times of this run.

        The start-up time of workers is not part of a step, so the first steps count as any other.
        """
        factor = (TRUST + self.seconds_done) / (TRUST + self.cost_done)
        return self.cost_left * factor / self.workers

    def text(self) -> str:
        """Progress in one line."""
        done, running, left = self.trials
        parts = [f"{done} of {self.num_trials} trials done"]
        if self.plan and self.plan.num_waiting and not running:
            parts.append(f"{' and '.join(self.plan.settling)} being settled by validation")
        else:
            parts += [f"{running} running", f"{left} to go"]
        if self.failed:
            parts.append(f"{plural(self.failed, 'step')} failed")
        parts.append(f"about {rough_duration(self.seconds_left)} left")
        return ", ".join(parts)


def _cost(step: Step) -> float:
    """Cost of a step, in seconds of a reference core."""
    return model_seconds(step.flops, step.updates, step.kind != "score")


@contextmanager
def progress(workers: int) -> Iterator[tuple[Planned, Listener]]:
    """Listeners that show a bar on a terminal, and occasional lines elsewhere."""
    tracker = Tracker(workers=workers)
    if sys.stderr.isatty():
        with _bar(tracker) as listen:
            yield tracker.set_plan, listen
    else:
        yield tracker.set_plan, _lines(tracker)


def _lines(tracker: Tracker) -> Listener:
    last = time.monotonic()

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        nonlocal last
        tracker.record(step, outcome)
        if outcome is not None and outcome.status == "failed":
            say([f"failed: {step.label}\n{outcome.error}"])
        # At the start of a step, when every worker has one.
        if outcome is None and time.monotonic() - last > QUIET_PAUSE:
            last = time.monotonic()
            say([tracker.text()])

    return listen


@contextmanager
def _bar(tracker: Tracker) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from headstart.report.terminal.console import print_line

    columns = BarColumn(bar_width=30), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar, drawn = bars.add_task("planning", total=None), 0.0

        def listen(step: Step, outcome: StepOutcome | None) -> None:
            nonlocal drawn
            tracker.record(step, outcome)
            if outcome is not None and outcome.status == "failed":
                print_line(bars.console, f"failed: {step.label}", style="red")
            # Counting the steps left takes a while in a study of thousands of them.
            if time.monotonic() - drawn < BAR_PAUSE:
                return
            drawn = time.monotonic()
            total = tracker.cost
            done = total - tracker.cost_left
            bars.update(bar, description=tracker.text(), total=total, completed=done)

        def decoding(work: DataProgress) -> None:
            bars.update(bar, description=printable(work.text), total=work.num, completed=work.done)

        with listening(decoding):
            yield listen

"""Live progress on stderr: trials done, running and left, and the time left."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headstart.execute.executors import Listener
from headstart.execute.options import RunOptions
from headstart.execute.worker import Report
from headstart.flow import Loaded
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step
from headstart.report.plan import duration
from headstart.store.store import Store

QUIET_PAUSE = 5.0  # seconds between lines where there is no terminal to redraw


@contextmanager
def progress(loaded: Loaded, options: RunOptions) -> Iterator[Listener]:
    """A listener that shows a bar on a terminal, and a line now and then elsewhere."""
    plan = make_plan(loaded.study, loaded.facts)
    with Store(options.store) as store:
        tracker = Tracker(plan, set(store.rows(plan.steps)))
    if sys.stderr.isatty():
        with _bar(tracker) as listen:
            yield listen
    else:
        yield _lines(tracker)


@dataclass(slots=True)
class Tracker:
    """How far a run is, from the steps it has been told of."""

    plan: Plan
    done: set[str]
    running: set[str] = field(default_factory=set)
    failed: int = 0
    started: float = field(default_factory=time.monotonic)
    cost_done: float = 0.0

    def tell(self, step: Step, report: Report | None) -> None:
        """A step has started or ended."""
        if report is None:
            self.running.add(step.key)
            return
        self.running.discard(step.key)
        if report.ending == "failed":
            self.failed += 1
        else:
            self.done.add(step.key)
            self.cost_done += _cost(step) if report.ending == "done" else 0.0

    @property
    def trials(self) -> tuple[int, int, int]:
        """Trials done, running and left."""
        done = running = 0
        for trial in self.plan.trials:
            keys = {*trial.train_keys, trial.predict_key, trial.score_key}
            done += trial.score_key in self.done
            running += bool(keys & self.running)
        return done, running, len(self.plan.trials) - done - running

    @property
    def cost_left(self) -> float:
        """Work left, in the same measure as `cost_done`."""
        return sum(_cost(s) for key, s in self.plan.steps.items() if key not in self.done)

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None before there is one."""
        passed = time.monotonic() - self.started
        return self.cost_left * passed / self.cost_done if self.cost_done else None

    def text(self) -> str:
        """One line."""
        done, running, left = self.trials
        parts = [f"{done} of {len(self.plan.trials)} trials done", f"{running} running"]
        parts.append(f"{left} to go")
        if self.failed:
            parts.append(f"{self.failed} steps failed")
        if self.seconds_left is not None:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)


def _cost(step: Step) -> float:
    """Operations of a training, plus what an update costs whatever its size; others are short."""
    return step.flops + 2e6 * step.updates


def _lines(tracker: Tracker) -> Listener:
    last = time.monotonic()

    def listen(step: Step, report: Report | None) -> None:
        nonlocal last
        tracker.tell(step, report)
        if report is not None and report.ending == "failed":
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

    total = sum(_cost(step) for step in tracker.plan.steps.values())
    console = Console(stderr=True)
    with Progress(
        BarColumn(bar_width=30), TextColumn("{task.description}"), console=console, transient=True
    ) as shown:
        bar = shown.add_task(tracker.text(), total=total)
        shown.update(bar, completed=total - tracker.cost_left)

        def listen(step: Step, report: Report | None) -> None:
            tracker.tell(step, report)
            if report is not None and report.ending == "failed":
                shown.console.print(f"failed: {step.label}", style="red")
            shown.update(bar, description=tracker.text(), completed=total - tracker.cost_left)

        yield listen

"""Live progress on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from headstart.cli.output import say
from headstart.core.printable import printable
from headstart.data.progress import Progress as DataProgress
from headstart.data.progress import listening
from headstart.execute.outcomes import Listener, StepOutcome
from headstart.flow import Planned, Tracker
from headstart.plan.steps import Step

BAR_PAUSE = 0.2  # seconds between two drawings of the bar
QUIET_PAUSE = 5.0  # seconds between lines where there is no terminal to redraw


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

"""Live progress of a run: a bar in a notebook's cell or on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from headstart.analyse.text import duration
from headstart.core.printable import printable
from headstart.data.progress import Progress as DataProgress
from headstart.data.progress import listening
from headstart.execute.outcomes import Listener, StepOutcome
from headstart.flow.notebook import Cell, Stopped, notebook_cell
from headstart.flow.record import Planned
from headstart.flow.tracker import Tracker
from headstart.plan.steps import Step
from headstart.report.terminal.messages import say

Show = Literal["auto", "off"]
"""Whether progress is shown, in the way that fits where the run was started."""

BAR_PAUSE = 0.2  # seconds between two drawings of the bar
CELL_PAUSE = 0.5  # seconds between two updates of a cell, each a message to the browser
QUIET_PAUSE = 5.0  # seconds between lines where there is no terminal to redraw


@contextmanager
def live_progress(workers: int, show: Show = "auto") -> Iterator[tuple[Planned, Listener]]:
    """Listeners that show how far a run is.

    Raises:
        Stopped: in a notebook's cell, in place of the KeyboardInterrupt that ended the block.
    """
    tracker = Tracker(workers=workers)
    if show == "off":
        yield tracker.set_plan, tracker.record
        return
    cell = notebook_cell()
    if cell is not None:
        shown = in_cell(tracker, cell)
    else:
        shown = _bar(tracker) if sys.stderr.isatty() else _lines(tracker)
    with shown as listen:
        yield tracker.set_plan, listen


@contextmanager
def _lines(tracker: Tracker) -> Iterator[Listener]:
    due = _every(QUIET_PAUSE)

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        tracker.record(step, outcome)
        if outcome is not None and outcome.status == "failed":
            say([f"failed: {step.label}\n{outcome.error}"])
        # At the start of a step, when every worker has one.
        if outcome is None and due():
            say([tracker.text()])

    def decoding(work: DataProgress) -> None:
        if work.done < work.num and due():
            say([work.text])

    with listening(decoding):
        yield listen


@contextmanager
def _bar(tracker: Tracker) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from headstart.report.terminal.console import print_line

    columns = BarColumn(bar_width=30), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar, due = bars.add_task("planning", total=None), _every(BAR_PAUSE)

        def listen(step: Step, outcome: StepOutcome | None) -> None:
            tracker.record(step, outcome)
            if outcome is not None and outcome.status == "failed":
                print_line(bars.console, f"failed: {step.label}", style="red")
            # Counting the steps left takes a while in a study of thousands of them.
            if due():
                total = tracker.cost
                done = total - tracker.cost_left
                bars.update(bar, description=tracker.text(), total=total, completed=done)

        def decoding(work: DataProgress) -> None:
            bars.update(bar, description=printable(work.text), total=work.num, completed=work.done)

        with listening(decoding):
            yield listen


@contextmanager
def in_cell(tracker: Tracker, cell: Cell) -> Iterator[Listener]:
    """A bar and a line in a notebook's cell; when the run is over, one line stays."""
    due, began = _every(CELL_PAUSE), time.monotonic()
    cell.show("planning", 0.0)

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        tracker.record(step, outcome)
        if due():
            total = tracker.cost
            cell.show(tracker.text(), 1 - tracker.cost_left / total if total else 1.0)

    def decoding(work: DataProgress) -> None:
        if due():
            cell.show(work.text, work.done / max(work.num, 1))

    try:
        with listening(decoding):
            yield listen
    except KeyboardInterrupt:
        cell.show(f"stopped with {tracker.trials_done}; run the cell again to go on", None)
        raise Stopped("stopped; run the cell again to go on") from None
    except BaseException:
        cell.show(f"ended by an error, with {tracker.trials_done}", None)
        raise
    cell.show(f"{tracker.trials_done}, in {duration(time.monotonic() - began)}", None)


def _every(pause: float) -> Callable[[], bool]:
    """A function that is true at most once in `pause` seconds, and not in the first ones."""
    last = time.monotonic()

    def due() -> bool:
        nonlocal last
        if time.monotonic() - last < pause:
            return False
        last = time.monotonic()
        return True

    return due

"""Live progress of a run: a bar in a notebook's cell or on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

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

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Show = Literal["auto", "off"]
"""Whether progress is shown, in the way that fits where the run was started."""

BAR_PAUSE = 0.2  # seconds between two drawings of the bar
CELL_PAUSE = 0.5  # seconds between two updates of a cell, each a message to the browser
QUIET_PAUSE = 5.0  # seconds between lines where there is no terminal to redraw


class Display(Protocol):
    """Shows how far a run is, of this process or another."""

    def show(self, tracker: Tracker) -> None:
        """Show it, if it is time to."""

    def failed(self, label: str, error: str) -> None:
        """Say that a step failed."""

    def decoding(self, work: DataProgress) -> None:
        """Show how far the work on files and images is, if it is time to."""


@contextmanager
def live_progress(workers: int, show: Show = "auto") -> Iterator[tuple[Planned, Listener]]:
    """Listeners that show how far a run of this process is.

    Raises:
        Stopped: in a notebook's cell, in place of the KeyboardInterrupt that ended the block.
    """
    tracker = Tracker(workers=workers)
    if show == "off":
        yield tracker.set_plan, tracker.record
        return
    cell = notebook_cell()
    with display() if cell is None else in_cell(tracker, cell) as shown:

        def listen(step: Step, outcome: StepOutcome | None) -> None:
            tracker.record(step, outcome)
            if outcome is not None and outcome.status == "failed":
                shown.failed(step.label, outcome.error)
            if outcome is None:  # at the start of a step, when every worker has one
                shown.show(tracker)

        yield tracker.set_plan, listen


def display() -> AbstractContextManager[Display]:
    """A bar on a terminal, which is gone at the end, and occasional lines elsewhere."""
    return _on_terminal() if sys.stderr.isatty() else _in_lines()


@contextmanager
def in_cell(tracker: Tracker, cell: Cell) -> Iterator[Display]:
    """A bar and a line in a notebook's cell; when the run is over, one line stays."""
    shown, began = _InCell(cell=cell), time.monotonic()
    cell.show("planning", 0.0)
    try:
        with listening(shown.decoding):
            yield shown
    except KeyboardInterrupt:
        cell.show(f"stopped with {tracker.trials_done}; run the cell again to go on", None)
        raise Stopped("stopped; run the cell again to go on") from None
    except BaseException:
        cell.show(f"ended by an error, with {tracker.trials_done}", None)
        raise
    cell.show(f"{tracker.trials_done}, in {duration(time.monotonic() - began)}", None)


@contextmanager
def _in_lines() -> Iterator[Display]:
    lines = _Lines()
    with listening(lines.decoding):
        yield lines


@contextmanager
def _on_terminal() -> Iterator[Display]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = BarColumn(bar_width=30), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = _Bar(bars=bars, task=bars.add_task("planning", total=None))
        with listening(bar.decoding):
            yield bar


@dataclass(slots=True)
class _Pace:
    """Says at most once in `pause` seconds that something is due, and not in the first ones."""

    pause: float
    last: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        now = time.monotonic()
        if now - self.last < self.pause:
            return False
        self.last = now
        return True


@dataclass(slots=True)
class _Lines:
    pace: _Pace = field(default_factory=lambda: _Pace(QUIET_PAUSE))

    def show(self, tracker: Tracker) -> None:
        # Between two steps of a single worker none is running, which says nothing.
        if tracker.running and self.pace.due():
            say([tracker.text()])

    def failed(self, label: str, error: str) -> None:
        say([f"failed: {label}\n{error}"])

    def decoding(self, work: DataProgress) -> None:
        if work.done < work.num and self.pace.due():
            say([work.text])


@dataclass(slots=True, kw_only=True)
class _Bar:
    bars: "Progress"
    task: "TaskID"
    pace: _Pace = field(default_factory=lambda: _Pace(BAR_PAUSE))

    def show(self, tracker: Tracker) -> None:
        # Counting the steps left takes a while in a study of thousands of them.
        if self.pace.due():
            total = tracker.cost
            done = total - tracker.cost_left
            self.bars.update(self.task, description=tracker.text(), total=total, completed=done)

    def failed(self, label: str, error: str) -> None:
        from headstart.report.terminal.console import print_line

        print_line(self.bars.console, f"failed: {label}", style="red")

    def decoding(self, work: DataProgress) -> None:
        text = printable(work.text)
        self.bars.update(self.task, description=text, total=work.num, completed=work.done)


@dataclass(slots=True, kw_only=True)
class _InCell:
    cell: Cell
    pace: _Pace = field(default_factory=lambda: _Pace(CELL_PAUSE))

    def show(self, tracker: Tracker) -> None:
        if self.pace.due():
            total = tracker.cost
            self.cell.show(tracker.text(), 1 - tracker.cost_left / total if total else 1.0)

    def failed(self, label: str, error: str) -> None:
        say([f"failed: {label}\n{error}"])

    def decoding(self, work: DataProgress) -> None:
        if self.pace.due():
            self.cell.show(work.text, work.done / max(work.num, 1))

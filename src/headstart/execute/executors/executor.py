"""Interface of executors.

An executor takes steps that are done together and gives a future. What it needs of the outside is
the store's folder in the options, so an executor for a cluster can be added without a change to
plan, train or store.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from headstart.execute.options import RunOptions
from headstart.execute.worker import StepOutcome
from headstart.plan.steps import Step

Listener = Callable[["Step", "StepOutcome | None"], None]
"""Called for every step that starts (no outcome yet) and ends."""


class WorkerDied(Exception):
    """The process that worked on a step is gone (killed, out of memory, crashed)."""


class Executor(Protocol):
    """Runs submissions, at most `slots` at a time."""

    slots: int

    def submit(
        self, steps: tuple[Step, ...], options: RunOptions
    ) -> Future[tuple[StepOutcome, ...]]:
        """Start one step, or several of one batch group.

        The future fails with WorkerDied or StoreError; else it gives a report of each step.
        """

    def set_threads(self, threads: int) -> None:
        """Let each submission take so many threads from now on, which changes no number."""

    def close(self, *, abandon: bool) -> None:
        """Release the workers; `abandon` ends running steps."""

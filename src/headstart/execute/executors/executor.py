"""Interface of executors.

An executor takes a job and gives a future of what came of its steps. A job says all that it needs,
so a further executor needs no change to plan, train or store.
"""

from concurrent.futures import Future
from typing import Protocol

from headstart.execute.job import Job, Results


class WorkerDied(Exception):
    """The process that worked on a step is gone (killed, crashed)."""


class KilledForMemory(WorkerDied):
    """It was killed as systems do it where memory runs out."""


class Executor(Protocol):
    """Does jobs, at most `slots` at a time; `shared` where workers see the store's folder."""

    shared: bool

    @property
    def handover(self) -> float:
        """Seconds, about, that a job takes more than its steps.

        By them the scheduler decides how many steps go into one job.
        """

    @property
    def slots(self) -> int:
        """How many jobs there may be at a time."""

    def submit(self, job: Job) -> Future[Results]:
        """Start a job.

        The future fails with WorkerDied or StoreError; else it gives what came of each step.
        """

    def set_threads(self, threads: int) -> None:
        """Let each job take so many threads from now on, which changes no number."""

    def abandon(self) -> None:
        """Give up running jobs, of which no result is taken; others may be submitted afterwards."""

    def close(self) -> None:
        """Release the workers, once no job is running and none will be submitted."""

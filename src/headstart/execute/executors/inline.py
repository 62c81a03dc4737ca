"""Executor that runs steps in this process."""

from concurrent.futures import Future

from headstart.execute.job import Computed, Job
from headstart.execute.worker import do_job


class InlineExecutor:
    """Runs steps in this process, one after the other: for tests, debugging, a single worker."""

    slots = 1
    shared = True

    def submit(self, job: Job) -> Future[tuple[Computed, ...]]:
        """Do the job before returning."""
        future: Future[tuple[Computed, ...]] = Future()
        try:
            future.set_result(do_job(job))
        except Exception as error:
            future.set_exception(error)
        return future

    def set_threads(self, threads: int) -> None:
        """One worker was asked for, and one thread is what it takes."""

    def close(self, *, abandon: bool) -> None:
        """Nothing to release."""

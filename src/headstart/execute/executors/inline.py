"""Executor that runs steps in this process."""

from concurrent.futures import Future

from headstart.core.thread_budget import allowing_threads
from headstart.execute.job import Job, Results
from headstart.execute.worker import do_job


class InlineExecutor:
    """Runs steps in this process, one after the other: for tests, debugging, little work.

    `threads` is how many each step may use, which changes no number.
    """

    slots = 1
    shared = True
    handover = 0.0

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def submit(self, job: Job) -> Future[Results]:
        """Do the job before returning."""
        future: Future[Results] = Future()
        try:
            with allowing_threads(self._threads):
                future.set_result(do_job(job))
        except Exception as error:
            future.set_exception(error)
        return future

    def set_threads(self, threads: int) -> None:
        """There is one step at a time, and its threads are what was asked for."""

    def abandon(self) -> None:
        """No job is running once `submit` has returned."""

    def close(self) -> None:
        """Nothing to release."""

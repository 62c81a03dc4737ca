"""Executor that runs steps in this process."""

from concurrent.futures import Future

from headstart.execute.options import RunOptions
from headstart.execute.worker import StepOutcome, run_steps
from headstart.plan.steps import Step


class InlineExecutor:
    """Runs steps in this process, one after the other: for tests, debugging, a single worker."""

    slots = 1

    def submit(
        self, steps: tuple[Step, ...], options: RunOptions
    ) -> Future[tuple[StepOutcome, ...]]:
        """Do the steps before returning."""
        future: Future[tuple[StepOutcome, ...]] = Future()
        try:
            future.set_result(run_steps(steps, options))
        except Exception as error:
            future.set_exception(error)
        return future

    def set_threads(self, threads: int) -> None:
        """One worker was asked for, and one thread is what it takes."""

    def close(self, *, abandon: bool) -> None:
        """Nothing to release."""

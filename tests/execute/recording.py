"""An executor that does steps in this process and remembers its jobs."""

from concurrent.futures import Future

from headstart.execute.executors import InlineExecutor
from headstart.execute.job import Job, Results
from headstart.plan.steps import Step


class Recording(InlineExecutor):
    """Does the steps here, and remembers what was submitted together."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[Step, ...]] = []

    def submit(self, job: Job) -> Future[Results]:
        self.submitted.append(job.steps)
        return super().submit(job)

"""Where steps run: in this process, in worker processes, or on the nodes of a Ray cluster."""

from headstart.execute.executors.executor import Executor as Executor
from headstart.execute.executors.executor import KilledForMemory as KilledForMemory
from headstart.execute.executors.executor import WorkerDied as WorkerDied
from headstart.execute.executors.inline import InlineExecutor as InlineExecutor
from headstart.execute.executors.processes import ProcessExecutor as ProcessExecutor
from headstart.execute.executors.ray import RayExecutor as RayExecutor


def executor_for(workers: int, places: tuple[str, ...] = ()) -> Executor:
    """The executor for a number of workers of this machine, each of which sees one GPU of some."""
    return InlineExecutor() if workers == 1 else ProcessExecutor(workers, places)

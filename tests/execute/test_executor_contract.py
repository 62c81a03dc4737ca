"""All executors held to one contract."""

from executor_contract import ExecutorContract

from headstart.execute.executors import (
    Executor,
    InlineExecutor,
    ProcessExecutor,
    executor_for,
)


class TestInline(ExecutorContract):
    def make(self) -> Executor:
        return InlineExecutor()


class TestProcesses(ExecutorContract):
    def make(self) -> Executor:
        return ProcessExecutor(2)


def test_one_worker_needs_no_process() -> None:
    assert isinstance(executor_for(1), InlineExecutor)
    assert executor_for(2).slots == 2

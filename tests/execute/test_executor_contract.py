"""All executors held to one contract."""

from pathlib import Path

from executor_contract import ExecutorContract

from headstart.execute.executors import (
    Executor,
    InlineExecutor,
    ProcessExecutor,
    executor_for,
)
from headstart.execute.job import make_job
from headstart.store.store import Store


class TestInline(ExecutorContract):
    def make(self) -> Executor:
        return InlineExecutor()


class TestProcesses(ExecutorContract):
    def make(self) -> Executor:
        return ProcessExecutor(2)

    def test_a_worker_that_keeps_data_for_its_next_step_is_not_taken_for_a_leak(
        self, tmp_path: Path
    ) -> None:
        executor = ProcessExecutor(2)
        with Store(tmp_path) as store:
            executor.submit(make_job([], store, "cpu", shared=True)).result()
        limit = "__import__('loky').process_executor._MAX_MEMORY_LEAK_SIZE"
        assert executor._pool is not None
        assert executor._pool.submit(eval, limit).result() > 10**15  # type: ignore[operator]
        executor.abandon()


def test_one_worker_needs_no_process() -> None:
    assert isinstance(executor_for(1), InlineExecutor)
    assert executor_for(2).slots == 2

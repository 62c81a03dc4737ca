"""Where a run does its work: in worker processes, or here if those start no sooner."""

from pathlib import Path

import pytest

from headstart.execute.executors import InlineExecutor, ProcessExecutor
from headstart.execute.options import RunOptions
from headstart.flow import engine
from headstart.plan.expand import make_plan
from headstart.plan.steps import Step
from studies import tiny


def steps(seeds: int) -> list[Step]:
    loaded = tiny(sizes=[20], seeds=seeds, arms=["scratch", "full"])
    return list(make_plan(loaded.study, loaded.facts).steps.values())


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "default_workers", lambda device: 2)


def test_little_work_is_done_here(tmp_path: Path) -> None:
    assert isinstance(engine._executor(RunOptions(store=tmp_path), steps(1)), InlineExecutor)


def test_much_work_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "START_SECONDS", 0.01)
    executor = engine._executor(RunOptions(store=tmp_path), steps(2))
    assert isinstance(executor, ProcessExecutor)
    assert executor.slots == 2


def test_long_work_is_a_worker_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LONG_SECONDS", 0.01)
    assert isinstance(engine._executor(RunOptions(store=tmp_path), steps(1)), ProcessExecutor)


def test_workers_that_are_asked_for_are_there(tmp_path: Path) -> None:
    asked = engine._executor(RunOptions(store=tmp_path, workers=2), steps(1))
    assert isinstance(asked, ProcessExecutor)

"""What every executor must hold: subclass it for a new one."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from headstart.core.lru import SizedLRU
from headstart.execute.executors import Executor, InlineExecutor
from headstart.execute.job import make_job
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.execute.scheduler import Tally, execute
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step
from headstart.store.blobs import blob_path
from headstart.store.store import Store
from studies import tiny

SIZES = {"sizes": [20], "seeds": 2, "arms": ["scratch", "probe"]}
UPDATES = count(13)


class ExecutorContract:
    """Checks of one executor. `make` gives a new one; steps come from a tiny study."""

    def make(self) -> Executor:
        """A new executor."""
        raise NotImplementedError

    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        made = self.make()
        yield made
        made.abandon()
        made.close()

    @pytest.fixture
    def plan(self) -> Plan:
        loaded = tiny(**SIZES)
        return make_plan(loaded.study, loaded.facts)

    @pytest.fixture
    def first(self, plan: Plan) -> Step:
        """A step that needs no other."""
        return next(step for step in plan.steps.values() if not step.inputs)

    def run(self, plan: Plan, folder: Path, executor: Executor) -> tuple[Tally, list[StepOutcome]]:
        outcomes: list[StepOutcome] = []

        def listen(_: Step, outcome: StepOutcome | None) -> None:
            if outcome is not None:
                outcomes.append(outcome)

        with Store(folder) as store:
            options = RunOptions(store=folder, workers=1, device="cpu")
            return execute(plan, store, options, executor, listen), outcomes

    def test_a_submission_gives_an_outcome_for_each_step_in_order(
        self, executor: Executor, plan: Plan, tmp_path: Path
    ) -> None:
        ready = tuple(step for step in plan.steps.values() if not step.inputs)[:2]
        with Store(tmp_path) as store:
            job = make_job(ready, store, "cpu", shared=executor.shared)
            computed = executor.submit(job).result()
        assert [one.key for one in computed] == [step.key for step in ready]
        assert all(one.arrays and not one.error for one in computed)

    def test_a_job_that_is_done_twice_gives_the_same_and_changes_nothing(
        self, executor: Executor, first: Step, tmp_path: Path
    ) -> None:
        with Store(tmp_path) as store:
            job = make_job([first], store, "cpu", shared=executor.shared)
            (one,), (again,) = (executor.submit(job).result() for _ in range(2))
            assert store.row(first.key) is None
        assert one.arrays
        assert again.arrays
        assert one.arrays.blob == again.arrays.blob

    def test_jobs_given_up_at_once_harm_none_that_follow(
        self, executor: Executor, first: Step, tmp_path: Path
    ) -> None:
        with Store(tmp_path) as store:
            job = make_job([first], store, "cpu", shared=executor.shared)
            for _ in range(3):
                executor.submit(job)
                executor.submit(job)
                executor.abandon()
            (computed,) = executor.submit(job).result()
        assert computed.key == first.key
        assert computed.arrays

    def test_a_whole_plan_runs(self, executor: Executor, plan: Plan, tmp_path: Path) -> None:
        tally, outcomes = self.run(plan, tmp_path, executor)
        assert (tally.run, tally.failed, tally.blocked) == (len(plan.steps), (), 0)
        assert {outcome.key for outcome in outcomes} == set(plan.steps)

    def test_a_step_that_is_done_is_not_done_again(
        self, executor: Executor, plan: Plan, tmp_path: Path
    ) -> None:
        self.run(plan, tmp_path, executor)
        tally, outcomes = self.run(plan, tmp_path, executor)
        assert (tally.run, tally.reused, outcomes) == (0, len(plan.steps), [])

    def test_a_damaged_blob_is_computed_again_and_the_rest_goes_on(
        self, executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nothing_kept = SizedLRU[Any](0, lambda _: 1)
        monkeypatch.setattr("headstart.execute.steps.weights._cache", nothing_kept)
        # A study whose weights no worker has in memory.
        training = {"updates": next(UPDATES), "batch_size": 16, "validations": 3}
        loaded = tiny(**SIZES, training=training)
        plan = make_plan(loaded.study, loaded.facts)
        self.run(plan, tmp_path, InlineExecutor())
        damaged = plan.sources[0].train_keys[0]
        with Store(tmp_path) as store:
            before = {key: row.blob.sha256 for key, row in store.rows(plan.steps).items()}
            path = blob_path(tmp_path, damaged)
            path.write_bytes(bytes(len(path.read_bytes())))
            users = {key for key, step in plan.steps.items() if damaged in step.inputs}
            for user in users:
                store.drop(user)
        tally, _ = self.run(plan, tmp_path, executor)
        assert not tally.failed
        assert tally.done == users | {damaged}
        with Store(tmp_path) as store:
            after = {key: row.blob.sha256 for key, row in store.rows(plan.steps).items()}
        assert after == before

    def test_results_do_not_depend_on_the_executor(
        self, executor: Executor, plan: Plan, tmp_path: Path
    ) -> None:
        self.run(plan, tmp_path / "own", executor)
        self.run(plan, tmp_path / "inline", InlineExecutor())
        with Store(tmp_path / "own") as own, Store(tmp_path / "inline") as inline:
            for key in plan.steps:
                one, other = own.row(key), inline.row(key)
                assert one is not None
                assert other is not None
                assert one.blob.sha256 == other.blob.sha256

    def test_a_step_that_fails_is_an_outcome_and_harms_no_other(
        self, executor: Executor, plan: Plan, tmp_path: Path
    ) -> None:
        broken = next(step for step in plan.steps.values() if step.kind == "train")
        object.__setattr__(broken, "datasets", {})
        tally, outcomes = self.run(plan, tmp_path, executor)
        (failed,) = (outcome for outcome in outcomes if outcome.status == "failed")
        assert failed.key == broken.key
        assert "KeyError" in failed.error
        assert tally.failed == (broken.key,)
        assert tally.run > 0

    def test_it_can_be_closed_twice_and_used_by_nobody(self) -> None:
        executor = self.make()
        executor.set_threads(os.cpu_count() or 1)
        executor.close()
        executor.close()

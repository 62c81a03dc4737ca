"""Small steps in one job: which go together, the same bits as alone, deaths and failures named."""

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from recording import Recording

from headstart.execute.commit import claim
from headstart.execute.executors import InlineExecutor, WorkerDied
from headstart.execute.job import Computed, Job, Results
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.execute.ready import Free, ReadySteps
from headstart.execute.scheduler import Tally, execute
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step, StepKind
from headstart.store.blobs import pack
from headstart.store.store import Store
from headstart.study.tasks import DataRef
from studies import tiny

SECOND = 15_000_000_000  # operations that the cost model says take a second


def step(name: str, *inputs: Step, seconds: float = 0.0, kind: StepKind = "train") -> Step:
    return Step(
        kind=kind,
        payload={"name": name},
        inputs=tuple(one.key for one in inputs),
        datasets={},
        label=name,
        updates=0,
        flops=int(seconds * SECOND),
    )


def plan_of(*steps: Step) -> Plan:
    return Plan(trials=(), sources=(), overlaps={}, steps={one.key: one for one in steps})


def jobs_of(plan: Plan, *, workers: int, handover: float) -> list[list[str]]:
    """Labels of the jobs that one free worker after the other is given, each done at once."""
    ready, found = ReadySteps(plan=plan, done=set(), device="cpu"), []
    while ready:
        keys = ready.take(Free(workers=workers, all_workers=workers, handover=handover))
        for key in keys:
            ready.finished(key)
        found.append([plan.steps[key].label for key in keys])
    return found


def trial(name: str) -> tuple[Step, Step, Step]:
    """A training of 0.05 seconds, with the usual overhead of a step, its test and score."""
    trained = step(f"train {name}", seconds=0.05)
    test = step(f"test {name}", trained, kind="predict")
    return trained, test, step(f"score {name}", test, kind="score")


def test_what_costs_nothing_to_hand_over_goes_alone() -> None:
    plan = plan_of(*trial("a"), *trial("b"))
    jobs = jobs_of(plan, workers=1, handover=0.0)
    assert jobs == [[name] for name in ("train a", "test a", "score a")] + [
        [name] for name in ("train b", "test b", "score b")
    ]


def test_a_small_training_takes_its_test_and_score_along() -> None:
    plan = plan_of(*trial("a"), *trial("b"))
    assert jobs_of(plan, workers=2, handover=0.01) == [
        ["train a", "test a", "score a"],
        ["train b", "test b", "score b"],
    ]


def test_one_worker_is_given_all_that_is_short() -> None:
    plan = plan_of(*trial("a"), *trial("b"))
    (job,) = jobs_of(plan, workers=1, handover=1.0)
    assert job[:2] == ["train a", "train b"]
    assert len(job) == 6


def test_a_long_training_goes_alone() -> None:
    trained = step("long", seconds=60.0)
    plan = plan_of(trained, step("test", trained, kind="predict"))
    assert jobs_of(plan, workers=1, handover=0.01) == [["long"], ["test"]]


def test_ready_work_is_divided_over_the_workers() -> None:
    """Each takes its share of what is left, so that the last jobs are the smallest."""
    plan = plan_of(*(step(str(number)) for number in range(16)))
    sizes = [len(job) for job in jobs_of(plan, workers=4, handover=1.0)]
    assert sizes == [4, 3, 2, 1, 1, 1, 1, 1, 1, 1]


def test_a_pack_is_no_longer_than_some_seconds_and_in_the_order_of_critical_paths() -> None:
    plan = plan_of(*(step(str(number), seconds=1.5 + number / 10) for number in range(6)))
    jobs = jobs_of(plan, workers=1, handover=99.0)
    assert jobs == [["5", "4"], ["3", "2"], ["1", "0"]]


def test_what_many_wait_for_is_not_packed_with_them() -> None:
    source = step("source", seconds=0.1)
    users = [step(str(number), source, seconds=0.1) for number in range(4)]
    plan = plan_of(source, *users)
    assert jobs_of(plan, workers=4, handover=1.0)[0] == ["source"]
    lone = plan_of(source, users[0])
    assert jobs_of(lone, workers=4, handover=1.0) == [["source", "0"]]


def test_searches_for_shared_images_are_in_no_pack() -> None:
    searches = [step(str(number), kind="overlap") for number in range(2)]
    plan = plan_of(*searches, step("train"))
    assert jobs_of(plan, workers=1, handover=1.0) == [["0"], ["1"], ["train"]]


def test_measured_steps_correct_the_model() -> None:
    """Tests that take a hundredth of what the model says go into larger packs."""
    steps = [step(str(number), kind="predict") for number in range(400)]
    plan = plan_of(*steps)
    ready = ReadySteps(plan=plan, done=set(), device="cpu")
    free = Free(workers=1, all_workers=1, handover=0.01)
    before = ready.take(free)
    for _ in range(100):
        ready.pace.measured(steps[0], 0.0015)
    again = ReadySteps(plan=plan, done=set(before), device="cpu", pace=ready.pace)
    assert len(again.take(free)) > 5 * len(before)


def test_a_group_of_long_trainings_leaves_the_other_workers_their_share() -> None:
    def grouped(name: str) -> Step:
        one = step(name, seconds=10.0)
        object.__setattr__(one, "batch_groups", {"cpu": "heads"})
        return one

    others = [step(f"other {number}", seconds=5.0) for number in range(8)]
    plan = plan_of(*(grouped(str(number)) for number in range(8)), *others)
    assert len(jobs_of(plan, workers=4, handover=0.0)[0]) == 3


# Real steps: bits, failures, deaths.


class Packing(Recording):
    """Does jobs here as if they were costly to hand over, and remembers them."""

    handover = 1.0


def small_plan() -> Plan:
    arms = ["scratch", "probe", "probe_then_full"]
    loaded = tiny(sizes=[20], seeds=2, arms=arms)
    return make_plan(loaded.study, loaded.facts)


def go(plan: Plan, folder: Path, executor: Any) -> tuple[Tally, list[tuple[str, str]]]:
    """What a run did, and what it said: (status or "started", label)."""
    said: list[tuple[str, str]] = []

    def listen(of: Step, report: StepOutcome | None) -> None:
        said.append(("started" if report is None else report.status, of.label))

    with Store(folder) as store:
        options = RunOptions(store=folder, workers=1, device="cpu")
        return execute(plan, store, options, executor, listen), said


def contents(plan: Plan, folder: Path) -> dict[str, tuple[Any, str]]:
    """Result and hash of the arrays of all that is stored, without times."""
    with Store(folder) as store:
        return {
            key: ({n: v for n, v in row.result.items() if n != "seconds"}, row.blob.sha256)
            for key, row in store.rows(plan.steps).items()
        }


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, str]]:
    """What the plan leaves where every step that is in no group has a job to itself."""
    folder = tmp_path_factory.mktemp("alone") / "store"
    go(small_plan(), folder, InlineExecutor())
    return contents(small_plan(), folder)


def test_results_do_not_depend_on_packing(
    alone: dict[str, tuple[Any, str]], store_folder: Path
) -> None:
    plan, packing = small_plan(), Packing()
    tally, said = go(plan, store_folder, packing)
    assert tally == Tally(done=frozenset(plan.steps))
    assert len(packing.submitted) < len(plan.steps) / 3
    chained = [one for job in packing.submitted for one in job]
    assert any(
        {other.key for other in job}.intersection(one.inputs)
        for job in packing.submitted
        for one in job
    )
    assert {one.key for one in chained} == set(plan.steps)
    assert contents(plan, store_folder) == alone
    for label in {label for _, label in said}:
        assert [what for what, of in said if of == label].count("started") == 1


def test_large_arrays_are_passed_on_from_their_file(
    alone: dict[str, tuple[Any, str]], store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.store.blobs.LARGE", 1)
    plan = small_plan()
    go(plan, store_folder, Packing())
    assert contents(plan, store_folder) == alone
    assert not list((store_folder / "incoming").iterdir())


def test_what_needs_a_step_that_failed_is_left_out_and_the_pack_goes_on(
    alone: dict[str, tuple[Any, str]], store_folder: Path
) -> None:
    plan = small_plan()
    broken = next(one for one in plan.steps.values() if one.label.startswith("scratch on target"))
    object.__setattr__(broken, "datasets", {c: DataRef(dataset="./no") for c in broken.datasets})
    tally, said = go(plan, store_folder, Packing())
    assert tally.failed == (broken.key,)
    assert tally.blocked == 3  # its test, the score of that and the list of mistakes
    assert ("failed", broken.label) in said
    found = contents(plan, store_folder)
    assert found == {key: alone[key] for key in found}
    assert len(found) == len(plan.steps) - 4


class DeadlyStep(Packing):
    """A worker that dies on any job with one step, for ever or as often as `times` says."""

    def __init__(self, deadly: str, times: int) -> None:
        super().__init__()
        self.deadly, self.times = deadly, times

    def submit(self, job: Job) -> Future[Results]:
        if self.times and any(one.label == self.deadly for one in job.steps):
            self.times -= 1
            self.submitted.append(job.steps)
            future: Future[Results] = Future()
            future.set_exception(WorkerDied("killed"))
            return future
        return super().submit(job)


@pytest.mark.parametrize("times", [1, 99])
def test_a_death_in_a_pack_is_named_by_running_its_steps_alone(
    times: int, alone: dict[str, tuple[Any, str]], store_folder: Path
) -> None:
    plan = small_plan()
    label = next(o.label for o in plan.steps.values() if o.label.startswith("scratch on target"))
    deadly = DeadlyStep(label, times)
    tally, _ = go(plan, store_folder, deadly)
    first = next(job for job in deadly.submitted if any(one.label == label for one in job))
    assert len(first) > 1
    found = contents(plan, store_folder)
    assert found == {key: alone[key] for key in found}
    if times == 1:
        assert tally == Tally(done=frozenset(plan.steps))
    else:
        assert [plan.steps[key].label for key in tally.failed] == [label]
        assert tally.blocked == 3


# A store that several processes write to.


def test_what_needs_a_step_that_another_process_works_on_is_not_claimed(tmp_path: Path) -> None:
    trained, test, score = trial("a")
    other = step("other")
    with Store(tmp_path) as there, there.lock_step(trained.key), Store(tmp_path) as store:
        found = claim([trained, other, test, score], store)
        with found.release:
            assert found.ours == (other,)
            assert found.waiting == (test, score)
            assert [busy for busy, _ in found.busy] == [trained]


class Meanwhile(Packing):
    """Before its first job comes back, another process has stored the first step otherwise."""

    def __init__(self, folder: Path, result: int) -> None:
        super().__init__()
        self.folder, self.result = folder, result

    def submit(self, job: Job) -> Future[Results]:
        if not self.submitted:
            with Store(self.folder) as other:
                put(other, job.steps[0], self.result)
        self.submitted.append(job.steps)
        future: Future[Results] = Future()
        future.set_result(tuple(made(one) for one in job.steps))
        return future


def made(one: Step, result: int = 0) -> Computed:
    return Computed(key=one.key, result={"n": result}, arrays=pack({}))


def put(store: Store, one: Step, result: int) -> None:
    computed = made(one, result)
    assert computed.arrays is not None
    store.put(
        key=one.key,
        kind=one.kind,
        version=1,
        payload=one.payload,
        inputs=one.inputs,
        result=computed.result,
        arrays=computed.arrays,
        seconds=0.0,
        environment={},
    )


@pytest.mark.parametrize("result", [0, 1])
def test_what_was_made_of_a_result_that_is_not_the_stored_one_is_done_again(
    result: int, store_folder: Path
) -> None:
    steps: Sequence[Step] = trial("a")
    executor = Meanwhile(store_folder, result)
    tally, _ = go(plan_of(*steps), store_folder, executor)
    assert [len(job) for job in executor.submitted] == [3, 2]
    assert tally.done == {one.key for one in steps[1:]}
    assert tally.found == {steps[0].key}
    with Store(store_folder) as store:
        assert bool(store.differing([steps[0].key])) is bool(result)

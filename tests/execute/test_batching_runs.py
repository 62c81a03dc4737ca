"""Steps done together: bits of single ones, work for every worker, failures that stay apart."""

import os
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from recording import Recording

from headstart.execute import ready, scheduler, worker
from headstart.execute.commit import claim
from headstart.execute.executors import InlineExecutor, WorkerDied
from headstart.execute.job import Computed, Job, Results
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.execute.scheduler import Tally, execute
from headstart.execute.steps import train as steps
from headstart.execute.steps.outcome import Outcome
from headstart.execute.steps.train import PreparedStep
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step, StepKind
from headstart.store.blobs import pack
from headstart.store.store import Store
from headstart.study.tasks import DataRef
from studies import tiny

Contents = dict[str, tuple[Any, dict[str, bytes]]]


def heads_study(**changes: Any) -> Plan:
    """Six heads of one stack on three source runs."""
    small = {"sizes": [20], "seeds": 3, "arms": ["scratch", "random_trunk", "probe"]}
    loaded = tiny(**{**small, **changes})
    return make_plan(loaded.study, loaded.facts)


def options(folder: Path) -> RunOptions:
    return RunOptions(store=folder, workers=1, device="cpu")


def go(plan: Plan, folder: Path, executor: Any = None) -> tuple[Tally, dict[str, StepOutcome]]:
    reports: dict[str, StepOutcome] = {}

    def listen(step: Step, report: StepOutcome | None) -> None:
        if report is not None:
            reports[step.key] = report

    with Store(folder) as store:
        tally = execute(plan, store, options(folder), executor or InlineExecutor(), listen)
    return tally, reports


def contents(plan: Plan, folder: Path) -> Contents:
    """All that a store holds of a plan but times."""
    with Store(folder) as store:
        return {
            key: (
                {name: value for name, value in row.result.items() if name != "seconds"},
                {name: array.tobytes() for name, array in store.arrays(key).items()},
            )
            for key, row in store.rows(plan.steps).items()
        }


def heads(plan: Plan) -> list[Step]:
    return [step for step in plan.steps.values() if step.batch_groups.get("cpu") is not None]


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What the heads' study leaves where every step is done by itself."""
    folder = tmp_path_factory.mktemp("single") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ready, "WIDEST", 1)
        go(heads_study(), folder)
    return contents(heads_study(), folder)


def test_heads_go_together_and_leave_the_bits_of_single_ones(
    single: Contents, store_folder: Path
) -> None:
    plan, recording = heads_study(), Recording()
    tally, reports = go(plan, store_folder, recording)
    assert tally == Tally(done=frozenset(plan.steps))
    together = [steps for steps in recording.submitted if len(steps) > 1]
    assert sorted(len(steps) for steps in together) == [6]
    assert len(single) == len(plan.steps)
    assert contents(plan, store_folder) == single
    assert all(report.seconds > 0 for report in reports.values())


def test_what_does_not_fit_into_memory_together_goes_in_turns(
    single: Contents, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "READY_BYTES", 1)
    go(heads_study(), store_folder)
    assert contents(heads_study(), store_folder) == single


def test_heads_on_the_same_features_go_together_however_large_these_are(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = {"updates": 12, "batch_size": 16, "validations": 3}
    rates = {"rates": [0.01, 0.03, 0.1]}
    loaded = tiny(
        sizes=[20],
        seeds=1,
        arms=["scratch", "probe"],
        training=training | rates,
        source_training=training,
    )
    plan, together = make_plan(loaded.study, loaded.facts), steps.train_prepared
    sizes: list[int] = []

    def counted(ready: Sequence[PreparedStep]) -> list[Outcome]:
        sizes.append(len(ready))
        return together(ready)

    monkeypatch.setattr(worker, "READY_BYTES", 1)
    monkeypatch.setattr(steps, "train_prepared", counted)
    go(plan, store_folder)
    assert max(sizes) == 3


def test_a_head_that_cannot_be_prepared_fails_alone(single: Contents, store_folder: Path) -> None:
    plan = heads_study()
    broken = heads(plan)[2]
    gone = {content: DataRef(dataset="./nowhere") for content in broken.datasets}
    object.__setattr__(broken, "datasets", gone)
    tally, reports = go(plan, store_folder)
    assert tally.failed == (broken.key,)
    assert "nowhere" in reports[broken.key].error
    found = contents(plan, store_folder)
    assert found == {key: single[key] for key in found}
    assert len(found) == len(plan.steps) - 3  # the head, its test and its score


def test_a_head_that_cannot_be_trained_fails_alone(
    single: Contents, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = heads_study()
    broken = heads(plan)[1]
    together = steps.train_prepared

    def refuse(ready: Sequence[PreparedStep]) -> list[Outcome]:
        if any(one.step.key == broken.key for one in ready):
            raise MemoryError("too wide")
        return together(ready)

    monkeypatch.setattr(steps, "train_prepared", refuse)
    tally, reports = go(plan, store_folder)
    assert tally.failed == (broken.key,)
    assert "too wide" in reports[broken.key].error
    found = contents(plan, store_folder)
    assert found == {key: single[key] for key in found}
    assert len(found) == len(plan.steps) - 3


def test_steps_that_are_done_or_busy_are_left_out(single: Contents, store_folder: Path) -> None:
    plan = heads_study()
    go(heads_study(arms=["scratch", "random_trunk"]), store_folder)
    stack = heads(plan)
    held = stack[-1]
    with Store(store_folder) as other, other.lock_step(held.key), Store(store_folder) as store:
        found = claim(stack, store)
        with found.release:
            assert list(found.done) == stack[:3]
            assert list(found.ours) == stack[3:-1]
            ((busy, holder),) = found.busy
    assert busy == held
    assert holder.startswith(f"process {os.getpid()} on ")


class Dying(Recording):
    """Its worker dies when two steps or more come together, and never with one alone."""

    def submit(self, job: Job) -> Future[Results]:
        if len(job.steps) == 1:
            return super().submit(job)
        self.submitted.append(job.steps)
        future: Future[Results] = Future()
        future.set_exception(WorkerDied("killed"))
        return future


def test_when_a_worker_dies_its_steps_are_tried_one_by_one(
    single: Contents, store_folder: Path
) -> None:
    plan, dying = heads_study(), Dying()
    tally, _ = go(plan, store_folder, dying)
    assert (tally.run, tally.failed) == (len(plan.steps), ())
    assert sorted(map(len, dying.submitted))[-2:] == [1, 6]
    assert contents(plan, store_folder) == single


# Who gets how many, with steps that are never really done.


class Handing:
    """Says of everything that it is done, without any work."""

    shared = True
    handover = 0.0

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.sizes: list[int] = []
        self.kinds: list[str] = []
        self.threads: list[int] = []
        self.threads_of_jobs: list[int] = []

    def submit(self, job: Job) -> Future[Results]:
        self.sizes.append(len(job.steps))
        self.kinds.append(job.steps[0].kind)
        self.threads_of_jobs.append(job.threads)
        future: Future[Results] = Future()
        future.set_result(tuple(Computed(key=step.key, arrays=pack({})) for step in job.steps))
        return future

    def set_threads(self, threads: int) -> None:
        self.threads.append(threads)

    def abandon(self) -> None:
        """No job is running."""

    def close(self) -> None:
        """Nothing to let go of."""


def made_up(number: int, stack: str | None, kind: StepKind = "train") -> Step:
    return Step(
        kind=kind,
        payload={"number": number},
        inputs=(),
        datasets={},
        label=str(number),
        updates=1,
        flops=int(kind == "train"),
        batch_groups={"cpu": stack} if stack else {},
    )


@pytest.mark.parametrize(
    ("stacks", "slots", "sizes"),
    [
        (["a"] * 40, 1, [16, 16, 8]),
        (["a"] * 12, 4, [3, 3, 3, 3]),
        (["a"] * 7, 2, [4, 3]),
        (["a"] * 2, 4, [1, 1]),
        (["a"] * 12 + [None] * 3, 4, [12, 1, 1, 1]),
        (["a"] * 8 + ["b"] * 8, 2, [8, 8]),
        (["a"] * 6 + ["b"] * 6, 3, [6, 3, 3]),
        (["a", None] * 3, 1, [3, 1, 1, 1]),
    ],
)
def test_a_stack_is_split_only_where_a_worker_would_have_nothing_to_do(
    stacks: list[str | None], slots: int, sizes: list[int], store_folder: Path
) -> None:
    steps = [made_up(number, stack) for number, stack in enumerate(stacks)]
    plan = Plan(trials=(), sources=(), overlaps={}, steps={step.key: step for step in steps})
    handing = Handing(slots)
    tally, reports = go(plan, store_folder, handing)
    assert handing.sizes == sizes
    assert reports.keys() == plan.steps.keys()
    assert tally.run == len(steps)


@pytest.mark.parametrize(
    ("slots", "kinds"),
    [
        (1, ["overlap", "overlap", "overlap", "train", "train"]),
        (2, ["overlap", "train", "overlap", "train", "overlap"]),
        (3, ["overlap", "train", "train", "overlap", "overlap"]),
    ],
)
def test_searches_for_shared_images_never_keep_every_worker_from_training(
    slots: int, kinds: list[str], store_folder: Path
) -> None:
    steps = [made_up(number, None, "overlap") for number in range(3)]
    steps += [made_up(number, None) for number in range(2)]
    plan = Plan(trials=(), sources=(), overlaps={}, steps={step.key: step for step in steps})
    handing = Handing(slots)
    go(plan, store_folder, handing)
    assert handing.kinds == kinds


@pytest.mark.parametrize(
    ("slots", "threads", "of_jobs"),
    [
        (1, [1, 1, 1], [1, 1, 1]),
        (2, [1, 2], [1, 1, 2]),
        (4, [1], [1, 1, 1]),
        (8, [2], [2, 2, 2]),
    ],
)
def test_a_job_has_the_threads_that_nobody_else_needs(
    slots: int, threads: list[int], of_jobs: list[int], store_folder: Path
) -> None:
    """Three trainings: as long as there are more than slots, each has one thread."""
    steps = [made_up(number, None) for number in range(3)]
    plan = Plan(trials=(), sources=(), overlaps={}, steps={step.key: step for step in steps})
    handing = Handing(slots)
    go(plan, store_folder, handing)
    assert handing.threads == threads
    assert handing.threads_of_jobs == of_jobs


@pytest.mark.parametrize(("device", "sizes"), [("cpu", [1, 1, 1]), ("cuda", [3])])
def test_whole_networks_go_together_where_the_device_has_room_for_more(
    device: str, sizes: list[int], store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = tiny(sizes=[20], seeds=3, arms=["scratch"])
    plan = make_plan(loaded.study, loaded.facts)
    trained = {key: step for key, step in plan.steps.items() if step.kind == "train"}
    handing = Handing(1)
    monkeypatch.setattr(scheduler, "device_for", lambda wanted: device)
    go(Plan(trials=(), sources=(), overlaps={}, steps=trained), store_folder, handing)
    assert handing.sizes == sizes


def test_the_widest_stack_is_what_the_scheduler_says(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "WIDEST", 2)
    recording = Recording()
    go(heads_study(), store_folder, recording)
    assert max(len(steps) for steps in recording.submitted) == 2

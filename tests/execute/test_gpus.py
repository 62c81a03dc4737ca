"""Which worker has which GPU, what a job asks of a node, and what a death for memory says."""

import os
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.execute.executors import KilledForMemory, ProcessExecutor
from headstart.execute.executors.processes import _death, _held, _take_place, _thread_budget
from headstart.execute.executors.resources import PROCESS, resources
from headstart.execute.gpus import CONTEXT, Gpu, at_a_time, gpus_here, least_memory, places
from headstart.execute.job import make_job
from headstart.execute.outcomes import out_of_memory
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny

GB = 10**9


def gpu(number: int, free: int = 80 * GB) -> Gpu:
    return Gpu(id=f"GPU-{number}", name="NVIDIA H200", free=free, total=80 * GB)


def test_every_gpu_has_a_worker_before_any_has_two() -> None:
    assert places([gpu(0), gpu(1), gpu(2)], GB) == ("GPU-0", "GPU-1", "GPU-2") * 2
    assert places([gpu(0), gpu(1), gpu(2)], GB, 4) == ("GPU-0", "GPU-1", "GPU-2", "GPU-0")
    assert places([gpu(0), gpu(1)], GB, 1) == ("GPU-0",)
    assert places([gpu(0)], GB) == ("GPU-0", "GPU-0")
    assert places([], GB) == ()


def test_a_gpu_that_is_nearly_full_has_one_training_at_a_time() -> None:
    full = gpu(1, free=4 * GB)
    assert places([gpu(0), full], 2 * GB) == ("GPU-0", "GPU-1", "GPU-0")
    assert places([full], 100 * GB) == ("GPU-1",)  # its failure is named


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 200 * GB), min_size=1, max_size=8),
    st.integers(0, 100 * GB),
    st.none() | st.integers(1, 40),
)
def test_no_gpu_is_idle_while_another_has_two(
    free: list[int], needed: int, workers: int | None
) -> None:
    gpus = [gpu(number, bytes_) for number, bytes_ in enumerate(free)]
    found = places(gpus, needed, workers)
    counts = [found.count(one.id) for one in gpus]
    assert len(found) >= (workers or len(gpus))
    assert not (0 in counts and max(counts) > 1)
    if workers is None:
        for one, count in zip(gpus, counts, strict=True):
            assert count == 1 or count * (needed + CONTEXT) <= one.free


def test_gpus_are_those_that_the_driver_lists_and_the_user_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\n"
        "echo 'GPU-aa, NVIDIA H200, 1000, 2000'\necho 'GPU-bb, NVIDIA A100, 10, 20'\n"
        "echo 'GPU-cc, NVIDIA A100, 10, 20'\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    every = gpus_here({})
    assert every[0] == Gpu(id="GPU-aa", name="NVIDIA H200", free=1000 << 20, total=2000 << 20)
    assert least_memory(every) == 20 << 20
    for named, ids in (
        ("2,0", ["GPU-cc", "GPU-aa"]), ("GPU-b", ["GPU-bb"]), ("", []), ("7", []),
    ):  # fmt: skip
        assert [one.id for one in gpus_here({"CUDA_VISIBLE_DEVICES": named})] == ids
    tool.write_text("#!/bin/sh\necho 'No devices were found'\n")
    assert gpus_here({}) == ()
    assert least_memory(()) == 0


def test_each_worker_sees_the_gpu_of_a_place_that_no_other_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    seen = list[str]()

    def start() -> None:
        _take_place("a-test", places=("GPU-a", "GPU-b"))
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])

    before = len(_held)
    try:
        start()
        start()
        _held[before].release()  # as the system does when a worker ends
        start()
    finally:
        for lock in _held[before:]:
            lock.release()
        del _held[before:]
    assert seen == ["GPU-a", "GPU-b", "GPU-a"]


@pytest.mark.slow
def test_workers_hold_their_places(tmp_path: Path) -> None:
    loaded = tiny(sizes=[20], seeds=1)
    first = next(iter(make_plan(loaded.study, loaded.facts).steps.values()))
    executor = ProcessExecutor(2, ("GPU-a", "GPU-b"))
    try:
        with Store(tmp_path) as store:
            (computed,) = executor.submit(make_job([first], store, "cpu", shared=True)).result()
        assert not computed.error
        lock = FileLock(
            Path(tempfile.gettempdir()) / f"headstart-{_thread_budget().name}-gpu0.lock"
        )
        with pytest.raises(Timeout):
            lock.acquire(timeout=0)
    finally:
        executor.abandon()
    lock.acquire(timeout=10)
    lock.release()


def test_a_job_asks_for_what_its_training_takes_and_never_for_more_than_a_node_has() -> None:
    assert resources(1, 0, None, 0) == {"num_cpus": 1}
    assert resources(3, GB, None, 64 * GB) == {"num_cpus": 3, "memory": PROCESS + GB}
    assert resources(1, 100 * GB, None, 10 * GB)["memory"] == 9.5 * GB
    assert resources(1, GB, 80 * GB, 64 * GB)["num_gpus"] == 0.5
    assert resources(1, 60 * GB, 80 * GB, 64 * GB)["num_gpus"] == 1
    assert resources(1, GB, 0, 64 * GB)["num_gpus"] == 1  # a GPU whose memory is not known
    assert at_a_time(0, 0) == 1


def test_a_death_by_signal_9_is_one_for_memory() -> None:
    said = "A worker stopped.\nThe exit codes of the workers are {SIGKILL(-9)}"
    assert isinstance(_death(said), KilledForMemory)
    assert not isinstance(_death(said.replace("SIGKILL(-9)", "SIGSEGV(-11)")), KilledForMemory)


def test_a_step_that_was_killed_for_memory_is_named_with_its_estimate() -> None:
    loaded = tiny(sizes=[20], seeds=1)
    steps = make_plan(loaded.study, loaded.facts).steps.values()
    training = next(step for step in steps if step.kind == "train")
    assert training.memory > 784 * 20
    assert " MB by estimate. Take a smaller batch_size" in out_of_memory(training)
    scoring = next(step for step in steps if step.kind == "score")
    assert "this is a step. Take" in out_of_memory(scoring)

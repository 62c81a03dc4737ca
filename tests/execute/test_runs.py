"""Whole runs of tiny studies: reuse, resumption, worker deaths, shared stores, failing steps."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from headstart import flow
from headstart.core.errors import StoreDamaged, StoreFull
from headstart.core.lru import SizedLRU
from headstart.execute.executors import Executor, InlineExecutor
from headstart.execute.job import Job
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.execute.scheduler import Tally, execute
from headstart.execute.steps import train, weights
from headstart.execute.steps.weights import StoredWeights
from headstart.flow import Loaded, run
from headstart.networks.weights import Weights
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step
from headstart.store.store import Store
from headstart.study.tasks import DataRef
from studies import tiny, tiny_table


def silent(*_: object) -> None:
    """Listen to nothing."""


def go(loaded: Loaded, folder: Path, workers: int = 1) -> Tally:
    options = RunOptions(store=folder, workers=workers, device="cpu")
    return run(loaded, options, listen=silent).tally


def contents(loaded: Loaded, folder: Path) -> dict[str, tuple[Any, dict[str, bytes]]]:
    """Everything that a store holds of a study but times and places."""
    plan = make_plan(loaded.study, loaded.facts)
    with Store(folder) as store:
        found = {}
        for key, row in store.rows(plan.steps).items():
            result = {name: value for name, value in row.result.items() if name != "seconds"}
            arrays = {name: array.tobytes() for name, array in store.arrays(key).items()}
            found[key] = (result, arrays)
    assert found.keys() == plan.steps.keys()
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the tiny study ran from start to end in one process."""
    folder = tmp_path_factory.mktemp("undisturbed") / "store"
    go(tiny(), folder)
    return folder


def test_a_second_run_does_nothing(undisturbed: Path) -> None:
    tally = go(tiny(), undisturbed)
    assert tally == Tally(found=frozenset(make_plan(*_pair()).steps))


def _pair() -> tuple[Any, Any]:
    loaded = tiny()
    return loaded.study, loaded.facts


def test_what_nothing_is_trained_from_goes_first(store_folder: Path) -> None:
    """A trial that can be told is told before the next training begins."""
    loaded, order = tiny(), []
    options = RunOptions(store=store_folder, workers=1, device="cpu")

    def listen(step: Step, report: StepOutcome | None) -> None:
        if report is None:
            order.append(step)

    run(loaded, options, listen=listen)
    began = {step.key: at for at, step in enumerate(order)}
    for at, step in enumerate(order):
        if step.kind == "predict":
            trained = order[began[step.inputs[-1]]]
            between = [s for s in order[began[trained.key] : at] if s.kind == "train"]
            assert all(
                other.batch_groups.get("cpu") == trained.batch_groups.get("cpu")
                for other in between
            )
            assert order[at + 1].kind == "score"


def test_two_workers_give_the_same_bits_as_one(undisturbed: Path, store_folder: Path) -> None:
    go(tiny(), store_folder, workers=2)
    assert contents(tiny(), store_folder) == contents(tiny(), undisturbed)


def test_more_seeds_run_only_what_is_missing(store_folder: Path) -> None:
    first = go(tiny(seeds=2, sizes=[20]), store_folder)
    more = tiny(seeds=3, sizes=[20])
    assert go(more, store_folder).reused == first.run - 1  # mistakes are listed over all seeds
    assert go(tiny(seeds=2, sizes=[20], arms=["scratch"]), store_folder).run == 0


def test_a_frozen_trunk_is_that_of_the_source_and_a_head_is_shared(undisturbed: Path) -> None:
    loaded = tiny()
    plan = make_plan(loaded.study, loaded.facts)
    with Store(undisturbed) as store:
        for trial in plan.trials:
            found, _ = StoredWeights(store, {}).finished(trial.train_keys, "last")
            if trial.arm != "probe":
                continue
            source = next(s for s in plan.sources if s.seed == trial.seed)
            row = store.row(source.train_keys[-1])
            assert row is not None
            kept = store.arrays(source.train_keys[-1])
            which = "best" if any(name.startswith("best/") for name in kept) else "last"
            for stage in ("dense1.0", "dense2.0"):
                np.testing.assert_array_equal(
                    found[f"{stage}.weight"], kept[f"{which}/{stage}.weight"]
                )


# A run that is killed in the middle, as often as it takes, ends like one that was not.

RUNNER = """
import json, sys
from pathlib import Path
from headstart.cli import main
sys.argv = ["headstart", "run", sys.argv[1], "--store", sys.argv[2], "--workers", sys.argv[3],
            "--device", "cpu", "--json"]
main()
"""


def started(folder: Path, study: Path, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(study), str(folder), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell puts in the background starts with Ctrl-C ignored, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def blobs(folder: Path) -> int:
    return len(list(folder.glob("blobs/*/*.safetensors")))


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_and_again_ends_with_the_same_bits(
    workers: int, undisturbed: Path, store_folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "tiny.toml"
    study.write_text(tomli_w.dumps(tiny_table()))
    for enough in (1, 7, 20):
        process = started(store_folder, study, workers)
        wait_for(lambda enough=enough: blobs(store_folder) >= enough, process)  # type: ignore[misc]
        # The whole session: the command and its workers, as a power cut would.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    last = started(store_folder, study, workers)
    out, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    # A blob is there a moment before its row: what was in flight may not count yet.
    assert json.loads(out)["steps"]["reused"] >= 20 - workers
    assert contents(tiny(), store_folder) == contents(tiny(), undisturbed)


def test_workers_end_when_only_the_command_is_killed(store_folder: Path, tmp_path: Path) -> None:
    study = tmp_path / "tiny.toml"
    study.write_text(tomli_w.dumps(tiny_table(training={"updates": 40_000, "batch_size": 16})))
    process = started(store_folder, study, 2)
    wait_for(lambda: blobs(store_folder) >= 1, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for_group_to_end(process.pid)


def wait_for_group_to_end(group: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        members = [path for path in Path("/proc").glob("[0-9]*") if _group_of(path) == group]
        if not members:
            return
        time.sleep(0.1)
    pytest.fail(f"processes of the killed run are still there: {members}")


def _group_of(process: Path) -> int | None:
    try:
        state, _, group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state == "Z" else int(group)


def test_two_runs_on_one_store_share_the_work(
    undisturbed: Path, store_folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "tiny.toml"
    study.write_text(tomli_w.dumps(tiny_table()))
    both = [started(store_folder, study, 1) for _ in range(2)]
    told = []
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        told.append(json.loads(out)["steps"])
    steps = len(make_plan(*_pair()).steps)
    assert sum(said["run"] for said in told) == steps
    assert all(said["run"] + said["reused"] == steps for said in told)
    assert contents(tiny(), store_folder) == contents(tiny(), undisturbed)


def test_ctrl_c_stops_says_how_to_go_on_and_leaves_no_worker(
    store_folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "tiny.toml"
    study.write_text(tomli_w.dumps(tiny_table(training={"updates": 40_000, "batch_size": 16})))
    process = started(store_folder, study, 2)
    wait_for(lambda: blobs(store_folder) >= 1, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped. What was finished is kept; the same command goes on from there." in err
    assert "Traceback" not in err
    assert out == ""
    wait_for_group_to_end(process.pid)


# Steps that fail and workers that die.


def test_a_damaged_blob_is_computed_again(
    undisturbed: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: SizedLRU[Weights] = SizedLRU(0, lambda _: 1)  # a process that has read nothing yet
    monkeypatch.setattr(weights, "_cache", nothing)
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "probe"])
    go(loaded, store_folder)
    before = contents(loaded, store_folder)
    plan = make_plan(loaded.study, loaded.facts)
    key = plan.sources[0].train_keys[0]
    path = store_folder / "blobs" / key[:2] / f"{key}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with Store(store_folder) as store:  # make something need the damaged weights
        user = next(k for k, step in plan.steps.items() if key in step.inputs)
        (store_folder / "blobs" / user[:2] / f"{user}.safetensors").unlink()
        assert store.row(user) is None
    tally = go(loaded, store_folder)
    assert tally.failed == ()
    assert contents(loaded, store_folder) == before


def test_damage_that_no_new_run_can_mend_ends_the_run(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it was tried again for ever, for it names no step that could be computed anew."""
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "full"])

    def gone(*_: object) -> None:
        raise StoreDamaged("the library that draws first weights is another one")

    monkeypatch.setattr(train, "training_examples", gone)
    with pytest.raises(StoreDamaged, match="another one"):
        go(loaded, store_folder)


class Suicidal(InlineExecutor):
    """An executor whose worker dies on steps of one arm, as often as told."""

    def __init__(self, arm: str, crashes: int) -> None:
        self.arm, self.crashes, self.asked = arm, crashes, 0

    def submit(self, job: Job) -> Any:
        """Submit to a real pool; the step kills its own process."""
        from loky import get_reusable_executor

        from headstart.execute.executors.processes import _translated
        from headstart.execute.worker import do_job

        pool = get_reusable_executor(max_workers=1, timeout=60)
        if job.steps[0].label.startswith(f"{self.arm} on target") and self.asked < self.crashes:
            self.asked += 1
            return _translated(pool.submit(os.kill, pool.submit(os.getpid).result(), 9))
        return _translated(pool.submit(do_job, job))


def _run_with(executor: Executor, plan: Plan, folder: Path) -> tuple[Tally, list[StepOutcome]]:
    reports: list[StepOutcome] = []

    def listen(step: Step, report: StepOutcome | None) -> None:
        if report is not None:
            reports.append(report)

    with Store(folder) as store:
        options = RunOptions(store=folder, workers=1, device="cpu")
        return execute(plan, store, options, executor, listen), reports


def test_a_worker_that_dies_once_is_replaced_and_the_step_runs_again(store_folder: Path) -> None:
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "full"])
    plan = make_plan(loaded.study, loaded.facts)
    tally, _ = _run_with(Suicidal("full", 1), plan, store_folder)
    assert tally.failed == ()
    assert tally.run == len(plan.steps)


def test_a_step_that_kills_its_worker_twice_fails_and_the_rest_goes_on(store_folder: Path) -> None:
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "full"])
    plan = make_plan(loaded.study, loaded.facts)
    tally, reports = _run_with(Suicidal("full", 99), plan, store_folder)
    assert len(tally.failed) == 1
    assert tally.blocked == 3  # its test, the score of that and the list of mistakes
    failed = next(report for report in reports if report.status == "failed")
    assert "the worker process died twice on this step" in failed.error
    assert "by estimate. Take a smaller batch_size" in failed.error  # signal 9, as for memory
    with Store(store_folder) as store:
        assert list(store.failures(plan.steps)) == [failed.key]
    # The next run tries it again, and the failure is forgotten.
    again = go(loaded, store_folder)
    assert (again.run, again.failed) == (4, ())
    with Store(store_folder) as store:
        assert store.failures(plan.steps) == {}


def test_a_step_that_raises_is_a_row_that_says_why(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "full"])
    plan = make_plan(loaded.study, loaded.facts)
    broken = next(key for key, step in plan.steps.items() if step.label.startswith("full on"))
    # Its data has gone since it was planned.
    step = plan.steps[broken]
    gone = {content: DataRef(dataset="./nowhere") for content in step.datasets}
    object.__setattr__(step, "datasets", gone)
    tally, reports = _run_with(InlineExecutor(), plan, store_folder)
    assert tally.failed == (broken,)
    assert tally.blocked == 3
    failed = next(report for report in reports if report.status == "failed")
    assert failed.error.startswith("data set './nowhere': ")  # of bad input a sentence
    with Store(store_folder) as store:
        assert store.failures(plan.steps)[broken].label.startswith("full on target")
    monkeypatch.setattr(train, "training_examples", _broken)  # of a fault of the program all of it
    _, reports = _run_with(InlineExecutor(), plan, store_folder)
    failed = next(report for report in reports if report.status == "failed")
    assert failed.error.startswith("Traceback")
    assert "ZeroDivisionError" in failed.error


def _broken(*_: object) -> None:
    raise ZeroDivisionError


def test_a_full_disk_stops_the_run_and_keeps_what_was_finished(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "full"])
    written = 0
    sync = os.fsync

    def full_after_two(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written > 4:  # a blob is synced, and then its folder
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full_after_two)
    with pytest.raises(StoreFull, match="free some space and run the same command again"):
        go(loaded, store_folder)
    monkeypatch.undo()
    tally = go(loaded, store_folder)
    assert tally.reused == 2
    assert tally.failed == ()


def test_a_store_remembers_the_order_of_merged_classes(store_folder: Path) -> None:
    """The order of a table of classes is that of the labels: sorted, it is another task."""
    tasks = tiny_table()["tasks"]
    tasks["target"]["classes"] = {"odd": [1, 3], "even": [0, 2, 4]}
    loaded = tiny(tasks=tasks, sizes=[20], seeds=1, arms=["scratch", "full"])
    go(loaded, store_folder)
    with Store(store_folder) as store:
        recalled = flow.reopen(store, "tiny")
        assert recalled.plan.steps.keys() == make_plan(loaded.study, loaded.facts).steps.keys()
        analysis, summary = flow.report_again(store, recalled)
    assert analysis.num_done == 2
    assert summary.steps_reused == len(recalled.plan.steps)

"""Ray's errors in headstart's words, and an object store that is full with its disk."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.core.errors import ClusterError, HeadstartError
from headstart.execute.executors import KilledForMemory, WorkerDied
from headstart.execute.executors.ray_errors import in_the_object_store, translated

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of Ray


def test_a_worker_that_is_killed_for_memory_is_not_any_lost_worker() -> None:
    errors = ray.exceptions
    killed = translated(errors.OutOfMemoryError("Task was killed due to the node running low."))
    assert isinstance(killed, KilledForMemory)
    assert str(killed) == "Task was killed due to the node running low"
    lost = translated(errors.WorkerCrashedError())
    assert isinstance(lost, WorkerDied)
    assert not isinstance(lost, KilledForMemory)


def test_a_full_object_store_is_named_wherever_it_is_met() -> None:
    full = ray.exceptions.ObjectStoreFullError("The object store is full.\nmore")
    for error in (full, ray.exceptions.RayTaskError("f", "", full, 1)):
        found = translated(error)
        assert isinstance(found, ClusterError)
        assert str(found).startswith("Ray's object store is full: ")
    with (
        pytest.raises(ClusterError, match="ray start --object-store-memory"),
        in_the_object_store(),
    ):
        raise full
    other = HeadstartError("as it is")
    assert translated(ray.exceptions.RayTaskError("f", "", other, 1)) is other


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 150 MB, at a path that is short enough for Ray's sockets."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a small disk takes root")
    folder = Path(tempfile.mkdtemp(prefix="hs"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def fill() -> None:
    held = list[object]()
    with in_the_object_store():
        for _ in range(20):
            held.append(ray.put(os.urandom(20 << 20)))


@pytest.mark.slow
def test_an_object_store_that_is_full_with_its_disk(small_disk: Path) -> None:
    ray.shutdown()
    ray.init(
        "local",
        num_cpus=1,
        object_store_memory=80_000_000,
        include_dashboard=False,
        log_to_driver=False,
        _temp_dir=str(small_disk),
    )
    try:
        with pytest.raises(ClusterError, match="Ray's object store is full: "):
            fill()
    finally:
        ray.shutdown()

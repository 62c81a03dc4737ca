"""A Ray cluster of three nodes whose workers, nodes and coordinator are killed at random.

`HEADSTART_KILLS=100 python -m pytest -m slow tests/execute/test_ray_faults.py -s` prints counts.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from untimed import untimed

from headstart.store.store import Store
from studies import tiny_table
from study_files import write_study

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

KILLS = int(os.environ.get("HEADSTART_KILLS", "6"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


class Coordinator:
    """`headstart run` on the cluster, begun again whenever it was killed."""

    def __init__(self, study: Path, store: Path, address: str) -> None:
        self._command = [
            *(sys.executable, "-m", "headstart", "run", str(study), "--store", str(store)),
            *("--executor", "ray", "--address", address, "--json"),
        ]
        self._outputs = tuple(store.with_suffix(name) for name in (".out", ".err"))
        self.process = self._start()

    def output(self) -> str:
        """What it has printed."""
        return self._outputs[0].read_text()

    def ended(self) -> bool:
        """Whether it came to its end."""
        if self.process.poll() is None:
            return False
        assert self.process.returncode == 0, self._outputs[1].read_text()
        return True

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self._command,
            stdout=self._outputs[0].open("w"),
            stderr=self._outputs[1].open("w"),
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def kill(self) -> None:
        """kill -9, and the same command again."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()


def workers() -> list[int]:
    """Processes that Ray has for jobs; its own agents end their node when they are killed."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            name = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
            if name.startswith((b"ray::_do", b"ray::IDLE")):
                found.append(int(folder.name))
    return found


def kill_something(cluster: Any, coordinator: Coordinator, chance: random.Random) -> list[str]:
    """Kill a worker if there is one, a node or the coordinator; a new node takes its place."""
    what = chance.choice(["worker", "worker", "node", "coordinator"])
    if what == "worker":
        there = workers()
        if not there:
            return []
        with suppress(ProcessLookupError):
            os.kill(chance.choice(there), signal.SIGKILL)
    elif what == "node":
        cluster.remove_node(chance.choice(list(cluster.worker_nodes)), allow_graceful=False)
        cluster.add_node(num_cpus=1)
    else:
        coordinator.kill()
    return [what]


def run_here(study: Path, store: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "headstart", "run", str(study), "--store", str(store), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return done.stdout


def test_random_kills_change_no_number(cluster: Any, tmp_path: Path) -> None:
    chance, kills, studies = random.Random(0), Counter[str](), 0
    table = tiny_table(sizes=[20, 40], seeds=3, arms=["scratch", "probe", "full"])
    study = write_study(tmp_path / "tiny.toml", table)
    expected = run_here(study, tmp_path / "here")
    while sum(kills.values()) < KILLS:
        store = tmp_path / f"store{studies}"
        coordinator = Coordinator(study, store, cluster.address)
        while not coordinator.ended():
            time.sleep(chance.uniform(0.5, 4.0))
            if coordinator.process.poll() is None and sum(kills.values()) < KILLS:
                kills.update(kill_something(cluster, coordinator, chance))
        assert untimed(coordinator.output()) == untimed(expected)
        with Store(store) as opened:
            keys = [p.stem for p in (store / "blobs").rglob("*.safetensors")]
            assert opened.differing(keys) == {}
        studies += 1
    print(f"\n{dict(kills)} in {studies} studies")

"""Nodes of a Ray cluster that do not see photos and weights, or see others, are sent them once.

Each node has a cache to itself; one runs in a mount namespace in which the folder of the photos
and weights is empty, and one in which it holds other photos under the same names.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file
from test_pretrained import trunk_of
from untimed import untimed

from study_files import write_study

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed"),
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
        reason="a node that sees other files is one in a mount namespace, which takes root",
    ),
]


def draw_photos(folder: Path, seed: int) -> Path:
    draw = np.random.default_rng(seed)
    for number, label in enumerate("abcd"):
        (folder / label).mkdir(parents=True)
        for photo in range(16):
            pixels = draw.integers(0, 160, (28, 28, 3), dtype=np.uint8)
            pixels[..., number % 3] += np.uint8(20 * number)
            Image.fromarray(pixels).save(folder / label / f"{photo}.png")
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos and weights."""
    folder = tmp_path_factory.mktemp("mine")
    draw_photos(folder / "photos", 0)
    save_file(
        {f"module.{name}": array for name, array in trunk_of().items()}, folder / "w.safetensors"
    )
    return folder


class Nodes:
    """A head that computes nothing, and nodes with a cache each."""

    def __init__(self, folder: Path, mine: Path) -> None:
        from ray.cluster_utils import Cluster

        self.folder: Path = folder
        self.mine = mine
        self.head = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )

    def join(self, name: str, sees: Path, end: ExitStack) -> Path:
        """A node that finds `sees` where the photos and weights lie; gives its cache."""
        ray = Path(sys.executable).with_name("ray")
        start = f'mount --bind "{sees}" "{self.mine}" && exec "{ray}" start --block --num-cpus=1 '
        cache, before = self.folder / name, len(alive(self.head))
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", f"{start} --address={self.head.address}"],
            env=os.environ
            | {"HEADSTART_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end.callback(process.wait)
        end.callback(process.terminate)
        until = time.monotonic() + 60
        while len(alive(self.head)) == before:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        return cache / "received"


def alive(cluster: Any) -> list[Any]:
    return [node for node in cluster.global_state.node_table() if node["Alive"]]


@pytest.fixture
def nodes(tmp_path: Path, mine: Path) -> Iterator[Nodes]:
    made = Nodes(tmp_path, mine)
    yield made
    made.head.shutdown()


def study_of(mine: Path, folder: Path) -> Path:
    table = {
        "name": "sent",
        "sources": {
            "other": {"pretrained": "timm:test_resnet", "weights": str(mine / "w.safetensors")}
        },
        "tasks": {
            "target": {
                "dataset": str(mine / "photos"),
                "image": {"size": [32, 32]},
                "split": {"validation": 8},
            }
        },
        "leaks": {"near": "off"},
        "training": {"updates": 4, "batch_size": 8, "validations": 2},
        "arms": ["scratch", "full", "probe"],
        "sizes": [20],
        "seeds": 2,
        "margin": 1.0,
    }
    return write_study(folder / "study.toml", table)


def start(study: Path, store: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "headstart",
            "run",
            str(study),
            "--store",
            str(store),
            "--json",
            *words,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@pytest.fixture(scope="module")
def at_home(mine: Path) -> tuple[Path, str]:
    """The study, and what a run of it on this machine alone prints."""
    study = study_of(mine, mine)
    printed, said = start(study, mine / "store").communicate()
    assert printed, said
    return study, printed


def test_nodes_are_sent_what_they_lack_and_no_more(
    nodes: Nodes, mine: Path, at_home: tuple[Path, str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    others = draw_photos(tmp_path / "others" / "photos", 1).parent
    study, here = at_home
    with ExitStack() as end:
        bare = nodes.join("bare", tmp_path / "empty", end)
        other = nodes.join("other", others, end)
        seeing = nodes.join("seeing", mine, end)
        cluster = ("--executor", "ray", "--address", nodes.head.address)
        run = start(study, tmp_path / "there", *cluster)
        there, said = run.communicate()
        assert run.returncode == 0, said
        assert re.search(
            rf"sending data set '{mine}/photos' \(19\d kB\) to 2 nodes that lack", said
        )
        assert f"sending file {mine / 'w.safetensors'} (" in said
        assert untimed(there) == untimed(here)
        for cache in (bare, other):
            sent = [path.suffix for path in cache.iterdir() if path.suffix != ".lock"]
            assert sorted(sent) == [".npy", ".safetensors"]
        assert not seeing.exists()


def test_a_node_that_joins_later_is_sent_it_then(
    nodes: Nodes, at_home: tuple[Path, str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    study, here = at_home
    with ExitStack() as end:
        run = start(study, tmp_path / "there", "--executor", "ray", "--address", nodes.head.address)
        assert run.stderr is not None
        said = ""
        while "waiting for a node" not in said:  # there is none that computes
            said += (line := run.stderr.readline())
            assert line, said
        late = nodes.join("late", tmp_path / "empty", end)
        there, rest = run.communicate()
        assert run.returncode == 0, rest
        assert "which lacks it" in rest
        assert untimed(there) == untimed(here)
        assert len([path for path in late.iterdir() if path.suffix != ".lock"]) == 2

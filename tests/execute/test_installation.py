"""Examination of an installation: what is met, what is broken, and what is said of it."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headstart.execute.installation import examine as examination
from headstart.execute.installation import machine
from headstart.execute.installation.diagnosis import Torch
from headstart.execute.installation.examine import examine
from headstart.execute.installation.extras import (
    EXTRAS,
    declared_requirements,
    extras,
    required,
    unmet,
)
from headstart.execute.installation.machine import TorchProbe

DECLARED = tuple(
    map(
        Requirement,
        (
            "numpy>=2",
            'headstart[timm]; extra == "photos"',
            'weights-not-there>=0.1; extra == "photos"',
            'numpy>=999; extra == "timm"',
            'pillow; extra == "hf"',
            "pyarrow; python_version < '3' and extra == 'parquet'",
        ),
    )
)


def test_what_headstart_needs_is_not_what_its_extras_need() -> None:
    assert [str(one) for one in required(DECLARED)] == ["numpy>=2"]
    assert unmet(required(DECLARED)) == ()


def test_an_extra_is_missing_where_a_package_is_not_there_or_is_too_old() -> None:
    found = {one.name: one for one in extras(DECLARED)}
    assert list(found) == list(EXTRAS)
    too_old, absent = found["photos"].missing
    assert too_old.startswith("numpy ")
    assert too_old.endswith(" is installed, needed is >=999")
    assert absent == "weights-not-there is not installed"
    assert found["photos"].install == "pip install 'headstart[photos]'"
    assert found["hf"].missing == ()
    assert found["hf"].available


def test_an_extra_without_packages_for_this_python_is_not_to_be_had() -> None:
    assert not {one.name: one for one in extras(DECLARED)}["parquet"].available


def test_what_the_installed_package_declares_is_read() -> None:
    names = {one.name for one in required(declared_requirements())}
    assert {"torch", "numpy", "typer"} <= names
    assert "timm" not in names


@pytest.fixture
def broken_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libtorch_cpu.so: cannot open')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("broken_torch")
def test_a_torch_that_cannot_be_imported_is_said() -> None:
    assert TorchProbe().result() == "OSError: libtorch_cpu.so: cannot open"


def test_a_torch_that_ends_python_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert TorchProbe().result() == "Python ends with status -9"


@pytest.mark.usefixtures("broken_torch")
def test_all_that_is_broken_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "nowhere"))
    store = tmp_path / "store"
    store.mkdir()
    (store / "headstart.db").write_text("this is no database")
    found = examine(store)
    said = {problem.where: str(problem) for problem in found.problems}
    assert list(said) == ["torch", "cache", "store", "data"]
    assert "cannot be imported: OSError: libtorch_cpu.so: cannot open." in said["torch"]
    (torch,) = (one for one in required(declared_requirements()) if one.name == "torch")
    assert f"pip install --force-reinstall '{torch}'" in said["torch"]
    assert f"{tmp_path / 'file'} is a file." in said["cache"]
    assert "export HEADSTART_CACHE=FOLDER" in said["cache"]
    assert str(store) in said["store"]
    assert "nowhere, which is no folder that may be read." in said["data"]
    assert found.machine.torch is None


@pytest.mark.usefixtures("broken_torch")
def test_folders_data_and_memory_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    found = examine(tmp_path / "new" / "store")
    cache, store = found.folders
    assert (cache.what, store.what) == ("cache", "store")
    assert store.path == tmp_path / "new" / "store"
    assert not store.exists
    assert store.locks
    assert store.free > 0
    assert not (tmp_path / "new").exists()
    places = {place.name: place for place in found.datasets}
    assert places["signs-mini"].path is not None
    assert places["cifar10"].path is None
    assert "cifar10" in places["cifar10"].get
    assert 0 < found.machine.memory_free <= found.machine.memory
    assert found.machine.cores >= 1


@pytest.mark.usefixtures("broken_torch")
def test_a_cache_that_may_not_be_read_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied() -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(examination, "held", denied)
    assert [folder.size for folder in examination.examine(tmp_path).folders] == [None, None]


@pytest.mark.parametrize(
    ("torch", "said"),
    [
        (Torch(threads=1, cuda="13.0", gpus=[], mps=False), "the driver is older than torch needs"),
        (Torch(threads=1, cuda="", gpus=[], mps=False), "was built for the CPU alone"),
        (Torch(threads=1, cuda="13.0", gpus=["one"], mps=False), ""),
        (Torch(threads=1, cuda="", gpus=[], mps=True), "run STUDY --device mps"),
    ],
)
def test_a_gpu_that_is_not_used_is_a_remark(
    torch: Torch, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Probe:
        def result(self) -> Torch:
            return torch

    monkeypatch.setattr(examination, "TorchProbe", Probe)
    monkeypatch.setattr(machine, "signs_of_gpu", lambda: not torch.mps)
    found = [str(remark) for remark in examine(tmp_path).remarks if remark.where == "GPU"]
    assert [said in remark for remark in found] == [True] * bool(said)


@pytest.mark.usefixtures("broken_torch")
def test_what_stops_no_run_is_a_remark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "networks_at_hand", lambda: ())
    monkeypatch.setattr(examination, "network_file_system", lambda folder: "nfs4")
    monkeypatch.setattr(examination, "LITTLE_DISK", 1 << 60)
    monkeypatch.setattr(examination, "LITTLE_MEMORY", 1 << 60)
    found = examination.examine(tmp_path)
    assert [problem.where for problem in found.problems] == ["torch"]
    said = [f"{remark.where}: {remark.message}" for remark in found.remarks]
    assert [line.partition(":")[0] for line in said] == [
        "memory", "cache", "store", "store", "weights",
    ]  # fmt: skip
    assert (
        f"{tmp_path} is on a network file system (nfs4): one process at a time writes it."
        in (said[3])
    )

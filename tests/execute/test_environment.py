"""Where to compute: asked of torch only where there are signs of a GPU."""

import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from headstart.core.devices import device_kind
from headstart.core.errors import DeviceError, HeadstartError
from headstart.execute import environment
from headstart.execute.options import Device
from headstart.flow import default_workers, engine

ASK = """
import sys
from headstart.execute import environment
environment.signs_of_gpu = lambda: False
assert environment.device_for("auto") == "cpu"
assert environment.device_for("cpu") == "cpu"
assert "torch" not in sys.modules
"""


@pytest.fixture(autouse=True)
def _forget() -> None:
    environment.device_for.cache_clear()


def test_a_machine_without_signs_of_a_gpu_is_told_without_torch() -> None:
    subprocess.run([sys.executable, "-c", ASK], check=True)


@pytest.mark.parametrize(("wanted", "there", "found"), [
    ("auto", True, "cuda"), ("auto", False, "cpu"), ("cuda", True, "cuda"), ("cpu", True, "cpu"),
    ("mps", True, "mps"),
])  # fmt: skip
def test_auto_is_the_gpu_where_torch_can_use_it(
    wanted: Device, there: bool, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "signs_of_gpu", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: there)
    assert environment.device_for(wanted) == found


def test_a_gpu_that_is_not_there_is_told_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(HeadstartError, match="no GPU that torch can use"):
        default_workers("cuda")


def test_apples_gpu_is_recorded_as_such_and_float64_stays_off_it() -> None:
    import torch

    from headstart.train.precision import in_float64

    with pytest.raises(DeviceError, match="--device mps: this machine has no GPU that torch can"):
        environment.device_for("mps")
    recorded = environment.environment("mps")
    assert recorded["device"] == "mps"
    assert device_kind(recorded) == f"the GPU of {environment.processor()}"
    assert device_kind({**recorded, "device": "cpu"}) == environment.processor()
    assert device_kind({**recorded, "device": "NVIDIA H200"}) == "NVIDIA H200"
    assert device_kind({}) == "an unknown processor"
    moved = in_float64(torch.ones(2), torch.device("mps"))
    assert (moved.device.type, moved.dtype) == ("cpu", torch.float64)


def test_the_host_is_on_every_row() -> None:
    assert environment.environment("cpu")["host"] == socket.gethostname()


def test_a_gpu_has_two_workers_and_a_processor_one_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "device_for", lambda wanted: "cuda")
    assert default_workers("auto") == 2
    monkeypatch.setattr(engine, "device_for", lambda wanted: "cpu")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(7)), raising=False)
    assert default_workers("auto") == 7


def test_a_network_library_is_named_by_the_processes_that_use_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in environment.NETWORK_LIBRARIES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    without = environment.environment("cpu")
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(__version__="1.0.0"))
    assert environment.environment("cpu") == without | {"timm": "1.0.0"}

"""Environment of a result: recorded on every row; a gate compares all of it but the host."""

import os
import platform
import shutil
import socket
import sys
from functools import cache
from pathlib import Path

from headstart.core.errors import DeviceError
from headstart.core.hashing import Json
from headstart.core.version import __version__
from headstart.execute.options import Device

NETWORK_LIBRARIES = ("timm", "torchvision", "transformers", "keras")


def environment(device: str) -> Json:
    """Versions, processor and device of this process, with the network libraries that it uses."""
    used = {name: sys.modules[name] for name in NETWORK_LIBRARIES if name in sys.modules}
    return _machine(device) | {
        name: module.__version__ for name, module in used.items() if hasattr(module, "__version__")
    }


@cache
def _machine(device: str) -> Json:
    import numpy
    import torch

    return {
        "headstart": __version__,
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "device": torch.cuda.get_device_name(0) if device == "cuda" else device,
        "host": socket.gethostname(),
    }


@cache
def device_for(wanted: Device) -> str:
    """`cuda`, `mps` or `cpu`. Torch is asked only where there are signs of a GPU.

    `auto` is never `mps`, Apple's GPUs: they know no float64, in which some heads are solved.

    Raises:
        DeviceError: a GPU was asked for and there is none.
    """
    if wanted == "cpu" or (wanted == "auto" and not signs_of_gpu()):
        return "cpu"
    import torch

    if wanted != "auto":
        gpu = torch.backends.mps if wanted == "mps" else torch.cuda
        if not gpu.is_available():
            raise DeviceError(
                f"--device {wanted}: this machine has no GPU that torch can use so. Try auto."
            )
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def signs_of_gpu() -> bool:
    """Whether a GPU driver is there: NVIDIA's device or tool (Linux, WSL, Windows), AMD device."""
    return (
        Path("/dev/nvidiactl").exists()
        or Path("/dev/kfd").exists()
        or shutil.which("nvidia-smi") is not None
    )


@cache
def processor() -> str:
    """The processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

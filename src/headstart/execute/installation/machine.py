"""The machine: processor, memory, and the devices that torch can compute on."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from headstart.execute.environment import processor, signs_of_gpu, usable_cores
from headstart.execute.installation.diagnosis import Machine, Torch

_PROBE = """
import json, torch
cuda = torch.cuda
print(json.dumps({
    "threads": torch.get_num_threads(),
    "cuda": torch.version.cuda or torch.version.hip or "",
    "gpus": [cuda.get_device_name(n) for n in range(cuda.device_count())]
        if cuda.is_available() else [],
    "mps": torch.backends.mps.is_available(),
}))
"""
_MEMORY = Path("/proc/meminfo")
_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container or a job


def this_machine(torch: Torch | None) -> Machine:
    """The machine that this process runs on."""
    memory, free = _memory()
    return Machine(
        processor=processor(),
        cores=usable_cores(),
        memory=memory,
        memory_free=free,
        gpu_driver=signs_of_gpu(),
        torch=torch,
    )


class TorchProbe:
    """Imports torch in another process, which a torn installation may end, and asks it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def result(self) -> Torch | str:
        """What torch can compute on; if it cannot be imported, why, in a line."""
        out, err = self._process.communicate()
        if self._process.returncode == 0:
            return Torch(**json.loads(out.splitlines()[-1]))
        lines = [line for line in err.splitlines() if line.strip()]
        return lines[-1] if lines else f"Python ends with status {self._process.returncode}"


def _memory() -> tuple[int, int]:
    """Bytes of memory in all and free, within the limit of a container."""
    total = free = 0
    with suppress(OSError, ValueError, AttributeError):
        page = os.sysconf("SC_PAGE_SIZE")
        total = page * os.sysconf("SC_PHYS_PAGES")
        free = page * os.sysconf("SC_AVPHYS_PAGES")
    with suppress(OSError):
        for line in _MEMORY.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024  # with caches, which the system gives up
    with suppress(OSError, ValueError):
        total = min(total, int(_LIMIT.read_text(encoding="utf-8")))
    return total, min(free, total)

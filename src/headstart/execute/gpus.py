"""GPUs of a machine: how many trainings fit on each at a time, and which worker has which."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SHARE = 0.8  # of the free memory of a GPU that trainings may take
CONTEXT = 700_000_000  # bytes that a process takes of a GPU before it computes anything
MOST = 2  # trainings at a time on a GPU, so that one makes ready while the other computes


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU as the driver knows it: its id (GPU-...), model, and bytes that are free and in all."""

    id: str
    name: str
    free: int
    total: int


def at_a_time(memory: float, needed: int) -> int:
    """How many trainings there may be on a GPU at a time, at least one: its failure is named.

    Args:
        memory: bytes of the GPU that are free.
        needed: bytes of the largest training, by estimate.
    """
    return min(max(int(SHARE * memory / (needed + CONTEXT)), 1), MOST)


def places(gpus: Sequence[Gpu], needed: int, workers: int | None = None) -> tuple[str, ...]:
    """The GPU of each worker: first one worker for each GPU, then the next for each.

    Args:
        gpus: of the machine.
        needed: bytes of the largest training, by estimate.
        workers: how many there are to be; without a number, as many as fit.
    """
    if not gpus:
        return ()
    fitting = {gpu.id: at_a_time(gpu.free, needed) for gpu in gpus}
    in_turn = [gpu.id for turn in range(MOST) for gpu in gpus if turn < fitting[gpu.id]]
    wanted = len(in_turn) if workers is None else workers
    return tuple(in_turn[number % len(in_turn)] for number in range(wanted))


def gpu_share(needed: int, memory: float) -> float:
    """The share of a GPU that a training is given, of one with so many bytes."""
    return 1 / at_a_time(memory, needed)


def gpus_here(environment: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """NVIDIA's GPUs that this process may use, as the driver's tool lists them."""
    command = [
        "nvidia-smi",
        "--query-gpu=uuid,name,memory.free,memory.total",
        "--format=csv,noheader,nounits",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        found = [_gpu(line) for line in done.stdout.splitlines() if line.strip()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()
    return tuple(_visible(found, environment.get("CUDA_VISIBLE_DEVICES")))


def _gpu(line: str) -> Gpu:
    found, name, free, total = (part.strip() for part in line.split(","))
    return Gpu(id=found, name=name, free=int(free) << 20, total=int(total) << 20)


def _visible(gpus: Sequence[Gpu], named: str | None) -> Iterable[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES names, by number or by the beginning of an id."""
    if named is None:
        return gpus
    chosen: list[Gpu] = []
    for name in filter(None, map(str.strip, named.split(","))):
        if name.isdecimal():
            chosen += gpus[int(name) : int(name) + 1]
        else:
            chosen += [gpu for gpu in gpus if gpu.id.startswith(name)]
    return chosen


def least_memory(gpus: Iterable[Gpu]) -> int:
    """Bytes of the smallest GPU; 0 without any, where nothing is known."""
    return min((gpu.total for gpu in gpus), default=0)

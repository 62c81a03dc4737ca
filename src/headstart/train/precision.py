"""Numeric precision while training."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from headstart.study.training import Precision


def autocast_to(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Autocast matrix products and convolutions in this thread; weights stay float32.

    None is kept in half the bits, for each is used once an update.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


def in_float64(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values as float64 on a device, or in main memory where the device has no float64 (mps)."""
    return values.to("cpu" if device.type == "mps" else device, torch.float64)


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Flush denormal numbers (below 1.2e-38) to zero in this thread, within the block.

    What has no gradient, behind a relu that is never active, has running means that halve and halve
    until they are such numbers, and stay so: a processor takes some hundred cycles for each, at
    every update. Against a weight they are nothing.
    """
    before = torch.full((1,), 1e-40).mul(1).item() == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)

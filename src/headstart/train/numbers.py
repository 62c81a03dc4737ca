"""How numbers are held while training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Take numbers below 1.2e-38 for zero in this thread, and as before afterwards.

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

"""PyTorch's global settings, set for a block of code and restored: random numbers, threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Torch's global generator is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def one_thread_an_operation() -> Iterator[None]:
    """One thread for each torch operation, as in training: more of them round differently.

    Where other processes have the cores, several wait for each other longer than they compute.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

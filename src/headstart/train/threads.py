"""Parallel map over the threads that the thread budget allows.

Each piece is computed as it would be alone, by one thread, and results come in order: nothing
depends on how many threads there are, so they may come and go while a training runs.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import TypeVar

import torch

from headstart.core.thread_budget import threads
from headstart.train.precision import flush_denormals

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results of a function for every item, in order, with denormals flushed to zero.

    Whether PyTorch keeps track of gradients is a matter of each thread, so the function says it.
    """
    found: list[Result] = []
    left = iter(items)
    with flush_denormals():
        while some := list(islice(left, threads())):
            others = [_pool().submit(function, item) for item in some[1:]]
            found.append(function(some[0]))
            found += [other.result() for other in others]
    return found


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    """Threads of this process, made when first needed."""
    return ThreadPoolExecutor(thread_name_prefix="headstart-train", initializer=_settle)


def _settle() -> None:
    """Initialise a thread: one thread per torch operation, denormals flushed to zero."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

"""Independent pieces of work on as many threads as this process may use at the moment.

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
    """What a function makes of every item, in their order, with denormal numbers as zero.

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
    return ThreadPoolExecutor(thread_name_prefix="headstart-lane", initializer=_settle)


def _settle() -> None:
    """One thread for each operation, and denormal numbers as zero, as long as it lives."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

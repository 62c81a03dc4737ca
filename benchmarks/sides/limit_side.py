"""The best rate at which this machine does a notebook's matrix products, nothing else.

For every dense layer of one update: the product forward, the one for the gradient of the weights
and, above the first layer, the one for the gradient of the input, at the notebook's batch size.
Each is timed in every way that PyTorch has to do it, and the fastest counts. As many processes as
headstart has workers do this at once, one thread each, since cores share caches and clock.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from benchmarks.machine import cores
from benchmarks.sides.clock import hand_over

WIDTHS = {"mnist-parity": (784, 300, 100, 10), "fashion-two-classes": (784, 100, 100, 100, 8)}
BATCH = 32
SECONDS_EACH = 0.15
CALLS = 20


def products(widths: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(m, k, n) of every product of one update: an m x k matrix times a k x n matrix."""
    found = []
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        found += [(BATCH, inputs, outputs), (outputs, BATCH, inputs)]
        if number:
            found.append((BATCH, outputs, inputs))
    return found


def best_rate(widths: tuple[int, ...]) -> float:
    """Operations a second over all products of an update, each done in its fastest way."""
    import torch

    torch.set_num_threads(1)
    operations, seconds = 0, 0.0
    for m, k, n in products(widths):
        left, right, bias = torch.randn(m, k), torch.randn(k, n), torch.randn(n)
        across, out = right.t().contiguous(), torch.empty(m, n)
        upright = left.t().contiguous().t()  # as the gradient of the weights meets its input
        ways: list[Callable[[], object]] = [
            partial(torch.mm, left, right, out=out),
            partial(torch.mm, upright, right, out=out),
            partial(torch.mm, left, across.t(), out=out),
            partial(torch.nn.functional.linear, left, across, bias),
        ]
        if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            onednn = torch.ops.mkldnn._linear_pointwise
            ways.append(partial(onednn, left, across, bias, "none", [], ""))
        operations += 2 * m * k * n
        seconds += min(_seconds(way) for way in ways)
    return operations / seconds


def _seconds(way: Callable[[], object]) -> float:
    best, until = float("inf"), time.perf_counter() + SECONDS_EACH
    while time.perf_counter() < until:
        started = time.perf_counter()
        for _ in range(CALLS):
            way()
        best = min(best, (time.perf_counter() - started) / CALLS)
    return best


def main() -> None:
    """Measure the products of one notebook and hand over the rate of one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", choices=WIDTHS)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    widths = WIDTHS[given.notebook]
    with context.Pool(cores()) as pool:
        rates = pool.map(best_rate, [widths] * cores(), chunksize=1)
    hand_over(given.out, {"rate": sum(rates) / len(rates)})


if __name__ == "__main__":
    main()

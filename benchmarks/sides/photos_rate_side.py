"""Images a second through timm's network: its forward pass alone, or headstart's features.

Of the pass alone the best counts, over batches, over PyTorch's own threads, and over threads with a
batch each; headstart computes features as a worker does that has the machine to itself.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import nn

from benchmarks.machine import cores
from benchmarks.sides.clock import hand_over
from benchmarks.sides.photos_torch_side import network

BATCHES, NUM, REPEATS = (4, 8, 16, 32), 256, 2


def seconds(call: Callable[[], object]) -> float:
    """Of the fastest of a few calls, the first one not counted."""
    call()
    found = []
    for _ in range(REPEATS):
        started = perf_counter()
        call()
        found.append(perf_counter() - started)
    return min(found)


def limit(side: int) -> float:
    """The best rate of the forward pass."""
    model = network().eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fastest = []
    for batch in BATCHES:
        images = torch.randn(batch, 3, side, side).to(memory_format=torch.channels_last)
        passes = [images] * (NUM // batch)
        torch.set_num_threads(cores())
        fastest.append(seconds(partial(in_a_row, model, passes)))
        torch.set_num_threads(1)
        fastest.append(seconds(partial(side_by_side, model, passes)))
    return NUM / min(fastest)


def forward(model: nn.Module, images: torch.Tensor) -> None:
    """One batch."""
    with torch.inference_mode():
        model(images)


def in_a_row(model: nn.Module, passes: list[torch.Tensor]) -> None:
    """One batch after the other."""
    for images in passes:
        forward(model, images)


def side_by_side(model: nn.Module, passes: list[torch.Tensor]) -> None:
    """A batch in each thread."""
    with ThreadPoolExecutor(cores(), initializer=partial(torch.set_num_threads, 1)) as pool:
        list(pool.map(partial(forward, model), passes))


def features(side: int) -> float:
    """The rate of headstart's features of photos that are decoded."""
    from headstart.core import thread_budget
    from headstart.data.preprocess import network_scaling
    from headstart.networks.facts import facts_of
    from headstart.study.network import LibraryNetwork
    from headstart.train.features import as_they_are, cached_features
    from headstart.train.phase_config import Examples

    budget = thread_budget.ThreadBudget()
    budget.set_threads(cores())
    thread_budget.attach(budget.name)
    torch.set_num_threads(1)
    of = (LibraryNetwork(kind="timm", name="tf_efficientnet_lite0"), (side, side, 3), 2)
    pixels = np.random.default_rng(0).integers(0, 256, (NUM, side, side, 3), dtype=np.uint8)
    scaling = network_scaling([0.5] * 3, [0.5] * 3, 3)
    examples = Examples(pixels.transpose(0, 3, 1, 2), np.zeros(NUM, np.int64), scaling=scaling)
    weights = {name: tensor.numpy() for name, tensor in network().state_dict().items()}
    head = {name: array[:2] for name, array in weights.items() if name.startswith("classifier")}
    done = len(facts_of(*of).blocks) - 1
    call = partial(
        cached_features, of, done, weights | head, examples, torch.device("cpu"), as_they_are
    )
    return NUM / seconds(call)


def main() -> None:
    """Measure and hand over the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("forward pass alone", "headstart"))
    parser.add_argument("side", type=int)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    rate = features if given.what == "headstart" else limit
    hand_over(given.out, {"images": rate(given.side)})


if __name__ == "__main__":
    main()

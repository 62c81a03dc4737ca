"""Weights as they are stored and passed between steps: arrays by name, without torch."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

Weights = dict[str, np.ndarray]
"""Parameters and buffers by name, in PyTorch's layout."""


def changed(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], names: Iterable[str]
) -> Iterator[str]:
    """Those of the names whose tensors have other values afterwards."""
    for name in names:
        if before[name] is not after[name] and not np.array_equal(before[name], after[name]):
            yield name

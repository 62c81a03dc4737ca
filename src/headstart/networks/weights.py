"""Weights as they are stored and passed between steps: arrays by name, without torch."""

import numpy as np

Weights = dict[str, np.ndarray]
"""Parameters and buffers by name, in PyTorch's layout."""


def has_changed(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a tensor has other values than before."""
    return before is not after and not np.array_equal(before, after)

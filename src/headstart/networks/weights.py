"""Weights as they are stored and passed between steps: arrays by name, without torch."""

import numpy as np

Weights = dict[str, np.ndarray]
"""Parameters and buffers by name, in PyTorch's layout."""

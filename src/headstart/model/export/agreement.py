"""Agreement of an exported model with the network that it was made from, on real images."""

from collections.abc import Callable

import numpy as np

from headstart.core.errors import ExportError

TOLERANCE = 1e-4  # of a probability
NUM_IMAGES = 16

Answer = Callable[[np.ndarray], np.ndarray]
"""Probabilities (n, classes) of pixels, uint8 (n, height, width, channels)."""


def require_agreement(what: str, exported: Answer, network: Answer, pixels: np.ndarray) -> float:
    """The largest difference of a probability, for one image and for several at once.

    Raises:
        ExportError: it is larger than `TOLERANCE`.
    """
    wanted = network(pixels)
    largest = 0.0
    for num in (1, len(pixels)):
        difference = np.abs(exported(pixels[:num]) - wanted[:num]).max()
        # NaN is no agreement either, and must not get lost in a maximum.
        largest = max(largest, float("inf") if np.isnan(difference) else float(difference))
    if largest > TOLERANCE:
        raise ExportError(
            f"{what} disagrees with the network: probabilities differ by up to {largest:.2g} on "
            f"{len(pixels)} images of the study (allowed: {TOLERANCE:g}). Nothing was written. "
            "Export the weights instead: a FILE that ends in .safetensors."
        )
    return largest

"""A picture small enough for a report."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small image: uint8 values, row by row, grey or RGB."""

    height: int
    width: int
    channels: int
    values: bytes


NO_PICTURE = Picture(height=0, width=0, channels=1, values=b"")
"""In place of a picture that nobody has."""


def picture_of(values: np.ndarray) -> Picture:
    """Picture from uint8 values (height, width, channels)."""
    height, width, channels = values.shape
    return Picture(height=height, width=width, channels=channels, values=values.tobytes())

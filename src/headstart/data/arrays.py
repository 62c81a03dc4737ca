"""One part of a data set as arrays, and what its files said besides pixels and labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with their labels, in one order. The arrays are read-only."""

    pixels: np.ndarray  # uint8 (n, height, width, channels)
    labels: np.ndarray  # int64 (n,), indices among the classes

    def __post_init__(self) -> None:
        assert len(self.pixels) == len(self.labels)
        self.pixels.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """One part as its files hold it. `classes` is empty where the files name none."""

    images: Images
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

"""How much of a notebook's training a side is to do."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Amount:
    """A share of the notebook's epochs; below one epoch, of the images of a single one.

    With less than the whole (`short`) only training is timed: validation and tests are left out,
    and so is what a library does once, at the first batch.
    """

    share: float

    @property
    def short(self) -> bool:
        """Whether this is less than the notebook did."""
        return self.share < 1

    def epochs(self, published: int) -> int:
        """Whole epochs to train."""
        return max(1, round(published * self.share))

    def rows(self, published: int, images: np.ndarray) -> int:
        """How many of the images a training goes over in each of these epochs."""
        part = published * self.share / self.epochs(published)
        return min(len(images), round(part * len(images)))

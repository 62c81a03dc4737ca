"""One part of a data set as arrays, and what its files said besides pixels and labels."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BLOCK_BYTES = 4 << 20  # of images that are worked on at a time; what is made of them is larger


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with their labels, in one order. The arrays are read-only.

    They are all that is stored, or what is stored `at` some positions (n,), and then they are
    copied only when they are looked at.
    """

    stored: np.ndarray  # uint8 (images, height, width, channels)
    labels: np.ndarray  # int64 (n,), indices among the classes
    at: np.ndarray | None = None

    def __post_init__(self) -> None:
        assert len(self.labels) == len(self.stored if self.at is None else self.at)
        self.stored.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of an image."""
        return self.stored.shape[1:]

    @property
    def pixels(self) -> np.ndarray:
        """All of them, uint8 (n, height, width, channels)."""
        return self.stored if self.at is None else self.stored[self.at]

    def blocks(self) -> Iterator[np.ndarray]:
        """Pixels in order, a few megabytes at a time."""
        return blocks(self.stored, self.at)

    def image(self, position: int) -> np.ndarray:
        """Pixels of one of them (height, width, channels)."""
        return np.asarray(self.stored[position if self.at is None else self.at[position]])

    def taken(self, positions: np.ndarray) -> "Images":
        """Some of the images.

        Those of a mapped file, which all processes share, stay there. Others are a view where they
        lie side by side, and else a copy.
        """
        labels = self.labels[positions]
        if self.at is not None:
            return Images(self.stored, labels, self.at[positions])
        if len(positions) and (np.diff(positions) == 1).all():
            return Images(self.stored[positions[0] : positions[-1] + 1], labels)
        if isinstance(self.stored, np.memmap):
            return Images(self.stored, labels, positions)
        return Images(self.stored[positions], labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """One part as its files hold it. `classes` is empty where the files name none."""

    images: Images
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def blocks(stored: np.ndarray, at: np.ndarray | None) -> Iterator[np.ndarray]:
    """Images in order, all or those at some positions, a few megabytes of them at a time."""
    num = max(BLOCK_BYTES // max(stored[:1].nbytes, 1), 1)
    for first in range(0, len(stored if at is None else at), num):
        part = slice(first, first + num)
        yield stored[part if at is None else at[part]]

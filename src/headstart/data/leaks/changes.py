"""Changes that leave an image the same picture: mirrored, turned, inverted, or shifted a little."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

WHITE = 255
MOST_SHIFTED = 2  # pixels, in each direction
_LEAST_SHOWN = 0.5  # of an image's pixels, that a shift in any direction leaves in the picture
_TURNS = ("", "turned by a quarter", "turned by a half", "turned by a quarter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An image mirrored left to right, then turned by quarters against the clock, then inverted."""

    mirrored: bool = False
    quarters: int = 0
    inverted: bool = False

    @property
    def name(self) -> str:
        """In words; empty for an image as it is."""
        words = ("mirrored" * self.mirrored, _TURNS[self.quarters], "inverted" * self.inverted)
        return ", ".join(filter(None, words))

    def of(self, images: np.ndarray) -> np.ndarray:
        """Images (n, height, width, ...) of bytes, changed."""
        turned = self.turned(images)
        return WHITE - turned if self.inverted else turned

    def turned(self, images: np.ndarray) -> np.ndarray:
        """Images of anything, mirrored and turned only."""
        mirrored = images[:, :, ::-1] if self.mirrored else images
        return np.rot90(mirrored, self.quarters, axes=(1, 2))

    @property
    def turn(self) -> "Change":
        """The same without inverting."""
        return Change(mirrored=self.mirrored, quarters=self.quarters)

    def shape(self, of: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (height, width, ...) of an image once it is changed."""
        return (of[1], of[0], *of[2:]) if self.quarters % 2 else of


TURNS = tuple(
    Change(mirrored=mirrored, quarters=quarters)
    for quarters, mirrored in product((0, 2, 1, 3), (False, True))
)
"""The eight symmetries of a square: as it is, mirrored, and both turned."""
AS_IT_IS, MIRRORED = TURNS[:2]
CHANGES = (*TURNS[1:], *(replace(turn, inverted=True) for turn in TURNS))
"""The order in which a copy is looked for among what is not equal."""


def by_class(change: Change) -> bool:
    """Whether an image may be of another class once it is changed: a turned 6 may be a 9."""
    return change not in (AS_IT_IS, MIRRORED)


def most_shifted(size: tuple[int, int]) -> int:
    """Pixels by which images of a height and width are shifted at most; less for tiny ones."""
    shown = (
        by
        for by in range(MOST_SHIFTED, 0, -1)
        if min(size) > 2 * by
        and (size[0] - 2 * by) * (size[1] - 2 * by) >= _LEAST_SHOWN * size[0] * size[1]
    )
    return next(shown, 0)


def windows(size: tuple[int, int]) -> tuple[tuple[slice, slice], ...]:
    """Rows and columns that the centre of an image may come from: its own, then those of shifts.

    There is none where images are too small to be shifted.
    """
    by = most_shifted(size)
    if not by:
        return ()
    steps = sorted(
        product(range(-by, by + 1), repeat=2), key=lambda step: step[0] ** 2 + step[1] ** 2
    )
    height, width = (side - by for side in size)
    return tuple((slice(by + y, height + y), slice(by + x, width + x)) for y, x in steps)

"""Copies of the images of one set in another, and the kinds of copies that there are."""

from dataclasses import dataclass

import numpy as np

from headstart.data.leaks.changes import CHANGES, Change

SHIFTED_NAME = "shifted"
_CHANGED = tuple(dict.fromkeys(change.name for change in CHANGES))  # the first is the mirror image
KINDS = (
    "none",
    "exact",
    *_CHANGED,
    SHIFTED_NAME,
    "near",
    *(f"near, {name}" for name in _CHANGED),
    "alike",
)
NONE, EXACT, MIRRORED, SHIFTED, NEAR, NEAR_MIRRORED, ALIKE = map(
    KINDS.index, ("none", "exact", "mirrored", SHIFTED_NAME, "near", "near, mirrored", "alike")
)


def kind_of(change: Change, *, near: bool) -> int:
    """The kind of an image that equals another once it is changed so, or nearly does."""
    words = ("near" * near, change.name)
    return KINDS.index(", ".join(filter(None, words)))


def is_changed(kind: np.ndarray) -> np.ndarray:
    """Whether copies of these kinds are equal once they are turned, inverted or shifted."""
    return np.asarray((kind > MIRRORED) & (kind < NEAR))


def is_near(kind: np.ndarray) -> np.ndarray:
    """Whether copies of these kinds are not equal, but nearly."""
    return np.asarray((kind >= NEAR) & (kind < ALIKE))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copies:
    """For each image of a set its copy in another: how it is one, where, and how alike they are.

    An image that is `alike` is no copy: it correlates with others as its whole set or a long series
    of images does.
    """

    kind: np.ndarray  # uint8 (n,), a position of KINDS
    index: np.ndarray  # int64 (n,), -1 without a copy
    similarity: np.ndarray  # float64 (n,), 1 for equal bytes

    @classmethod
    def none(cls, num: int) -> "Copies":
        """So many images, none of which has a copy yet."""
        return cls(
            kind=np.full(num, NONE, np.uint8),
            index=np.full(num, -1, np.int64),
            similarity=np.zeros(num),
        )

    def copied(self) -> "Copies":
        """A copy whose arrays may be filled in further."""
        return Copies(
            kind=self.kind.copy(), index=self.index.copy(), similarity=self.similarity.copy()
        )

    def record(
        self,
        at: int | np.ndarray,
        kind: int | np.ndarray,
        index: int | np.ndarray,
        similarity: float | np.ndarray,
    ) -> None:
        """Note the copies of some images."""
        self.kind[at], self.index[at], self.similarity[at] = kind, index, similarity

    @property
    def found(self) -> np.ndarray:
        """Whether each image has a copy (n,)."""
        return np.asarray((self.kind != NONE) & (self.kind != ALIKE))

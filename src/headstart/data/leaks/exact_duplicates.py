"""Images of one set that are in another as well: byte for byte, mirrored, or nearly."""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from headstart.data.images import Images
from headstart.data.leaks.near_duplicates import SIDE, GreyImages, best_matches, grey, prepare
from headstart.data.leaks.own_part import common_directions, copies_of

NONE, EXACT, MIRRORED, NEAR, NEAR_MIRRORED, ALIKE = range(6)
KINDS = ("none", "exact", "mirrored", "near", "near, mirrored", "alike")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copies:
    """For each image of a set its copy in another: how it is one, where, and how alike they are.

    An image that is `alike` is no copy: it correlates with others as its whole set or a long series
    of images does.
    """

    kind: np.ndarray  # uint8 (n,), a position of KINDS
    index: np.ndarray  # int64 (n,), -1 without a copy
    similarity: np.ndarray  # float64 (n,), 1 for equal bytes

    @property
    def found(self) -> np.ndarray:
        """Whether each image has a copy (n,)."""
        return np.asarray((self.kind != NONE) & (self.kind != ALIKE))

    def counts(self) -> tuple[int, ...]:
        """How many images there are of each kind but `none`."""
        return tuple(np.bincount(self.kind, minlength=len(KINDS))[1:].tolist())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hashes:
    """The hash of each image and of its mirror image; images of another shape have others."""

    plain: list[bytes]
    mirrored: list[bytes]


def hashes(images: Images) -> Hashes:
    """Hashes of shape and bytes."""
    key = repr(images.shape).encode()

    def digests(block: np.ndarray) -> list[bytes]:
        whole = np.ascontiguousarray(block)
        return [blake2b(image.data, digest_size=16, key=key).digest() for image in whole]

    plain, mirrored = [], []
    for block in images.blocks():
        plain += digests(block)
        mirrored += digests(block[:, :, ::-1])
    return Hashes(plain=plain, mirrored=mirrored)


def exact_copies(of: Hashes, among: Hashes) -> Copies:
    """Equal bytes first, then equal to the mirror image; of several the first."""
    first: dict[bytes, int] = {}
    for at, digest in enumerate(among.plain):
        first.setdefault(digest, at)
    plain = np.array([first.get(digest, -1) for digest in of.plain], np.int64)
    mirrored = np.array([first.get(digest, -1) for digest in of.mirrored], np.int64)
    kind = np.where(plain >= 0, EXACT, np.where(mirrored >= 0, MIRRORED, NONE))
    return Copies(
        kind=kind.astype(np.uint8),
        index=np.where(plain >= 0, plain, mirrored),
        similarity=(kind != NONE).astype(np.float64),
    )


def near_copies(
    exact: Copies, of: GreyImages, mirrored: GreyImages | None, among: GreyImages, threshold: float
) -> Copies:
    """Where nothing is equal: correlated by `threshold` or more, as it is or else mirrored.

    The own parts of two copies are alike too; where they are not, images are `alike` at most.
    """
    found = Copies(
        kind=exact.kind.copy(), index=exact.index.copy(), similarity=exact.similarity.copy()
    )
    for kind, greys in ((NEAR, of), (NEAR_MIRRORED, mirrored)):
        left = np.flatnonzero(~found.found)
        if greys is None or not len(left):
            continue
        matches = best_matches(greys.at(left), among, threshold)
        matched = matches.index >= 0
        if not matched.any():
            continue
        at = left[matched]
        copies = copies_of(greys.at(at), among, threshold, common_directions(greys, among))
        is_copy = copies.index >= 0
        found.kind[at] = np.where(is_copy, kind, ALIKE)
        found.index[at] = np.where(is_copy, copies.index, matches.index[matched])
        found.similarity[at] = np.where(is_copy, copies.similarity, matches.similarity[matched])
    return found


def compared_at(*sets: Images) -> tuple[int, int]:
    """Height and width at which sets are compared: the least of each, at most 32."""
    heights, widths = ([images.shape[axis] for images in sets] for axis in (0, 1))
    return min(SIDE, *heights), min(SIDE, *widths)


def prepared(
    sets: dict[str, Images], size: tuple[int, int], turned: Collection[str] = ()
) -> dict[str, GreyImages]:
    """Sets of images by name, ready to be compared at a size.

    Those named in `turned` also come with left and right exchanged, as "NAME, mirrored".
    """
    greys = {name: grey(images, *size) for name, images in sets.items()}
    for name in turned:
        greys[f"{name}, mirrored"] = grey(sets[name], *size, mirrored=True)
    return dict(zip(greys, prepare(*greys.values()), strict=True))

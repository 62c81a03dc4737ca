"""Images that lie in one set more than once: equal, mirrored, or nearly."""

import numpy as np

from headstart.data.images import Images
from headstart.data.leaks.exact_duplicates import (
    EXACT,
    MIRRORED,
    NEAR,
    NEAR_MIRRORED,
    NONE,
    Copies,
    Hashes,
    compared_at,
    hashes,
    near_copies,
    prepared,
)

_ALL = "all"


def copies_inside(images: Images, near: float | None) -> Copies:
    """For each image another of the same set that it is a copy of; of two copies one is named.

    Two images differ in some bit of their positions: for each bit, those that have it are held
    against those that do not.

    Args:
        images: the set.
        near: correlation from which on images are nearly the same; None: they are not sought.
    """
    found = _equal(hashes(images))
    if near is None or len(images) < 2:
        return found
    ready = prepared({_ALL: images}, compared_at(images), turned=(_ALL,))
    greys, turned = ready[_ALL], ready[f"{_ALL}, mirrored"]
    positions, first = np.arange(len(images)), ~found.found  # of equal images the first stands
    for bit in range((len(images) - 1).bit_length()):
        has_it = positions >> bit & 1 == 1
        ours, theirs = np.flatnonzero(has_it & ~found.found), np.flatnonzero(~has_it & first)
        if not len(ours) or not len(theirs):
            continue
        copies = near_copies(
            _none(len(ours)), greys.at(ours), turned.at(ours), greys.at(theirs), near
        )
        near_ones = np.isin(copies.kind, (NEAR, NEAR_MIRRORED))
        at = ours[near_ones]
        found.kind[at] = copies.kind[near_ones]
        found.index[at] = theirs[copies.index[near_ones]]
        found.similarity[at] = copies.similarity[near_ones]
    return found


def _equal(of: Hashes) -> Copies:
    """Images with the bytes of an earlier one, or of its mirror image."""
    found, first = _none(len(of.plain)), dict[bytes, int]()
    for at, (plain, mirrored) in enumerate(zip(of.plain, of.mirrored, strict=True)):
        for kind, digest in ((EXACT, plain), (MIRRORED, mirrored)):
            if digest in first:
                found.kind[at], found.index[at], found.similarity[at] = kind, first[digest], 1
                break
        first.setdefault(plain, at)
    return found


def _none(num: int) -> Copies:
    return Copies(
        kind=np.full(num, NONE, np.uint8),
        index=np.full(num, -1, np.int64),
        similarity=np.zeros(num),
    )

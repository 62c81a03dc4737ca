"""Images that lie in one set more than once: equal, changed, or nearly so."""

import numpy as np

from headstart.data.images import Images
from headstart.data.leaks.changes import CHANGES
from headstart.data.leaks.copies import Copies, is_near
from headstart.data.leaks.exact_duplicates import exact_copies, hashes
from headstart.data.leaks.near_copies import compared_at, near_copies, prepared

_ALL = "all"


def copies_inside(images: Images, near: float | None) -> Copies:
    """For each image another of the same set that it is a copy of; of two copies one is named.

    Two images differ in some bit of their positions: for each bit, those that have it are held
    against those that do not. What is turned, inverted or shifted is a copy of an image of its
    class only.

    Args:
        images: the set.
        near: correlation from which on images are nearly the same; None: they are not sought.
    """
    hashed = hashes(images, CHANGES, shifts=True)
    found = exact_copies(hashed, hashed, same_class=True)
    if near is None or len(images) < 2:
        return found
    greys = prepared({_ALL: images}, compared_at(images))[_ALL]
    positions, first = np.arange(len(images)), ~found.found  # of equal images the first stands
    for bit in range((len(images) - 1).bit_length()):
        has_it = positions >> bit & 1 == 1
        ours, theirs = np.flatnonzero(has_it & ~found.found), np.flatnonzero(~has_it & first)
        if not len(ours) or not len(theirs):
            continue
        labels = images.labels[ours], images.labels[theirs]
        copies = near_copies(
            Copies.none(len(ours)), greys.at(ours), greys.at(theirs), near, CHANGES, labels
        )
        near_ones = is_near(copies.kind)
        found.record(
            ours[near_ones],
            copies.kind[near_ones],
            theirs[copies.index[near_ones]],
            copies.similarity[near_ones],
        )
    return found

"""Separation of near copies from images that are alike only as all images of their sets are.

Under a fixed camera any two images correlate by 0.99 and more. What the images of two sets have in
common lies in their leading principal directions, of which the first is about the mean image. The
rest of an image is its own part. With p and q the coordinates of two unit vectors in those
directions and r and s the norms of their own parts, a correlation c of the images means one of
(c - p.q) / (r s) of their own parts. Where r and s are large, as in sets of all kinds of images, it
follows from c >= 0.99 that this is near 1, so only images that the common part all but explains
are separated from copies.
"""

from collections.abc import Iterator

import numpy as np

from headstart.data.leaks.bounds import SLACK, slices
from headstart.data.leaks.near_duplicates import (
    GreyImages,
    Labels,
    Matches,
    principal_directions,
    sampled,
    take_best,
    units,
)
from headstart.data.progress import Progress, reporting

DIRECTIONS = 16  # at most, that hold what images have in common
OWN = 0.625  # the least correlation of own parts of copies
OWN_TURNED = 0.75  # where one was turned or inverted, for then there are more chances
CROWD = 24  # an image that has more copies than this is of a series
_LEAST_EACH = 8  # images, and pixels, for each direction: fewer would take own parts away
_LEAST_SHARE = 0.05  # of the images, in effect, that lie along a common direction
_LEAST_NORM = 1e-3  # of an own part; below this, single precision leaves noise of it
_BLOCK = 2_048  # images of each set that are compared at once


def common_directions(*sets: GreyImages) -> np.ndarray:
    """Orthonormal directions (pixels, directions) of what the images of all sets have in common.

    A direction in which only few images lie is that of copies of one image, and is left out.
    """
    num_images, num_pixels = sum(map(len, sets)), sets[0].values.shape[1]
    most = min(DIRECTIONS, num_images // _LEAST_EACH, num_pixels // _LEAST_EACH)
    directions = principal_directions([images.values for images in sets], most)
    sample = np.concatenate([units(sampled(images.values)) for images in sets])
    squares = np.square(sample @ directions, dtype=np.float64)
    fourth = np.square(squares).sum(0)
    num_along = np.square(squares.sum(0)) / np.where(fourth == 0, 1, fourth)
    return directions[:, num_along >= _LEAST_SHARE * len(sample)]


def copies_of(
    queries: GreyImages,
    keys: GreyImages,
    threshold: float,
    common: np.ndarray,
    least_own: float = OWN,
    labels: Labels | None = None,
) -> Matches:
    """For each query the most similar key whose own part is like the query's.

    Args:
        queries: images; each correlates by `threshold` with some key.
        keys: images among which copies are looked for.
        threshold: the least correlation of two copies.
        common: what `common_directions` found.
        least_own: the least correlation of their own parts.
        labels: of both, where copies are of one class.

    Returns:
        Matches: the copies; none for a query with more than `CROWD` of them.
    """
    num = np.zeros(len(queries), np.int64)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for one, other in _alike(queries, keys, threshold, common, least_own):
        if labels is not None:
            same = labels[0][one] == labels[1][other]
            one, other = one[same], other[same]
        num += np.bincount(one, minlength=len(queries))
        few = num[one] <= CROWD
        pairs.append((one[few], other[few]))
    found = Matches.none(len(queries))
    for one, other in pairs:
        kept = num[one] <= CROWD
        take_best(one[kept], other[kept], queries, keys, threshold, found)
    return found


def _alike(
    queries: GreyImages,
    keys: GreyImages,
    threshold: float,
    common: np.ndarray,
    least_own: float,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs that are alike, with and without what is common, block by block."""
    report = reporting(Progress(what="checking near copies", num=len(keys), once=False))
    for theirs in slices(len(keys), _BLOCK):
        their_units, their_common, their_norms = _parts(keys, theirs, common)
        for ours in slices(len(queries), _BLOCK):
            our_units, our_common, our_norms = _parts(queries, ours, common)
            whole = our_units @ their_units.T
            own = whole - our_common @ their_common.T
            own_enough = own >= least_own * np.outer(our_norms, their_norms)
            one, other = np.nonzero((whole >= threshold - SLACK) & own_enough)
            yield one + ours.start, other + theirs.start
        report(theirs.stop)


def _parts(
    images: GreyImages, part: slice, common: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors, their coordinates in the common directions, and the norms of their own parts.

    An image without an own part has the norm infinity, so that it is a copy of nothing.
    """
    whole = images.units(part)
    inside = whole @ common
    norms = np.sqrt(np.maximum(1 - np.square(inside, dtype=np.float64).sum(1), 0))
    return whole, inside, np.where(norms < _LEAST_NORM, np.inf, norms).astype(np.float32)

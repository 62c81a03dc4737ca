"""Near-duplicates: images of one set that are all but copies of images of another.

Two images are compared by the correlation of their grey values (zero mean, unit norm), which a
change of brightness or contrast leaves at 1. All pairs of 10,000 and 60,000 images are 0.94 * 10^12
operations at 28x28. Bounds save most of them and lose no pair; only pairs whose bound reaches the
threshold are correlated, in whole numbers, so that neither the order of the images nor the number
of threads changes what is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from headstart.data.leaks.bounds import (
    DEFAULT_BLOCKING,
    SLACK,
    Blocking,
    Bound,
    Coordinates,
    Pairs,
    bounded_pairs,
    slices,
)
from headstart.data.leaks.changes import WHITE, Change
from headstart.data.leaks.invariants import Invariants, invariants

_DIRECTIONS = 48  # principal directions of the narrow bound
_NUMBERS = 96  # of the narrow bound of turned images
_SAMPLE = 1_000  # images of a set that the directions are fitted to


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreyImages:
    """A set of grey images, ready to be compared with another of the same size.

    An image of one value only has no correlation with anything; its spread is 0.
    """

    size: tuple[int, int]
    values: np.ndarray  # uint8 (n, pixels)
    sums: np.ndarray  # int64 (n,)
    spreads: np.ndarray  # float64 (n,), pixels * standard deviation
    bound: Bound  # of images as they are
    turned: Bound  # of images in any of their symmetries, inverted or not

    def __len__(self) -> int:
        return len(self.values)

    def at(self, chosen: np.ndarray) -> "GreyImages":
        """Some of the images."""
        return replace(
            self,
            values=self.values[chosen],
            sums=self.sums[chosen],
            spreads=self.spreads[chosen],
            bound=self.bound.at(chosen),
            turned=self.turned.at(chosen),
        )

    def changed(self, change: Change) -> "GreyImages":
        """All of them changed, without bounds."""
        num, num_pixels = self.values.shape
        nothing = Coordinates.empty(0, 0)
        lost = Bound(wide=nothing, narrow=nothing)
        return replace(
            self,
            values=np.ascontiguousarray(change.of(self.images)).reshape(num, num_pixels),
            sums=WHITE * num_pixels - self.sums if change.inverted else self.sums,
            bound=lost,
            turned=lost,
        )

    @property
    def images(self) -> np.ndarray:
        """All of them (n, height, width)."""
        return self.values.reshape(len(self), *self.size)

    def units(self, part: slice) -> np.ndarray:
        """Some of them with zero mean and unit norm."""
        return units(self.values[part])


Labels = tuple[np.ndarray, np.ndarray]
"""Labels of images of one set, and of another."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """For each image the most similar one of another set, the first of equals; -1 for none."""

    index: np.ndarray  # int64 (n,)
    similarity: np.ndarray  # float64 (n,), 0 where there is none

    @classmethod
    def none(cls, num: int) -> "Matches":
        """So many images for which nothing was found yet."""
        return cls(index=np.full(num, -1, np.int64), similarity=np.zeros(num))

    def at(self, chosen: np.ndarray) -> "Matches":
        """Those of some of the images."""
        return Matches(index=self.index[chosen], similarity=self.similarity[chosen])


def prepare(*sets: np.ndarray, blocking: Blocking = DEFAULT_BLOCKING) -> tuple[GreyImages, ...]:
    """Sets of grey images (n, height, width) of one size, with the same bounds for all of them."""
    size = sets[0].shape[1:]
    flat = [_flat(images) for images in sets]
    scatter = _scatter(flat)
    directions = _leading(scatter, _DIRECTIONS)
    numbers = invariants(scatter, size, _NUMBERS)
    return tuple(_prepared(values, size, directions, numbers, blocking) for values in flat)


def _flat(images: np.ndarray) -> np.ndarray:
    """Images (n, height, width) or (n, pixels) as rows."""
    return images.reshape(len(images), prod(images.shape[1:]))


def principal_directions(sets: Sequence[np.ndarray], most: int) -> np.ndarray:
    """Orthonormal directions (pixels, `most` or fewer) that hold most of sets of rows of pixels.

    They are those of a sample of each set. Any would give a true bound; these give the narrowest.
    """
    return _leading(_scatter(sets), most)


def _scatter(sets: Sequence[np.ndarray]) -> np.ndarray:
    """Products of the pixels of unit vectors, added over a sample of each set (pixels, pixels)."""
    num_pixels = sets[0].shape[1]
    scatter = np.zeros((num_pixels, num_pixels))
    for values in sets:
        sample = units(sampled(values))
        scatter += sample.T @ sample
    return scatter


def _leading(scatter: np.ndarray, most: int) -> np.ndarray:
    """Directions of the greatest scatter (pixels, `most` or fewer), float32."""
    from scipy.linalg import eigh

    num_pixels = len(scatter)
    most = min(most, num_pixels)
    if not most:
        return np.empty((num_pixels, 0), np.float32)
    directions = eigh(scatter, subset_by_index=[num_pixels - most, num_pixels - 1])[1]
    return np.asarray(directions[:, ::-1].astype(np.float32))


def sampled(values: np.ndarray) -> np.ndarray:
    """About a thousand images of a set, spread over it; all of a smaller one."""
    return values[:: max(1, len(values) // _SAMPLE)]


def _prepared(
    values: np.ndarray,
    size: tuple[int, int],
    directions: np.ndarray,
    numbers: Invariants,
    blocking: Blocking,
) -> GreyImages:
    num, num_pixels = values.shape
    sums, squares = np.empty(num, np.int64), np.empty(num, np.int64)
    few = blocking.wide_directions
    leading = [numbers.leading(most) for most in (few, len(numbers))]
    bound = [Coordinates.empty(num, min(most, directions.shape[1])) for most in (few, _DIRECTIONS)]
    turned = [Coordinates.empty(num, len(at), num_signed) for at, num_signed in leading]
    for part in slices(num, blocking.keys):
        whole = values[part].astype(np.int32)  # the squares of an image add up to less than 2^31
        sums[part] = whole.sum(1)
        squares[part] = np.einsum("ij,ij->i", whole, whole)
        vectors = units(values[part])
        inside, found = vectors @ directions, numbers.of(vectors)
        for coordinates in bound:
            coordinates.fill(part, inside[:, : coordinates.values.shape[1] - 1])
        for coordinates, (at, _) in zip(turned, leading, strict=True):
            coordinates.fill(part, found[:, at])
    spreads = np.sqrt((num_pixels * squares - sums**2).astype(np.float64))
    for coordinates in (*bound, *turned):
        coordinates.values[spreads == 0] = 0
    return GreyImages(
        size=size,
        values=values,
        sums=sums,
        spreads=spreads,
        bound=Bound(wide=bound[0], narrow=bound[1]),
        turned=Bound(wide=turned[0], narrow=turned[1]),
    )


def units(values: np.ndarray) -> np.ndarray:
    """Grey images as rows (n, pixels) of zero mean and unit norm; zeros for one of one value."""
    values = _flat(values)
    centred = values.astype(np.float32)
    centred -= centred.mean(1, keepdims=True)
    norms = np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    constant = (values.max(1, keepdims=True) == values.min(1, keepdims=True)) | (norms == 0)
    centred /= np.where(constant, np.inf, norms)
    return centred


def best_matches(
    queries: GreyImages,
    keys: GreyImages,
    threshold: float,
    blocking: Blocking = DEFAULT_BLOCKING,
) -> Matches:
    """For each query the most similar key, if its correlation reaches `threshold` (at most 1)."""
    found = Matches.none(len(queries))
    for ours in slices(len(queries), blocking.queries):
        for theirs in slices(len(keys), blocking.keys):
            one, other = _candidates(queries, keys, ours, theirs, threshold, blocking)
            for part in slices(len(one), blocking.pairs):
                take_best(one[part], other[part], queries, keys, threshold, found)
    return found


def _candidates(
    queries: GreyImages,
    keys: GreyImages,
    ours: slice,
    theirs: slice,
    threshold: float,
    blocking: Blocking,
) -> Pairs:
    """Pairs of a block among which are all that may be a query's best.

    The keys of a query come in ascending order.
    """
    least = threshold - SLACK
    found = bounded_pairs(queries.bound, keys.bound, ours, theirs, least, blocking)
    if found is not None:
        return found
    exact = queries.units(ours) @ keys.units(theirs).T
    best = exact.max(1, keepdims=True)
    one, other = np.nonzero(exact >= np.maximum(threshold, best) - SLACK / 10)
    return one + ours.start, other + theirs.start


def take_best(
    one: np.ndarray,
    other: np.ndarray,
    queries: GreyImages,
    keys: GreyImages,
    threshold: float,
    into: Matches,
) -> None:
    """Record pairs that reach the threshold and are better than those recorded before."""
    found = correlations(queries, keys, one, other)
    kept = found >= threshold
    one, other, found = one[kept], other[kept], found[kept]
    order = np.lexsort((other, -found, one))
    one, other, found = one[order], other[order], found[order]
    first = np.flatnonzero(np.diff(one, prepend=-1))
    better = first[found[first] > into.similarity[one[first]]]
    into.index[one[better]], into.similarity[one[better]] = other[better], found[better]


def correlations(
    queries: GreyImages, keys: GreyImages, one: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """The correlation of each pair (pairs,): in whole numbers up to the last division."""
    x, y = queries.values[one].astype(np.int32), keys.values[other].astype(np.int32)
    products = np.einsum("ij,ij->i", x, y).astype(np.int64)
    covariances = x.shape[1] * products - queries.sums[one] * keys.sums[other]
    spreads = queries.spreads[one] * keys.spreads[other]
    # Rounded, as two equal images would else miss 1 by what two square roots lose.
    return np.asarray((covariances / np.where(spreads == 0, np.inf, spreads)).round(12))


def nearest(queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The greatest correlation of each unit vector (n, pixels) with those of `keys` (n,)."""
    return np.asarray((queries @ keys.T).max(1))

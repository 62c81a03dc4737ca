"""Which images of one set are all but copies of images of another.

Two images are compared by the correlation of their grey values (zero mean, unit norm), which a
change of brightness or contrast leaves at 1. All pairs of 10,000 and 60,000 images are 0.94 * 10^12
operations at 28x28. Most are saved, and no pair is lost, by the inequality of Cauchy and Schwarz:
with p the coordinates of a unit vector x in a few orthonormal directions and r the norm of the
rest, x.y <= p_x.p_y + r_x r_y. That bound is itself one short matrix product; only pairs whose
bound reaches the threshold are correlated, in whole numbers, so that neither the order of the
images nor the number of threads changes what is found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from headstart.data.arrays import Images

SIDE = 32  # larger images are reduced to this many rows and columns
_DIRECTIONS = 48  # principal directions of the bound
_SAMPLE = 5_000  # images of a set that the directions are fitted to
_SLACK = 1e-4  # more than single precision loses in a product of two unit vectors
_QUERIES, _KEYS = 512, 4_096  # images in a block of the product
_CROWDED = 0.02  # share of a block's pairs from which on the whole product is cheaper
_CHUNK = 16_384  # pairs correlated at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Greys:
    """A set of grey images, ready to be compared with another of the same size.

    An image of one value only has no correlation with anything; its spread is 0.
    """

    values: np.ndarray  # uint8 (n, pixels)
    sums: np.ndarray  # int64 (n,)
    spreads: np.ndarray  # float64 (n,), pixels * standard deviation
    coordinates: np.ndarray  # float32 (n, directions + 1), the last the norm of the rest

    def __len__(self) -> int:
        return len(self.values)

    def at(self, chosen: np.ndarray) -> "Greys":
        """Some of the images."""
        return Greys(
            values=self.values[chosen],
            sums=self.sums[chosen],
            spreads=self.spreads[chosen],
            coordinates=self.coordinates[chosen],
        )

    def units(self, part: slice) -> np.ndarray:
        """Zero mean, unit norm (images, pixels); zeros for an image of one value only."""
        return _units(self.values[part])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """For each image the most similar one of another set, the first of equals; -1 for none."""

    index: np.ndarray  # int64 (n,)
    similarity: np.ndarray  # float64 (n,), 0 where there is none


def grey(images: Images, height: int, width: int, *, mirrored: bool = False) -> np.ndarray:
    """Images of 1 or 3 channels as grey values (n, height, width), reduced by area averages.

    If `mirrored`, left and right are exchanged first. Luma is ITU-R 601 in whole numbers, as Pillow
    has it.
    """
    found = [np.empty((0, height, width), np.uint8)]
    for block in images.blocks():
        luma = _luma(block[:, :, ::-1] if mirrored else block)
        same = luma.shape[1:] == (height, width)
        found.append(luma if same else _reduced(luma, height, width))
    return np.concatenate(found)


def _luma(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[3] == 1:
        return pixels[..., 0]
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    return ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16).astype(np.uint8)


def _reduced(images: np.ndarray, height: int, width: int) -> np.ndarray:
    from PIL import Image

    box = Image.Resampling.BOX
    size = (width, height)
    return np.stack([np.asarray(Image.fromarray(image).resize(size, box)) for image in images])


def prepare(*sets: np.ndarray) -> tuple[Greys, ...]:
    """Sets of grey images (n, height, width) of one size, with one bound for all of them."""
    flat = [images.reshape(len(images), images.shape[1] * images.shape[2]) for images in sets]
    directions = _directions(flat)
    return tuple(_prepared(values, directions) for values in flat)


def _directions(sets: Sequence[np.ndarray]) -> np.ndarray:
    """Orthonormal directions (pixels, directions) that hold most of the images.

    Any would give a true bound; principal ones give the narrowest.
    """
    num_pixels = sets[0].shape[1]
    scatter = np.zeros((num_pixels, num_pixels))
    for values in sets:
        sample = _units(values[:: max(1, len(values) // _SAMPLE)])
        scatter += sample.T @ sample
    return np.linalg.eigh(scatter)[1][:, ::-1][:, :_DIRECTIONS].astype(np.float32)


def _prepared(values: np.ndarray, directions: np.ndarray) -> Greys:
    num, num_pixels = values.shape
    sums, squares = np.empty(num, np.int64), np.empty(num, np.int64)
    coordinates = np.empty((num, directions.shape[1] + 1), np.float32)
    for part in _blocks(num, _KEYS):
        whole = values[part].astype(np.int32)  # the squares of an image add up to less than 2^31
        sums[part] = whole.sum(1)
        squares[part] = np.einsum("ij,ij->i", whole, whole)
        inside = _units(values[part]) @ directions
        rest = 1 - np.square(inside, dtype=np.float64).sum(1)
        # The millionth keeps the bound a bound where rounding made the rest too small.
        rest = np.sqrt(np.maximum(rest, 0) + 1e-6)
        coordinates[part] = np.column_stack([inside, rest])
    spreads = np.sqrt((num_pixels * squares - sums**2).astype(np.float64))
    coordinates[spreads == 0] = 0
    return Greys(values=values, sums=sums, spreads=spreads, coordinates=coordinates)


def _units(values: np.ndarray) -> np.ndarray:
    centred = values.astype(np.float32)
    centred -= centred.mean(1, keepdims=True)
    norms = np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    constant = (values.max(1, keepdims=True) == values.min(1, keepdims=True)) | (norms == 0)
    centred /= np.where(constant, np.inf, norms)
    return centred


def best_matches(queries: Greys, keys: Greys, threshold: float) -> Matches:
    """For each query the most similar key, if its correlation reaches `threshold` (at most 1)."""
    index = np.full(len(queries), -1, np.int64)
    similarity = np.zeros(len(queries))
    for ours in _blocks(len(queries), _QUERIES):
        for theirs in _blocks(len(keys), _KEYS):
            one, other = _candidates(queries, keys, ours, theirs, threshold)
            for part in _blocks(len(one), _CHUNK):
                _take(one[part], other[part], queries, keys, threshold, index, similarity)
    return Matches(index=index, similarity=similarity)


def _candidates(
    queries: Greys, keys: Greys, ours: slice, theirs: slice, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a block among which are all that may be a query's best, in ascending order."""
    bound = queries.coordinates[ours] @ keys.coordinates[theirs].T
    hits = np.flatnonzero(bound >= threshold - _SLACK)
    if len(hits) > max(_CROWDED * bound.size, _CHUNK):
        exact = queries.units(ours) @ keys.units(theirs).T
        best = exact.max(1, keepdims=True)
        hits = np.flatnonzero(exact >= np.maximum(threshold, best) - _SLACK / 10)
    one, other = np.divmod(hits, bound.shape[1])
    return one + ours.start, other + theirs.start


def _take(
    one: np.ndarray,
    other: np.ndarray,
    queries: Greys,
    keys: Greys,
    threshold: float,
    index: np.ndarray,
    similarity: np.ndarray,
) -> None:
    """Enter pairs that reach the threshold and are better than what is there."""
    found = correlations(queries, keys, one, other)
    kept = found >= threshold
    one, other, found = one[kept], other[kept], found[kept]
    order = np.lexsort((other, -found, one))
    one, other, found = one[order], other[order], found[order]
    first = np.flatnonzero(np.diff(one, prepend=-1))
    better = first[found[first] > similarity[one[first]]]
    index[one[better]], similarity[one[better]] = other[better], found[better]


def correlations(queries: Greys, keys: Greys, one: np.ndarray, other: np.ndarray) -> np.ndarray:
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


def _blocks(num: int, size: int) -> Iterator[slice]:
    for start in range(0, num, size):
        yield slice(start, min(start + size, num))

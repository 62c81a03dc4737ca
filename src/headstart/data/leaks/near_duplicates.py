"""Near-duplicates: images of one set that are all but copies of images of another.

Two images are compared by the correlation of their grey values (zero mean, unit norm), which a
change of brightness or contrast leaves at 1. All pairs of 10,000 and 60,000 images are 0.94 * 10^12
operations at 28x28. Most are saved, and no pair is lost, by the inequality of Cauchy and Schwarz:
with p the coordinates of a unit vector x in a few orthonormal directions and r the norm of the
rest, x.y <= p_x.p_y + r_x r_y. That bound is itself one short matrix product. A wide one, in very
few directions, leaves out nearly all pairs, and a narrow one most of what is left; only pairs whose
bound reaches the threshold are correlated, in whole numbers, so that neither the order of the
images nor the number of threads changes what is found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from headstart.data.images import Images, as_bytes

SIDE = 32  # larger images are reduced to this many rows and columns
_DIRECTIONS = 48  # principal directions of the narrow bound
_SAMPLE = 1_000  # images of a set that the directions are fitted to
SLACK = 1e-4  # more than single precision loses in a product of two unit vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """Sizes of the blocks of a search; they change its time and memory, and never its result.

    `sparse` is the share of a block's pairs up to which narrow bounds are found one by one,
    `crowded` that from which on the whole product is cheaper.
    """

    wide_directions: int = 16
    queries: int = 512
    keys: int = 4_096
    keys_per_product: int = 512  # a core's cache then holds them
    sparse: float = 0.005
    crowded: float = 0.02
    pairs: int = 16_384  # correlated at once


DEFAULT_BLOCKING = Blocking()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreyImages:
    """A set of grey images, ready to be compared with another of the same size.

    An image of one value only has no correlation with anything; its spread is 0.
    """

    values: np.ndarray  # uint8 (n, pixels)
    sums: np.ndarray  # int64 (n,)
    spreads: np.ndarray  # float64 (n,), pixels * standard deviation
    wide: np.ndarray  # float32 (n, few + 1), coordinates and at last the norm of the rest
    narrow: np.ndarray  # float32 (n, directions + 1), the same in more directions

    def __len__(self) -> int:
        return len(self.values)

    def at(self, chosen: np.ndarray) -> "GreyImages":
        """Some of the images."""
        return GreyImages(
            values=self.values[chosen],
            sums=self.sums[chosen],
            spreads=self.spreads[chosen],
            wide=self.wide[chosen],
            narrow=self.narrow[chosen],
        )

    def units(self, part: slice) -> np.ndarray:
        """Some of them with zero mean and unit norm."""
        return units(self.values[part])


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
        pixels = as_bytes(block)
        luma = _luma(pixels[:, :, ::-1] if mirrored else pixels)
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


def prepare(*sets: np.ndarray, blocking: Blocking = DEFAULT_BLOCKING) -> tuple[GreyImages, ...]:
    """Sets of grey images (n, height, width) of one size, with one bound for all of them."""
    flat = [_flat(images) for images in sets]
    directions = principal_directions(flat, _DIRECTIONS)
    return tuple(_prepared(values, directions, blocking) for values in flat)


def _flat(images: np.ndarray) -> np.ndarray:
    """Images (n, height, width) or (n, pixels) as rows."""
    return images.reshape(len(images), prod(images.shape[1:]))


def principal_directions(sets: Sequence[np.ndarray], most: int) -> np.ndarray:
    """Orthonormal directions (pixels, `most` or fewer) that hold most of sets of rows of pixels.

    They are those of a sample of each set. Any would give a true bound; these give the narrowest.
    """
    from scipy.linalg import eigh

    num_pixels = sets[0].shape[1]
    most = min(most, num_pixels)
    if not most:
        return np.empty((num_pixels, 0), np.float32)
    scatter = np.zeros((num_pixels, num_pixels))
    for values in sets:
        sample = units(sampled(values))
        scatter += sample.T @ sample
    directions = eigh(scatter, subset_by_index=[num_pixels - most, num_pixels - 1])[1]
    return np.asarray(directions[:, ::-1].astype(np.float32))


def sampled(values: np.ndarray) -> np.ndarray:
    """About a thousand images of a set, spread over it; all of a smaller one."""
    return values[:: max(1, len(values) // _SAMPLE)]


def _prepared(values: np.ndarray, directions: np.ndarray, blocking: Blocking) -> GreyImages:
    num, num_pixels = values.shape
    sums, squares = np.empty(num, np.int64), np.empty(num, np.int64)
    most = directions.shape[1]
    widths = (min(blocking.wide_directions, most), most)
    bounds = [np.empty((num, width + 1), np.float32) for width in widths]
    for part in slices(num, blocking.keys):
        whole = values[part].astype(np.int32)  # the squares of an image add up to less than 2^31
        sums[part] = whole.sum(1)
        squares[part] = np.einsum("ij,ij->i", whole, whole)
        inside = units(values[part]) @ directions
        for bound in bounds:
            some = inside[:, : bound.shape[1] - 1]
            rest = 1 - np.square(some, dtype=np.float64).sum(1)
            # The millionth keeps the bound a bound where rounding made the rest too small.
            bound[part] = np.column_stack([some, np.sqrt(np.maximum(rest, 0) + 1e-6)])
    spreads = np.sqrt((num_pixels * squares - sums**2).astype(np.float64))
    for bound in bounds:
        bound[spreads == 0] = 0
    return GreyImages(values=values, sums=sums, spreads=spreads, wide=bounds[0], narrow=bounds[1])


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
    index = np.full(len(queries), -1, np.int64)
    similarity = np.zeros(len(queries))
    for ours in slices(len(queries), blocking.queries):
        for theirs in slices(len(keys), blocking.keys):
            one, other = _candidates(queries, keys, ours, theirs, threshold, blocking)
            for part in slices(len(one), blocking.pairs):
                take_best(one[part], other[part], queries, keys, threshold, index, similarity)
    return Matches(index=index, similarity=similarity)


def _candidates(
    queries: GreyImages,
    keys: GreyImages,
    ours: slice,
    theirs: slice,
    threshold: float,
    blocking: Blocking,
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a block among which are all that may be a query's best.

    The keys of a query come in ascending order.
    """
    least, size = threshold - SLACK, (ours.stop - ours.start) * (theirs.stop - theirs.start)
    step = blocking.keys_per_product
    found = _above(queries.wide, keys.wide, ours, theirs, least, blocking.sparse * size, step)
    if found is not None:
        one, other = found
        bound = np.einsum("ij,ij->i", queries.narrow[one], keys.narrow[other])
        return one[bound >= least], other[bound >= least]
    most = max(blocking.crowded * size, blocking.pairs)
    found = _above(queries.narrow, keys.narrow, ours, theirs, least, most, step)
    if found is not None:
        return found
    exact = queries.units(ours) @ keys.units(theirs).T
    best = exact.max(1, keepdims=True)
    one, other = np.nonzero(exact >= np.maximum(threshold, best) - SLACK / 10)
    return one + ours.start, other + theirs.start


def _above(
    queries: np.ndarray,
    keys: np.ndarray,
    ours: slice,
    theirs: slice,
    least: float,
    most: float,
    step: int,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Pairs of a block whose bound is at least so much, `step` keys at a time.

    None where they are more than `most`.
    """
    found, num = [], 0
    for start in range(theirs.start, theirs.stop, step):
        some = keys[start : min(start + step, theirs.stop)]
        hits = np.flatnonzero(queries[ours] @ some.T >= least)
        num += len(hits)
        if num > most:
            return None
        one, other = np.divmod(hits, len(some))
        found.append((one + ours.start, other + start))
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)


def take_best(
    one: np.ndarray,
    other: np.ndarray,
    queries: GreyImages,
    keys: GreyImages,
    threshold: float,
    index: np.ndarray,
    similarity: np.ndarray,
) -> None:
    """Record pairs that reach the threshold and are better than those recorded before."""
    found = correlations(queries, keys, one, other)
    kept = found >= threshold
    one, other, found = one[kept], other[kept], found[kept]
    order = np.lexsort((other, -found, one))
    one, other, found = one[order], other[order], found[order]
    first = np.flatnonzero(np.diff(one, prepend=-1))
    better = first[found[first] > similarity[one[first]]]
    index[one[better]], similarity[one[better]] = other[better], found[better]


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


def slices(num: int, size: int) -> Iterator[slice]:
    """All positions below `num`, `size` at a time."""
    for start in range(0, num, size):
        yield slice(start, min(start + size, num))

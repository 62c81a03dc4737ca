"""Bounds of correlations: pairs of images whose correlation may reach a threshold.

With p the coordinates of a unit vector x in a few orthonormal directions and r the norm of the
rest, x.y <= p_x.p_y + r_x r_y, by the inequality of Cauchy and Schwarz. The bound is one short
matrix product. A wide one, in very few directions, leaves out nearly all pairs, and a narrow one
most of what is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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

Pairs = tuple[np.ndarray, np.ndarray]
"""Positions of images of one set, and of another, int64 (pairs,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coordinates:
    """Coordinates of unit vectors in a few directions, and at last the norm of the rest.

    The products of the first `num_either` ones, added up, count by their magnitude: they may all
    have the one sign or the other.
    """

    values: np.ndarray  # float32 (n, directions + 1)
    num_either: int = 0

    @classmethod
    def empty(cls, num: int, num_directions: int, num_either: int = 0) -> "Coordinates":
        """Coordinates of so many vectors, all 0, to be filled in."""
        return cls(values=np.zeros((num, num_directions + 1), np.float32), num_either=num_either)

    def fill(self, part: slice, inside: np.ndarray) -> None:
        """Fill in a part of the vectors from their coordinates (vectors, directions)."""
        rest = 1 - np.square(inside, dtype=np.float64).sum(1)
        # The millionth keeps the bound a bound where rounding made the rest too small.
        self.values[part] = np.column_stack([inside, np.sqrt(np.maximum(rest, 0) + 1e-6)])

    def at(self, chosen: np.ndarray | slice) -> "Coordinates":
        """Those of some of the vectors."""
        return Coordinates(values=self.values[chosen], num_either=self.num_either)

    def all_bounds(self, keys: "Coordinates") -> np.ndarray:
        """Bound of each of these vectors with each of others (n, m)."""
        first, values, others = self.num_either, self.values, keys.values
        found = values[:, first:] @ others[:, first:].T
        if first:
            found += np.abs(values[:, :first] @ others[:, :first].T)
        return np.asarray(found)

    def pair_bounds(self, keys: "Coordinates", one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Bound of each of some pairs (pairs,)."""
        first, values, others = self.num_either, self.values[one], keys.values[other]
        found = np.einsum("ij,ij->i", values[:, first:], others[:, first:])
        if first:
            found += np.abs(np.einsum("ij,ij->i", values[:, :first], others[:, :first]))
        return np.asarray(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """A wide bound, in very few directions, and a narrow one."""

    wide: Coordinates
    narrow: Coordinates

    def at(self, chosen: np.ndarray) -> "Bound":
        """Those of some of the vectors."""
        return Bound(wide=self.wide.at(chosen), narrow=self.narrow.at(chosen))


def bounded_pairs(
    queries: Bound, keys: Bound, ours: slice, theirs: slice, least: float, blocking: Blocking
) -> Pairs | None:
    """Pairs of a block whose bound is at least so much; None where they are a crowd.

    The keys of a query come in ascending order.
    """
    size = (ours.stop - ours.start) * (theirs.stop - theirs.start)
    step = blocking.keys_per_product
    found = _above(queries.wide, keys.wide, ours, theirs, least, blocking.sparse * size, step)
    if found is not None:
        one, other = found
        enough = queries.narrow.pair_bounds(keys.narrow, one, other) >= least
        return one[enough], other[enough]
    most = max(blocking.crowded * size, blocking.pairs)
    return _above(queries.narrow, keys.narrow, ours, theirs, least, most, step)


def _above(
    queries: Coordinates,
    keys: Coordinates,
    ours: slice,
    theirs: slice,
    least: float,
    most: float,
    step: int,
) -> Pairs | None:
    """Pairs of a block whose bound is at least so much, `step` keys at a time.

    None where they are more than `most`.
    """
    found, num, some = [], 0, queries.at(ours)
    for start in range(theirs.start, theirs.stop, step):
        others = slice(start, min(start + step, theirs.stop))
        hits = np.flatnonzero(some.all_bounds(keys.at(others)) >= least)
        num += len(hits)
        if num > most:
            return None
        one, other = np.divmod(hits, others.stop - start)
        found.append((one + ours.start, other + start))
    ones, others_found = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others_found)


def slices(num: int, size: int) -> Iterator[slice]:
    """All positions below `num`, `size` at a time."""
    for start in range(0, num, size):
        yield slice(start, min(start + size, num))

"""A bound of correlations that holds however an image is mirrored and turned.

Directions are chosen so that the symmetries of a square change no more than signs and places of
the coordinates. Those of directions that no symmetry changes count with their sign. Of one that
some symmetry turns into its negative the magnitude counts, and of two that are turned into each
other the length of both coordinates. So one short vector stands for all eight images, and the
inequality of Cauchy and Schwarz holds for the nearest of them.

An image that is even in its rows and even in its columns is mirrored into itself, one that is odd
in one of them into its negative; a quarter turn also exchanges rows and columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

Directions = tuple[np.ndarray, ...]
"""Orthonormal directions (pixels, directions); two sets of them that are turned into each other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Invariants:
    """Numbers of an image that no symmetry changes, the most telling first.

    Each has a direction; behind them come the second directions of those that have two.
    """

    directions: np.ndarray  # float32 (pixels, numbers + pairs)
    signed: np.ndarray  # bool (numbers,): not a magnitude, so that inverting changes its sign
    pairs: np.ndarray  # int64 (pairs,): the numbers that are lengths of two coordinates

    def __len__(self) -> int:
        return len(self.signed)

    def leading(self, most: int) -> tuple[np.ndarray, int]:
        """Positions of the most telling numbers, signed ones first, and how many are signed."""
        signed = self.signed[:most]
        return np.argsort(~signed, kind="stable"), int(signed.sum())

    def of(self, units: np.ndarray) -> np.ndarray:
        """Numbers of unit vectors (n, pixels): float32 (n, numbers)."""
        found, second = np.split(units @ self.directions, [len(self)], axis=1)
        found[:, self.pairs] = np.hypot(found[:, self.pairs], second)
        found[:, ~self.signed] = np.abs(found[:, ~self.signed])
        return np.asarray(found)


def invariants(scatter: np.ndarray, size: tuple[int, int], most: int) -> Invariants:
    """The numbers, `most` or fewer, that hold most of unit vectors with a scatter (pixels, pixels).

    Images that are not square have the symmetries of a rectangle.
    """
    found: list[tuple[float, bool, Directions]] = []
    for signed, bases in _families(size):
        inside = sum(basis.T @ scatter @ basis for basis in bases)
        energies, vectors = np.linalg.eigh(inside)
        turned = [basis @ vectors for basis in bases]
        found += [
            (float(energy), signed, tuple(one[:, at] for one in turned))
            for at, energy in enumerate(energies)
        ]
    found = sorted(found, key=lambda one: -one[0])[:most]
    firsts = [directions[0] for _, _, directions in found]
    seconds = [directions[1] for _, _, directions in found if len(directions) > 1]
    num_pixels = size[0] * size[1]
    return Invariants(
        directions=np.array([*firsts, *seconds], np.float32).reshape(-1, num_pixels).T,
        signed=np.array([signed for _, signed, _ in found], bool),
        pairs=np.flatnonzero([len(directions) > 1 for _, _, directions in found]),
    )


def _families(size: tuple[int, int]) -> Iterator[tuple[bool, Directions]]:
    """Bases of what the symmetries do not mix, and whether none of them changes a sign there."""
    (even, odd), (across_even, across_odd) = (_parities(side) for side in size)
    if size[0] != size[1]:
        yield True, (np.kron(even, across_even),)
        for rows, columns in ((even, across_odd), (odd, across_even), (odd, across_odd)):
            yield False, (np.kron(rows, columns),)
        return
    for parity in (even, odd):
        same, opposite = _exchanged(np.kron(parity, parity))
        yield parity is even, (same,)
        yield False, (opposite,)
    mixed = np.kron(even, odd)
    yield False, (mixed, mixed.reshape(*size, -1).swapaxes(0, 1).reshape(mixed.shape))


def _parities(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal bases of rows of pixels that are even, and odd, in their middle."""
    identity = np.eye(side)
    first = identity[:, : side // 2]
    middle = identity[:, side // 2 : side - side // 2]
    last = first[::-1]
    return np.hstack([(first + last) / np.sqrt(2), middle]), (first - last) / np.sqrt(2)


def _exchanged(basis: np.ndarray) -> Directions:
    """Of products of one basis for rows and columns: what exchanging these leaves, and negates."""
    side = round(basis.shape[1] ** 0.5)
    square = basis.reshape(-1, side, side)
    (i, j), (k, m) = np.triu_indices(side), np.triu_indices(side, 1)
    same = (square[:, i, j] + square[:, j, i]) / np.where(i == j, 2, np.sqrt(2))
    return same, (square[:, k, m] - square[:, m, k]) / np.sqrt(2)

"""Codes of images, by which equal ones are found whatever was done to one of them.

A code is the sum of an image's bytes, each times a random weight of its place. The code of a
turned image is the sum over the image as it is with the weights turned back, and so on for all
changes: one matrix product gives the codes of all of them. Weights are whole numbers, small enough
that no sum is rounded. Images of one code are compared byte by byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from math import prod

import numpy as np

from headstart.core.seeds import generator
from headstart.data.images import as_bytes
from headstart.data.leaks.changes import WHITE, Change, windows

_EXACT = 53  # bits of a double


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Codes:
    """Codes of images: of them, of their centres, and of what they would be once changed.

    The columns of `changed` are those of changes, the columns of `shifted` those of `windows`
    behind the first.
    """

    whole: np.ndarray  # float64 (n,), whole numbers
    centre: np.ndarray  # float64 (n,)
    changed: np.ndarray  # float64 (n, changes)
    shifted: np.ndarray  # float64 (n, shifts)

    @classmethod
    def of_all(cls, parts: Sequence["Codes"]) -> "Codes":
        """Codes of the images of several parts, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def codes_of(pixels: np.ndarray, changes: Sequence[Change], *, shifts: bool) -> Codes:
    """Codes of images (n, height, width, channels), for some changes and perhaps for shifts."""
    shape = pixels.shape[1:]
    flat = as_bytes(pixels).reshape(len(pixels), prod(shape)).astype(np.float64)
    turns = tuple(dict.fromkeys(change.turn for change in changes))
    sums = flat @ _weights(shape, turns, shifts)
    whole, centre, turned, shifted = np.split(sums, [1, 2, 2 + len(turns)], axis=1)
    changed = turned[:, [turns.index(change.turn) for change in changes]]
    white = WHITE * _drawn(prod(shape), "whole").sum()
    inverted = np.array([change.inverted for change in changes], bool)
    return Codes(
        whole=whole[:, 0],
        centre=centre[:, 0],
        changed=np.where(inverted, white - changed, changed),
        shifted=shifted,
    )


@lru_cache(maxsize=4)
def _weights(shape: tuple[int, int, int], turns: tuple[Change, ...], shifts: bool) -> np.ndarray:
    """Weights of the bytes of an image (bytes, 2 + turns + shifts), in the order of `Codes`."""
    places = np.arange(prod(shape)).reshape(1, *shape)
    whole = _drawn(prod(shape), "whole")
    seen = [places[(0, *window)].ravel() for window in windows(shape[:2])] or [places.ravel()]
    centre = _drawn(len(seen[0]), "centre")
    columns = [(places.ravel(), whole), (seen[0], centre)]
    columns += [(turn.turned(places).ravel(), whole) for turn in turns]
    columns += [(window, centre) for window in seen[1:]] if shifts else []
    weights = np.zeros((prod(shape), len(columns)))
    for column, (at, drawn) in enumerate(columns):
        weights[at, column] = drawn
    return weights


def _drawn(num: int, name: str) -> np.ndarray:
    """Weights of so many bytes, float64 (num,), whole numbers."""
    most = 1 << (_EXACT - WHITE.bit_length() - num.bit_length())
    return generator(0, "codes", name).integers(0, most, num).astype(np.float64)

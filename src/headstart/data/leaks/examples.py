"""Pairs of images that are copies, or only alike, to be judged by eye."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headstart.data.images import Images
from headstart.data.leaks.copies import ALIKE, KINDS, Copies
from headstart.data.leaks.image_pair import ImagePair, places
from headstart.data.thumbnails import thumbnails

MOST_EXAMPLES = 24
LARGEST = 64  # rows and columns of a thumbnail

Pair = tuple[str, str]
"""A part, and the part in which copies of its images are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(ImagePair):
    """Two images that are copies, or only alike: how, and their correlation."""

    kind: str
    similarity: float


def examples(copies: Mapping[Pair, Copies], parts: Mapping[str, Images]) -> tuple[Example, ...]:
    """Pairs to look at: copies before images that are only alike.

    Pairs of parts come in their order, and of each the images from the most alike to the least.
    """
    found: list[Example] = []
    for only_alike in (False, True):
        for pair, of_pair in copies.items():
            wanted = of_pair.kind == ALIKE if only_alike else of_pair.found
            at = np.flatnonzero(wanted)
            at = at[np.lexsort((at, -of_pair.similarity[at], of_pair.kind[at]))]
            room = min(len(at), MOST_EXAMPLES - len(found))
            spread = np.linspace(0, len(at) - 1, room).round().astype(int)
            found += [_example(pair, one, of_pair, parts) for one in at[spread].tolist()]
    return tuple(found)


def _example(pair: Pair, at: int, found: Copies, parts: Mapping[str, Images]) -> Example:
    part, other = pair
    return Example(
        **places(part, at, other, int(found.index[at]), parts),
        kind=KINDS[found.kind[at]],
        similarity=float(found.similarity[at]),
    )


def pictures(shown: tuple[Example, ...], parts: Mapping[str, Images]) -> np.ndarray:
    """Both images of every pair, uint8 (examples, 2, height, width, channels)."""
    pairs = [((e.part, e.index), (e.other, e.other_index)) for e in shown]
    small = thumbnails([parts[part].image(at) for pair in pairs for part, at in pair], LARGEST)
    return small.reshape(len(shown), 2, *small.shape[1:])

"""Bursts: files with neighbouring numbers that look alike, on both sides of the test.

What counts as alike is measured on the data set: random pairs of one class are, as a rule, less
alike than pictures of one moment, however alike all pictures of the set may be.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from headstart.core.seeds import generator
from headstart.data.images import Images
from headstart.data.leaks.greys import grey
from headstart.data.leaks.near_copies import compared_at
from headstart.data.leaks.near_duplicates import units

APART = 2  # numbers that neighbours are apart, at the most
BURST = 30  # numbers that images of other moments are apart, at the least
COMPARED = 500  # pairs, at the most
USUAL = 0.95  # of random pairs are less alike than those that count as alike
_NUMBER = re.compile(r"(\d+)(\D*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Test images with the number next to that of a training image of their class and folder.

    `num_alike` of the `num_next` pairs are more alike than 95 % of random pairs of one class;
    `example` are the names of the most alike.
    """

    num_next: int
    num_alike: int
    example: tuple[str, str]


def find_bursts(train: Images, test: Images) -> Bursts | None:
    """Neighbours by name on both sides of the test, if there are any."""
    pairs = _neighbours(train, test)
    if train.names is None or test.names is None or not len(pairs):
        return None
    draw = generator(0, "bursts")
    pairs = pairs[np.sort(draw.permutation(len(pairs))[:COMPARED])]
    near, far = (_alike(test, train, some) for some in (pairs, _others(train, test, pairs, draw)))
    if not len(far):
        return None
    alike = near > np.quantile(far, USUAL)
    first, second = pairs[int(near.argmax())]
    return Bursts(
        num_next=len(pairs),
        num_alike=int(alike.sum()),
        example=(str(test.names[first]), str(train.names[second])),
    )


def _neighbours(train: Images, test: Images) -> np.ndarray:
    """Positions of test images and of the training images next to them, int64 (pairs, 2)."""
    if train.names is None or test.names is None:
        return np.empty((0, 2), np.int64)
    places = {
        (*key, int(label)): at
        for at, (name, label) in enumerate(zip(train.names, train.labels, strict=True))
        if (key := _numbered(name)) is not None
    }
    steps = [sign * step for step in range(1, APART + 1) for sign in (-1, 1)]
    pairs = []
    for at, (name, label) in enumerate(zip(test.names, test.labels, strict=True)):
        if (key := _numbered(name)) is None:
            continue
        before, number, behind = key
        found = [places.get((before, number + step, behind, int(label))) for step in steps]
        pairs += [(at, there) for there in found if there is not None][:1]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _others(
    train: Images, test: Images, pairs: np.ndarray, draw: np.random.Generator
) -> np.ndarray:
    """The test images of pairs with random images of their class from other moments."""
    assert train.names is not None
    assert test.names is not None
    numbers = np.array([key[1] if (key := _numbered(name)) else -BURST for name in train.names])
    found = []
    for at in pairs[:, 0].tolist():
        key = _numbered(test.names[at])
        assert key is not None, "images of pairs have numbers"
        far = np.flatnonzero(
            (train.labels == test.labels[at]) & (np.abs(numbers - key[1]) >= BURST)
        )
        found += [(at, draw.choice(far))] if len(far) else []
    return np.array(found, np.int64).reshape(-1, 2)


def _alike(test: Images, train: Images, pairs: np.ndarray) -> np.ndarray:
    """Correlation of the grey values of each pair, float32 (pairs,)."""
    size = compared_at(test)
    ours, theirs = (
        units(grey(images.taken(pairs[:, side]), *size))
        for side, images in enumerate((test, train))
    )
    return np.asarray((ours * theirs).sum(axis=1))


def _numbered(name: str) -> tuple[str, int, str] | None:
    """What stands before the last number of a path without suffix, the number, and what follows."""
    stem = name[: len(name) - len(PurePosixPath(name).suffix)]
    match = _NUMBER.search(stem)
    if match is None or "/" in match[2]:
        return None
    return stem[: match.start()], int(match[1][-15:]), match[2]

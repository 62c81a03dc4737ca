"""Images dealt into parts by hashes of their bytes, or of their groups.

What is dealt is a unit: all images of the same bytes, or of one group. Its side hangs on its own
hash, and on other units as little as can be, so that images may join a data set without those that
were there changing sides.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TEST_SHARE = 0.2  # where no test part is published
LEAST, MOST = 0.25, 2.0  # of that share, that a class has


def units_of(sha256: Sequence[str], groups: Sequence[str] | None = None) -> np.ndarray:
    """The unit of each image, uint64 (n,).

    Args:
        sha256: of the bytes of each image, in hexadecimal.
        groups: of each image; groups that share an image byte for byte make one unit.
    """
    by_bytes = np.array([int(one[:16], 16) for one in sha256], np.uint64)
    if groups is None:
        return by_bytes
    from scipy.sparse import coo_array  # takes as long to import as all else that commands need
    from scipy.sparse.csgraph import connected_components

    by_group = np.array([_hash("group", group) for group in groups], np.uint64)
    image, group = (np.unique(one, return_inverse=True)[1] for one in (by_bytes, by_group))
    nodes = len(image) + len(group)
    edges = coo_array((np.ones(len(image)), (image, len(image) + group)), shape=(nodes, nodes))
    joined = connected_components(edges, directed=False)[1][image]
    least = np.full(nodes, np.iinfo(np.uint64).max)
    np.minimum.at(least, joined, by_group)
    return np.asarray(least[joined])


def draws(units: np.ndarray, purpose: str) -> np.ndarray:
    """A hash of each unit for one purpose, uint64 (n,)."""
    distinct, at = np.unique(units, return_inverse=True)
    return np.array([_hash(purpose, str(unit)) for unit in distinct.tolist()], np.uint64)[at]


def dealt_test(units: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which images are the test part where none is published, bool (n,).

    It holds the units whose hashes lie in the lowest fifth of all that there can be, whatever else
    the data set holds. Where this gives a class less than a quarter of a fifth, or more than two,
    units of that class join or leave in the order of their hashes. A class of at least two units
    has one on either side.

    Args:
        units: of the images (n,).
        labels: their classes (n,).
    """
    deal = _Deal(units, labels, "test part")
    for unit in deal.units:
        if unit.draw < TEST_SHARE * 2.0**64:
            deal.hold_out(unit)
    for label, of_class in sorted(deal.by_class.items(), key=lambda item: len(item[1])):
        few, many = (max(1.0, bound * TEST_SHARE * deal.num[label]) for bound in (LEAST, MOST))
        for unit in of_class:
            if deal.held_out[label] < few:
                deal.hold_out(unit)
        for unit in reversed(of_class):
            if deal.held_out[label] > many:
                deal.take_back(unit)
    return deal.mask(units)


def dealt_groups(units: np.ndarray, labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Which images are held out where whole groups are, bool (n,): about a share of every class.

    Groups are gone through in the order of their hashes, and each is held out that brings the
    numbers of images of its classes nearer to the share. A class of at least two groups has one on
    either side.

    Args:
        units: of the images (n,).
        labels: their classes (n,).
        share: of every class to hold out.
        seed: of the hashes.
    """
    deal = _Deal(units, labels, f"validation {seed}")
    for unit in deal.units:
        if deal.change(unit, share) < 0:
            deal.hold_out(unit)
    for label, of_class in deal.by_class.items():
        for unit in sorted(of_class, key=lambda one: one.images[label]):
            if share and not deal.held_out[label]:
                deal.hold_out(unit)
    return deal.mask(units)


@dataclass(frozen=True, slots=True, eq=False)
class _Unit:
    draw: int
    name: int
    images: Counter[int]  # by class


class _Deal:
    """Units of a data set in the order of their hashes, and which of them are held out."""

    def __init__(self, units: np.ndarray, labels: np.ndarray, purpose: str) -> None:
        images: dict[int, Counter[int]] = {}
        for name, label in zip(units.tolist(), labels.tolist(), strict=True):
            images.setdefault(name, Counter())[label] += 1
        hashes = dict(zip(units.tolist(), draws(units, purpose).tolist(), strict=True))
        found = [_Unit(hashes[name], name, counts) for name, counts in images.items()]
        self.units = sorted(found, key=lambda unit: (unit.draw, unit.name))
        self.by_class: dict[int, list[_Unit]] = {}
        for unit in self.units:
            for label in unit.images:
                self.by_class.setdefault(label, []).append(unit)
        self.num: Counter[int] = Counter(labels.tolist())
        self.held_out: Counter[int] = Counter()  # images, by class
        self._left = Counter({label: len(of) for label, of in self.by_class.items()})  # units
        self._names: set[int] = set()

    def hold_out(self, unit: _Unit) -> None:
        """Hold a unit out, unless a class would be left without any."""
        if unit.name in self._names or any(self._left[label] < 2 for label in unit.images):
            return
        self._names.add(unit.name)
        self._left.subtract(list(unit.images))
        self.held_out += unit.images

    def take_back(self, unit: _Unit) -> None:
        """Take a unit back, unless nothing would be held out of a class."""
        if unit.name not in self._names or any(
            self.held_out[label] <= number for label, number in unit.images.items()
        ):
            return
        self._names.remove(unit.name)
        self._left.update(list(unit.images))
        self.held_out -= unit.images

    def change(self, unit: _Unit, share: float) -> float:
        """What holding a unit out adds to the squared distances of classes from their share."""
        changes = [
            number * (number + 2 * (self.held_out[label] - share * self.num[label]))
            for label, number in unit.images.items()
        ]
        sizes = [self.num[label] for label in unit.images]
        return sum(change / size for change, size in zip(changes, sizes, strict=True))

    def mask(self, units: np.ndarray) -> np.ndarray:
        """Which images are held out, bool (n,)."""
        return np.isin(units, np.array(list(self._names), np.uint64))


def _hash(*text: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(text).encode()).digest()[:8], "big")

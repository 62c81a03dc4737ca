"""Images of one set that are in another byte for byte: as they are, or changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from headstart.data.images import Images, as_bytes
from headstart.data.leaks.changes import MIRRORED, Change, by_class, windows
from headstart.data.leaks.codes import Codes, codes_of
from headstart.data.leaks.copies import EXACT, SHIFTED, Copies, kind_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hashes:
    """Hash and code of each image; images of another shape have other hashes.

    `changes` are those that the codes know of.
    """

    images: Images
    plain: list[bytes]
    codes: Codes
    changes: tuple[Change, ...]


def hashes(
    images: Images, changes: Sequence[Change] = (MIRRORED,), *, shifts: bool = False
) -> Hashes:
    """Hashes of shape and bytes, and codes of the images and of what they would be once changed."""
    key = repr(images.shape).encode()
    plain, codes = [], [codes_of(np.empty((0, *images.shape), np.uint8), changes, shifts=shifts)]
    for block in images.blocks():
        whole = np.ascontiguousarray(block)
        plain += [blake2b(image.data, digest_size=16, key=key).digest() for image in whole]
        codes.append(codes_of(whole, changes, shifts=shifts))
    return Hashes(images=images, plain=plain, codes=Codes.of_all(codes), changes=tuple(changes))


def exact_copies(of: Hashes, among: Hashes, *, same_class: bool = False) -> Copies:
    """Equal bytes first, then equal to the mirror image, then otherwise changed, then shifted.

    Of several the first. Among themselves images are copies of earlier ones. If `same_class`, what
    is turned, inverted or shifted is a copy of an image of its class only: a turned 6 may be a 9.
    """
    found = Copies.none(len(of.plain))
    first: dict[bytes, int] = {}
    for at, digest in enumerate(among.plain):
        first.setdefault(digest, at)
    plain = np.array([first.get(digest, -1) for digest in of.plain], np.int64)
    equal = np.flatnonzero((plain >= 0) & (plain < _limits(of, among)))
    found.record(equal, EXACT, plain[equal], 1)
    _add_turned(found, of, among, same_class=same_class)
    _add_shifted(found, of, among, same_class=same_class)
    return found


def _limits(of: Hashes, among: Hashes) -> np.ndarray:
    """Each image may be a copy of those of `among` before this position (n,)."""
    num = len(of.plain)
    return np.arange(num) if of is among else np.full(num, len(among.plain))


def _add_turned(found: Copies, of: Hashes, among: Hashes, *, same_class: bool) -> None:
    ours, theirs = of.images, among.images
    of_any, of_class = (_Lookup(of, among, among.codes.whole, by) for by in (False, same_class))
    for column, change in enumerate(of.changes):
        if change.shape(ours.shape) != theirs.shape:
            continue

        def equal(one: int, other: int, change: Change = change) -> bool:
            given = as_bytes if change.inverted else np.asarray
            image, copy = (given(s.image(at)[None]) for s, at in ((ours, one), (theirs, other)))
            return bool(copy.min() < copy.max()) and np.array_equal(change.of(image), copy)

        lookup = of_class if by_class(change) else of_any
        lookup.add(found, kind_of(change, near=False), of.codes.changed[:, column], equal)


def _add_shifted(found: Copies, of: Hashes, among: Hashes, *, same_class: bool) -> None:
    ours, theirs = of.images, among.images
    if ours.shape != theirs.shape or not of.codes.shifted.shape[1]:
        return
    lookup = _Lookup(of, among, among.codes.centre, same_class)
    centre, *shifts = windows((ours.shape[0], ours.shape[1]))
    for column, window in enumerate(shifts):

        def equal(one: int, other: int, window: tuple[slice, slice] = window) -> bool:
            image, copy = ours.image(one)[window], theirs.image(other)[centre]
            return bool(copy.min() < copy.max()) and np.array_equal(image, copy)

        lookup.add(found, SHIFTED, of.codes.shifted[:, column], equal)


class _Lookup:
    """The first image of each code, or of each code and class."""

    def __init__(self, of: Hashes, among: Hashes, codes: np.ndarray, by_class: bool) -> None:
        self._labels = of.images.labels if by_class else None
        self._limits = _limits(of, among)
        known = codes + 1j * among.images.labels if by_class else codes
        self._known, self._first = np.unique(known, return_index=True)

    def add(
        self, found: Copies, kind: int, codes: np.ndarray, equal: Callable[[int, int], bool]
    ) -> None:
        """Record images without a copy so far that equal the first of their code indeed."""
        left = np.flatnonzero(~found.found)
        if not len(self._known):
            return
        wanted = (codes if self._labels is None else codes + 1j * self._labels)[left]
        place = np.minimum(np.searchsorted(self._known, wanted), len(self._known) - 1)
        first = self._first[place]
        hit = (self._known[place] == wanted) & (first < self._limits[left])
        for at, index in zip(left[hit].tolist(), first[hit].tolist(), strict=True):
            if equal(at, index):
                found.record(at, kind, index, 1)

"""Images of one set that are in another but for details: nearly as they are, or nearly changed."""

from collections.abc import Sequence

import numpy as np

from headstart.data.images import Images
from headstart.data.leaks.changed_matches import changed_matches
from headstart.data.leaks.changes import AS_IT_IS, Change, by_class
from headstart.data.leaks.copies import ALIKE, NONE, Copies, kind_of
from headstart.data.leaks.greys import SIDE, grey
from headstart.data.leaks.near_duplicates import GreyImages, Labels, best_matches, prepare
from headstart.data.leaks.own_part import OWN_TURNED, common_directions, copies_of


def near_copies(
    exact: Copies,
    of: GreyImages,
    among: GreyImages,
    threshold: float,
    changes: Sequence[Change] = (),
    labels: Labels | None = None,
) -> Copies:
    """Where nothing is equal: correlated by `threshold` or more, as it is or else changed.

    The own parts of two copies are alike too; where they are not, images are `alike` at most.

    Args:
        exact: copies that were found before.
        of: images whose copies are sought.
        among: images that may be their copies.
        threshold: the least correlation of copies.
        changes: that are sought too, in this order.
        labels: of both sets, where turned and inverted copies are sought in an image's class only.
    """
    found = exact.copied()
    left = np.flatnonzero(~found.found)
    if changes:
        fitting = [change for change in changes if change.shape(of.size) == of.size]
        matched = changed_matches(
            of.at(left), among, (AS_IT_IS, *fitting), threshold, _at(labels, left)
        )
    else:
        matched = {AS_IT_IS: best_matches(of.at(left), among, threshold)}
    common: dict[Change, np.ndarray] = {}  # by the turn: inverting changes no direction
    for change, matches in matched.items():
        new = np.flatnonzero((matches.index >= 0) & ~found.found[left])
        if not len(new):
            continue
        turn, at = change.turn, left[new]
        if turn not in common:
            common[turn] = common_directions(of.changed(turn), among)
        queries = of.at(at).changed(change)
        copies = (
            copies_of(queries, among, threshold, common[turn], OWN_TURNED, _at(labels, at))
            if by_class(change)
            else copies_of(queries, among, threshold, common[turn])
        )
        unlike = found.kind[at] == NONE  # any image of the other set so far
        alike = matches.at(new[unlike])
        found.record(at[unlike], ALIKE, alike.index, alike.similarity)
        is_copy = np.flatnonzero(copies.index >= 0)
        one = copies.at(is_copy)
        found.record(at[is_copy], kind_of(change, near=True), one.index, one.similarity)
    return found


def _at(labels: Labels | None, some: np.ndarray) -> Labels | None:
    """The labels where those of the first set are of some images only."""
    return labels and (labels[0][some], labels[1])


def compared_at(*sets: Images) -> tuple[int, int]:
    """Height and width at which sets are compared: the least of each, at most 32."""
    heights, widths = ([images.shape[axis] for images in sets] for axis in (0, 1))
    return min(SIDE, *heights), min(SIDE, *widths)


def prepared(sets: dict[str, Images], size: tuple[int, int]) -> dict[str, GreyImages]:
    """Sets of images by name, ready to be compared at a size."""
    greys = {name: grey(images, *size) for name, images in sets.items()}
    return dict(zip(greys, prepare(*greys.values()), strict=True))

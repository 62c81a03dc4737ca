"""Search for near-duplicates of images as they are, mirrored, turned or inverted.

One bound holds for all turns of an image and for their negatives. So a search for fifteen changes
takes about as long as two searches for images as they are.
"""

from collections.abc import Sequence

import numpy as np

from headstart.data.leaks.bounds import DEFAULT_BLOCKING, SLACK, Blocking, bounded_pairs, slices
from headstart.data.leaks.changes import Change, by_class
from headstart.data.leaks.near_duplicates import (
    GreyImages,
    Labels,
    Matches,
    best_matches,
    prepare,
    take_best,
    units,
)
from headstart.data.progress import Progress, reporting


def changed_matches(
    queries: GreyImages,
    keys: GreyImages,
    changes: Sequence[Change],
    threshold: float,
    labels: Labels | None = None,
    blocking: Blocking = DEFAULT_BLOCKING,
) -> dict[Change, Matches]:
    """For each change the most similar key of each query, if it reaches the threshold.

    With `labels` turned and inverted queries match keys of their class only.
    """
    search = _Search(queries, keys, changes, threshold, labels, blocking)
    search.run()
    search.run_crowd()
    return search.found


class _Search:
    """A search and what it has found so far.

    Queries of a crowd are those that have too many keys with a sufficient bound, as images under
    one camera do.
    """

    def __init__(
        self,
        queries: GreyImages,
        keys: GreyImages,
        changes: Sequence[Change],
        threshold: float,
        labels: Labels | None,
        blocking: Blocking,
    ) -> None:
        self._queries, self._keys, self._labels = queries, keys, labels
        self._threshold, self._blocking = threshold, blocking
        self._crowd = np.zeros(len(queries), bool)
        self._changed: dict[Change, GreyImages] = {}
        self.found = {change: Matches.none(len(queries)) for change in changes}

    def run(self) -> None:
        """Look for all changes together."""
        queries, keys, least = self._queries, self._keys, self._threshold - SLACK
        work = Progress(what="looking for near copies", num=len(queries), once=False)
        report = reporting(work)
        for ours in slices(len(queries), self._blocking.queries):
            for theirs in slices(len(keys), self._blocking.keys):
                pairs = bounded_pairs(
                    queries.turned, keys.turned, ours, theirs, least, self._blocking
                )
                if pairs is None:
                    self._crowd[ours] = True
                    break
                one, other = pairs
                for part in slices(len(one), self._blocking.pairs):
                    self._correlate(one[part], other[part])
            report(ours.stop)

    def _correlate(self, one: np.ndarray, other: np.ndarray) -> None:
        """Record pairs of queries and keys that match under a change."""
        ours, theirs = (
            units(images.values[at]).reshape(-1, *images.size)
            for images, at in ((self._queries, one), (self._keys, other))
        )
        found = {}
        for change in self.found:
            turn = change.turn
            if turn not in found:
                found[turn] = np.einsum("ijk,ijk->i", turn.turned(ours), theirs)
            similar = -found[turn] if change.inverted else found[turn]
            near = similar >= self._threshold - SLACK
            if self._labels is not None and by_class(change):
                near &= self._labels[0][one] == self._labels[1][other]
            if near.any():
                self._record(change, one[near], other[near])

    def _record(self, change: Change, one: np.ndarray, other: np.ndarray) -> None:
        if change not in self._changed:
            self._changed[change] = self._queries.changed(change)
        queries = self._changed[change]
        take_best(one, other, queries, self._keys, self._threshold, self.found[change])

    def run_crowd(self) -> None:
        """Look for each change of the queries of crowds alone, if need be class by class."""
        at = np.flatnonzero(self._crowd)
        if not len(at):
            return
        everything = np.arange(len(self._keys))
        if self._labels is None:
            self._run_alone(list(self.found), at, everything)
            return
        self._run_alone([c for c in self.found if not by_class(c)], at, everything)
        ours, theirs = self._labels
        bound = [change for change in self.found if by_class(change)]
        for label in np.unique(ours[at]):
            self._run_alone(bound, at[ours[at] == label], np.flatnonzero(theirs == label))

    def _run_alone(self, changes: list[Change], at: np.ndarray, among: np.ndarray) -> None:
        if not changes or not len(among):
            return
        images = self._queries.images[at]
        keys, *changed = prepare(
            self._keys.images[among], *(c.of(images) for c in changes), blocking=self._blocking
        )
        for change, queries in zip(changes, changed, strict=True):
            matches = best_matches(queries, keys, self._threshold, self._blocking)
            there = matches.index >= 0
            found = self.found[change]
            found.index[at[there]] = among[matches.index[there]]
            found.similarity[at[there]] = matches.similarity[there]

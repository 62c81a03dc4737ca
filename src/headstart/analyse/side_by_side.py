"""Two studies side by side: the comparisons that both have, and the difference of their gains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import Analysis, Comparison
from headstart.analyse.cells import beside, cell_of
from headstart.analyse.records import Record, Records
from headstart.analyse.statistics import MeanError, crossed
from headstart.study.differences import Difference

LEVEL = 0.95  # of the interval of a difference of gains


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two studies.

    Attributes:
        name: what it is called beside the other.
        analysis: of what is stored of it.
        records: its finished trials.
        overlaps: keys of the searches for shared images, by (source, target).
    """

    name: str
    analysis: Analysis
    records: Records
    overlaps: Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainDifference:
    """Gain in the second study less that in the first, over seeds and images that both share.

    The interval is the plain crossed one at 95 %, adjusted for nothing.
    """

    difference_pp: float
    low_pp: float
    high_pp: float
    seeds: tuple[int, ...]
    num_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedComparison:
    """A comparison that both studies have; `why_untested` says why there is no difference."""

    first: Comparison
    second: Comparison
    difference: GainDifference | None
    why_untested: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Two studies, what they ask differently, and what came out of what both ask."""

    first: Side
    second: Side
    differences: tuple[Difference, ...]
    shared: tuple[SharedComparison, ...]
    only_first: tuple[Comparison, ...]
    only_second: tuple[Comparison, ...]


def side_by_side(first: Side, second: Side, differences: Sequence[Difference]) -> SideBySide:
    """Two studies side by side; comparisons are matched by arm, control, size, source, target."""
    ours = {(cell_of(c), c.control): c for c in first.analysis.comparisons}
    theirs = {(cell_of(c), c.control): c for c in second.analysis.comparisons}
    return SideBySide(
        first=first,
        second=second,
        differences=tuple(differences),
        shared=tuple(
            _shared(first, second, one, theirs[key]) for key, one in ours.items() if key in theirs
        ),
        only_first=tuple(one for key, one in ours.items() if key not in theirs),
        only_second=tuple(one for key, one in theirs.items() if key not in ours),
    )


def _shared(first: Side, second: Side, one: Comparison, other: Comparison) -> SharedComparison:
    seeds = tuple(sorted(set(one.seeds) & set(other.seeds)))
    difference, why = None, _why_untested(first, second, (one, other), seeds)
    if not why:
        ours, theirs = (_gains(side.records, one, seeds) for side in (first, second))
        difference = _difference(theirs - ours, seeds)
        if difference is None:
            why = "all images differ alike, with every seed"
    return SharedComparison(first=one, second=other, difference=difference, why_untested=why)


def _why_untested(
    first: Side, second: Side, both: tuple[Comparison, Comparison], seeds: tuple[int, ...]
) -> str:
    """Why two gains cannot be compared image by image; empty where they can."""
    words = {one.verdict for one in both}
    if "unfinished" in words:
        return "one of them is not finished"
    if "invalid" in words:
        return "the verdict of one of them is withheld"
    if first.analysis.metric != second.analysis.metric:
        return "their metrics differ"
    if len(seeds) < 2:
        return "they do not share two seeds"
    place = both[0].source, both[0].target
    arms = zip(*(_both(side.records, both[0]) for side in (first, second)), strict=True)
    pairs = [(ours[seed], theirs[seed]) for ours, theirs in arms for seed in seeds]
    if any(record.images is not None for pair in pairs for record in pair):
        return "a study has a test part for each seed"
    if not _same_images(pairs, first.overlaps.get(place) == second.overlaps.get(place)):
        return "they are not tested on the same images"
    return ""


def _same_images(pairs: Sequence[tuple[Record, Record]], same_search: bool) -> bool:
    """Whether trials of both studies are tested on the same images, in the same order.

    Args:
        pairs: a trial of each study.
        same_search: whether both left out what one search for shared images found.
    """
    return all(
        ours.tested_on == theirs.tested_on
        and (same_search or not ours.tested_on["left_out"])
        and np.array_equal(ours.labels, theirs.labels)
        for ours, theirs in pairs
    )


def _difference(table: np.ndarray, seeds: tuple[int, ...]) -> GainDifference | None:
    """Mean of differences of gains (seeds, images), with its interval; None without variance."""
    if (table == table.flat[0]).all():
        return None
    found = crossed(table)
    # Not cut at one, as intervals of gains are: a difference of gains may be twice as large.
    low, high = MeanError.interval(found, LEVEL)
    return GainDifference(
        difference_pp=100 * found.mean,
        low_pp=100 * low,
        high_pp=100 * high,
        seeds=seeds,
        num_images=table.shape[1],
    )


def _gains(records: Records, comparison: Comparison, seeds: tuple[int, ...]) -> np.ndarray:
    """Scores of the arm less those of the control (seeds, images)."""
    arm, control = _both(records, comparison)
    return np.stack([arm[seed].scores - control[seed].scores for seed in seeds])


def _both(records: Records, comparison: Comparison) -> tuple[dict[int, Record], dict[int, Record]]:
    """Trials of the arm and of the control, by seed."""
    cell = cell_of(comparison)
    return records[cell], records[beside(cell, comparison.control)]

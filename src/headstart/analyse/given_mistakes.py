"""Single test images of results from elsewhere: what an arm gets wrong, puts right and breaks."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import cast

import numpy as np

from headstart.analyse.analysis import NO_PICTURE, ImageMistake, Mistakes, Picture
from headstart.analyse.analysis.picture import picture_of
from headstart.analyse.given import GivenEvidence, GivenRun
from headstart.analyse.mistakes import PairAnswers, counted_mistakes
from headstart.image_outcomes import MOST_LISTED, ImageAnswers, Kind, image_answers, surest

_AT_ONCE = 4_000_000  # answers by image and class that are counted at a time

OfSeed = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Positions of the images that a seed was tested on, the classes and the probabilities given."""


def given_mistakes(evidence: GivenEvidence, pair: PairAnswers) -> Mistakes:
    """Counts, and the surest images of each kind; with pictures of those whose files are known."""
    common = evidence.tested.get(pair.comparison.size)
    (labels, positions, arm), (_, _, control) = (
        _answers(cast(Sequence[GivenRun], runs), common, len(pair.classes))
        for runs in (pair.arm, pair.control)
    )
    listed = tuple(
        _mistake(kind, at, evidence.names[positions[at]], pair.classes[labels[at]], arm, control,
                 pair.classes)
        for kind, found in surest(arm, control, MOST_LISTED).items()
        for at in found.tolist()
    )  # fmt: skip
    return replace(
        counted_mistakes(pair),
        image_mistakes=listed,
        pictures=tuple(_picture(evidence, one.file) for one in listed),
    )


def _answers(
    runs: Sequence[GivenRun], common: np.ndarray | None, num_classes: int
) -> tuple[np.ndarray, np.ndarray, ImageAnswers]:
    """Labels and positions of all images that any seed was tested on, and the answers to them."""
    # Where runs have no test images in common, each has a test part to itself.
    there = [cast(np.ndarray, run.images if common is None else common) for run in runs]
    positions = np.unique(np.concatenate(there))
    labels = np.zeros(len(positions), np.int64)
    by_seed: list[OfSeed] = []
    for run, at in zip(runs, there, strict=True):
        rows = np.searchsorted(positions, at)
        labels[rows] = run.labels
        unknown = np.broadcast_to(np.nan, (len(rows), num_classes))
        given = unknown if run.probabilities is None else run.probabilities
        by_seed.append((rows, run.classes, given))
    return labels, positions, _in_blocks(labels, by_seed, max(_AT_ONCE // num_classes, 1))


def _in_blocks(labels: np.ndarray, by_seed: Sequence[OfSeed], size: int) -> ImageAnswers:
    """`image_answers`, of so many images at a time: they take a table of images and classes."""
    blocks = [
        image_answers(labels[first : first + size], _of_block(by_seed, first, first + size))
        for first in range(0, len(labels), size)
    ]
    return ImageAnswers(
        **{
            field.name: np.concatenate([getattr(one, field.name) for one in blocks])
            for field in fields(ImageAnswers)
        }
    )


def _of_block(by_seed: Sequence[OfSeed], first: int, end: int) -> Iterator[OfSeed]:
    """Answers to the images of a block; rows of a seed are in rising order."""
    for rows, *answers in by_seed:
        inside = slice(*np.searchsorted(rows, [first, end]))
        classes, probabilities = (one[inside] for one in answers)
        yield rows[inside] - first, classes, probabilities


def _mistake(
    kind: Kind,
    at: int,
    name: str,
    true_class: str,
    arm: ImageAnswers,
    control: ImageAnswers,
    classes: Sequence[str],
) -> ImageMistake:
    return ImageMistake(
        kind=kind,
        index=at,
        file=name,
        true_class=true_class,
        num_seeds=int(arm.num_seeds[at]),
        num_wrong=int(arm.num_wrong[at]),
        answer=classes[arm.answer[at]],
        probability=_known(arm.probability[at]),
        control_num_wrong=int(control.num_wrong[at]),
        control_answer=classes[control.answer[at]],
        control_probability=_known(control.probability[at]),
    )


def _known(probability: float) -> float | None:
    return float(probability) if np.isfinite(probability) else None


def _picture(evidence: GivenEvidence, name: str) -> Picture:
    images = evidence.images
    if images is None or name not in images.files:
        return NO_PICTURE
    return picture_of(images.picture(name))

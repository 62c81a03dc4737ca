"""Outcome of each test image over seeds: wrong how often and how surely, put right or broken.

Counting alone, of one arm beside another. "Most seeds" are more than half of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

ImageOutcome = Literal["both right", "put right", "broken", "both wrong", "undecided"]
Kind = Literal["wrong", "put right", "broken"]
MOST_LISTED = 12  # images of each kind in a report


def in_most(num: np.ndarray, num_seeds: int | np.ndarray) -> np.ndarray:
    """Whether each number of seeds is more than half of those that tested the image."""
    return np.asarray(2 * num > num_seeds)


def outcomes(
    num_wrong: np.ndarray, control_num_wrong: np.ndarray, num_seeds: int | np.ndarray
) -> dict[ImageOutcome, np.ndarray]:
    """Which images (images,) have which outcome, from the seeds in which arm and control are wrong.

    `num_seeds` tested each image: one number, or (images,).
    Every image has one. `put right`: the control is wrong in most seeds and the arm right in most;
    `broken`: the reverse; `undecided`: one of the two is right in exactly half of the seeds.
    """
    wrong, control_wrong = (in_most(num, num_seeds) for num in (num_wrong, control_num_wrong))
    right, control_right = (
        in_most(num_seeds - num, num_seeds) for num in (num_wrong, control_num_wrong)
    )
    return {
        "both right": right & control_right,
        "put right": right & control_wrong,
        "broken": wrong & control_right,
        "both wrong": wrong & control_wrong,
        "undecided": ~(right | wrong) | ~(control_right | control_wrong),
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageAnswers:
    """Answers of one arm to each test image, over its seeds; all arrays are (images,).

    `num_seeds` are seeds that were tested on the image, `num_wrong` those with a wrong answer.
    `answer` is the most frequent wrong class (of several the more probable one), or the true class
    where no seed is wrong; `probability` is the mean over those seeds of that class's probability.
    """

    num_seeds: np.ndarray
    num_wrong: np.ndarray
    answer: np.ndarray
    probability: np.ndarray


def image_answers(
    labels: np.ndarray, by_seed: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> ImageAnswers:
    """Answers over seeds to images with these labels.

    Args:
        labels: true classes (images,).
        by_seed: of each seed the positions of its test images (tested,), the classes (tested,) and
            the probabilities (tested, classes).

    Raises:
        ValueError: an image was tested by no seed.
    """
    images = np.arange(len(labels))
    num_seeds = np.zeros(len(labels), np.int64)
    counts = sums = np.zeros((0, 0))
    for at, classes, probabilities in by_seed:
        if not counts.size:
            counts, sums = (np.zeros((len(labels), probabilities.shape[1])) for _ in range(2))
        num_seeds[at] += 1
        counts[at, classes] += 1
        sums[at] += probabilities
    if not num_seeds.all():
        raise ValueError("needs at least one seed for every image")
    mean = sums / num_seeds[:, np.newaxis]
    num_wrong = num_seeds - counts[images, labels].astype(np.int64)
    counts[images, labels] = 0
    # A probability, at most 1, decides between classes that equally many seeds gave.
    most = (counts + 0.5 * np.nan_to_num(mean) * (counts > 0)).argmax(1)
    answer = np.where(num_wrong > 0, most, labels)
    return ImageAnswers(
        num_seeds=num_seeds,
        num_wrong=num_wrong,
        answer=answer,
        probability=mean[images, answer],
    )


def surest(arm: ImageAnswers, control: ImageAnswers, most: int) -> dict[Kind, np.ndarray]:
    """Positions of at most so many images of each kind, the surest first.

    `wrong` are those that the arm gets wrong in most seeds, whatever the control makes of them. The
    surest are those with the most seeds that make them so, then those whose wrong class has the
    highest probability.
    """
    found = outcomes(arm.num_wrong, control.num_wrong, arm.num_seeds)
    lead = arm.num_wrong - control.num_wrong
    chosen: dict[Kind, tuple[np.ndarray, np.ndarray, ImageAnswers]] = {
        "wrong": (in_most(arm.num_wrong, arm.num_seeds), arm.num_wrong, arm),
        "put right": (found["put right"], -lead, control),
        "broken": (found["broken"], lead, arm),
    }
    return {
        kind: _sorted(np.flatnonzero(images), num_seeds, wrong.probability)[:most]
        for kind, (images, num_seeds, wrong) in chosen.items()
    }


def _sorted(at: np.ndarray, num_seeds: np.ndarray, probability: np.ndarray) -> np.ndarray:
    return at[np.lexsort((at, -np.nan_to_num(probability[at]), -num_seeds[at]))]

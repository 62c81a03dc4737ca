"""Crossed analysis where each seed has a test part to itself (docs/verdict.md).

A table (seeds, images) has holes then: `tested` (seeds, images) says which images a seed was tested
on, and values elsewhere are 0. Where all seeds have the same test images `tested` is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import More
from headstart.analyse.statistics import ALIKE, Crossed, CrossedLine, crossed, from_squares
from headstart.study.tasks import FOLDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated(Crossed):
    """A mean difference of two accuracies over seeds, each with a test part to itself.

    `num_images` are the images tested by any seed, `tested_by_seed` those that each was tested on.
    """

    tested_by_seed: float

    @property
    def num_available(self) -> int:
        """Images of the task, of which each seed tests a share."""
        return round(FOLDS * self.tested_by_seed)

    @property
    def images_meant(self) -> str:
        """What further images would be."""
        return "images in all"

    @property
    def more(self) -> More:
        """Kind of data that would narrow the interval most: twice the seeds or twice the images."""
        of_seeds = Repeated._with(self, 2 * self.num_seeds, self.num_available).error
        of_images = Repeated._with(self, self.num_seeds, 2 * self.num_available).error
        if abs(of_seeds - of_images) <= ALIKE * (of_seeds + of_images):
            return "either"
        return "seeds" if of_seeds < of_images else "test images"

    def _with(self, seeds: int, images: int) -> "Repeated":
        size = self.num_seeds * self.num_images
        within = self.rest / size * self.num_seeds * self.tested_by_seed
        of_parts = within / self.tested_by_seed
        by_seed = max(self.between_seeds / size * self.num_seeds - of_parts, 0.0)
        each = images / FOLDS
        return _from_variances(
            self.mean,
            of_seeds=(by_seed + within / each) / seeds,
            of_images=within * (1 / (each * min(seeds, FOLDS)) + _of_training(each)),
            counted_twice=within / (each * seeds),
            seeds=seeds,
            images=round(each * min(seeds, FOLDS)),
            each=each,
        )


class RepeatedLine:
    """Crossed analysis of a + t b for any number t, each seed with a test part to itself.

    The error of the mean over seeds has two parts. That of seeds is the variance of their gains
    over their number. That of images is the variance within test parts, as if each image had been
    tested once: an image that several seeds test is no further image, and the models that test it
    are alike, for their training images are mostly the same ones. What these have in common by
    being trained on the same images is added, as Nadeau and Bengio (2003) estimate it. What both
    parts contain is taken off once, and the sum is never below either of them.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray, tested: np.ndarray) -> None:
        self.tables, self.tested = [table.astype(np.float64) for table in (a, b)], tested
        numbers = tested.sum(1)
        if len(tested) < 2 or numbers.min() < 2:
            raise ValueError(
                f"needs two seeds, and two images in each, got {len(tested)} and {numbers.min()}"
            )
        self.numbers = numbers
        self.weights = tested / (len(tested) * numbers[:, None])
        self.means = [seed_means(table, tested) for table in self.tables]
        self.centred = [
            np.where(tested, table - mean[:, None], 0.0)
            for table, mean in zip(self.tables, self.means, strict=True)
        ]

    def at(self, t: float) -> Repeated:
        """Analysis of a + t b."""
        gains = self.means[0] + t * self.means[1]
        centred = self.centred[0] + t * self.centred[1]
        within = float(np.mean((centred**2).sum(1) / (self.numbers - 1)))
        return _from_variances(
            float(gains.mean()),
            of_seeds=float(gains.var(ddof=1)) / len(gains),
            of_images=within
            * (float((self.weights.sum(0) ** 2).sum()) + _of_training(float(self.numbers.mean()))),
            counted_twice=within * float((self.weights**2).sum()),
            seeds=len(gains),
            images=int(self.tested.any(0).sum()),
            each=float(self.numbers.mean()),
        )


def _of_training(each: float) -> float:
    """What training on one set of images adds to the variance of the mean, over that of an image.

    However often a set is split anew, the variance of the mean over its splits stays n_test /
    n_train of that of one split by Nadeau and Bengio (2003), and so that of n_train images. All
    images are counted once already; this is what is missing.

    Args:
        each: test images of a seed, a fifth of all; the others train and validate.
    """
    return 1 / ((FOLDS - 1) * each) - 1 / (FOLDS * each)


def _from_variances(
    mean: float,
    *,
    of_seeds: float,
    of_images: float,
    counted_twice: float,
    seeds: int,
    images: int,
    each: float,
) -> Repeated:
    """The analysis whose error consists of these variances, by the rule of the full table."""
    size = seeds * images
    full = from_squares(
        mean, size * of_seeds, size * of_images, size * counted_twice, seeds, images
    )
    return Repeated(
        mean=mean,
        error=full.error,
        df=full.df,
        between_seeds=full.between_seeds,
        between_images=full.between_images,
        rest=full.rest,
        num_seeds=seeds,
        num_images=images,
        tested_by_seed=each,
    )


def crossed_of(
    differences: np.ndarray, tested: np.ndarray | None, heaviest: float = 1.0
) -> Crossed:
    """Crossed analysis of differences (seeds, images); `heaviest` is an image's largest weight.

    Raises:
        ValueError: fewer than two seeds, or than two images in one of them, or no difference; or
            images have weights, and each seed a test part to itself.
    """
    if tested is None:
        return crossed(differences, heaviest)
    if heaviest != 1:
        raise ValueError("images of repeated splits have no weights")
    if not differences.any():
        raise ValueError("arms identical: no difference on any image in any seed")
    return RepeatedLine(differences, np.zeros_like(differences), tested).at(0.0)


def line_of(a: np.ndarray, b: np.ndarray, tested: np.ndarray | None) -> CrossedLine | RepeatedLine:
    """Crossed analysis of a + t b for any number t; tables (seeds, images)."""
    return CrossedLine(a, b) if tested is None else RepeatedLine(a, b, tested)


def seed_means(table: np.ndarray, tested: np.ndarray | None) -> np.ndarray:
    """Mean of each seed over its test images (seeds,)."""
    if tested is None:
        return np.asarray(table.mean(1))
    return np.asarray(table.sum(1) / tested.sum(1))


def mean_of(table: np.ndarray, tested: np.ndarray | None) -> float:
    """Mean over seeds and test images, each seed with the same weight."""
    return float(table.mean() if tested is None else seed_means(table, tested).mean())


def tabled(
    rows: Sequence[np.ndarray], images: Sequence[np.ndarray | None]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows of seeds as a table (seeds, images), and which images each seed was tested on.

    Args:
        rows: one value for each test image of a seed (images of the seed,).
        images: their positions among all images; None where all seeds have the same.
    """
    at = [positions for positions in images if positions is not None]
    if len(at) < len(rows):
        return np.stack(rows), None
    every = np.unique(np.concatenate(at))
    table = np.zeros((len(rows), len(every)), rows[0].dtype)
    tested = np.zeros(table.shape, bool)
    for row, (values, positions) in enumerate(zip(rows, at, strict=True)):
        columns = np.searchsorted(every, positions)
        table[row, columns], tested[row, columns] = values, True
    return table, tested

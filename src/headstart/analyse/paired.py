"""Paired answers of two arms on the same seeds and test images."""

from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import Basis
from headstart.analyse.cells import Cell
from headstart.analyse.contrast import Contrast
from headstart.analyse.evidence import Tested, TestedCells
from headstart.analyse.repeated import crossed_of, tabled
from headstart.analyse.text import signed
from headstart.analyse.verdict import Judged, cannot_tell_apart, no_variance


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers of one arm at one size, a row for each seed.

    `right` (test images,) is 1 for a correct answer, `scores` the same times the weight of each
    image in the study's metric (`image_weights`); `classes` are the predicted classes. `images` are
    the test images of each seed, None where all seeds have the same (`Record.images`).
    `num_images` is the number of labelled training images, None where it is not known; `weights`
    name the weights that were tested, as far as they are known.
    """

    num_images: int | None
    seeds: tuple[int, ...]
    right: tuple[np.ndarray, ...]
    scores: tuple[np.ndarray, ...]
    image_weights: tuple[np.ndarray, ...]
    classes: tuple[np.ndarray, ...]
    images: tuple[np.ndarray | None, ...]
    weights: tuple[tuple[str, ...], ...]

    def of(self, seeds: tuple[int, ...]) -> "Answers":
        """Answers of some of the seeds."""
        if seeds == self.seeds:
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        return Answers(
            num_images=self.num_images,
            seeds=seeds,
            right=tuple(self.right[row] for row in rows),
            scores=tuple(self.scores[row] for row in rows),
            image_weights=tuple(self.image_weights[row] for row in rows),
            classes=tuple(self.classes[row] for row in rows),
            images=tuple(self.images[row] for row in rows),
            weights=tuple(self.weights[row] for row in rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired(Contrast):
    """Two arms compared seed by seed and image by image.

    `num_tested` is the number of each seed's test images. `repeated` says whether each seed has a
    test part to itself. `won` and `lost` count, in each seed, the test images that only the arm or
    only the other arm classified correctly; `scores` and `weighted_totals` are by the study's
    metric, and `image_weights` are the weights in it of all images that any seed was tested on.
    `crossed` is None for a single seed or image and where the arms are right on the same images.
    `all_right` says whether both are right on all of them, `same_answers` whether all answers are
    the same, wrong ones included, `same_weights` whether the trained weights are.
    """

    num_tested: np.ndarray  # (seeds,)
    repeated: bool
    won: np.ndarray  # (seeds,)
    lost: np.ndarray  # (seeds,)
    weighted_totals: np.ndarray  # (seeds,), gains times the number of test images
    image_weights: np.ndarray  # (images tested by any seed,)
    all_right: bool
    same_answers: bool
    same_weights: bool

    @property
    def basis(self) -> Basis:
        """What the interval is over, and what of it is paired."""
        return "seeds and images, both paired"

    @property
    def totals(self) -> np.ndarray:
        """Gains of each seed times the number of its test images (seeds,)."""
        return self.weighted_totals

    @property
    def gains(self) -> np.ndarray:
        """Gain of each seed, as a fraction (seeds,)."""
        return np.asarray(self.weighted_totals / self.num_tested)

    @property
    def gain_pp(self) -> float:
        """Mean gain in percentage points."""
        return float(100 * self.gains.mean())

    @property
    def independent(self) -> bool:
        """Whether there are several seeds, and they do not split the same images anew."""
        return len(self.seeds) > 1 and not self.repeated

    @property
    def discordant(self) -> tuple[int, int] | None:
        """Of a single seed the images that only one of its two models has right."""
        return (int(self.won[0]), int(self.lost[0])) if len(self.seeds) == 1 else None

    @property
    def flaw(self) -> str | None:
        """That both are the same model, where their weights are."""
        if self.same_weights:
            return "arms identical: both have the same trained weights in every seed"
        return None

    def unseen(self, level: float) -> float:
        """Largest gain, as a fraction, that leaves no trace in so many images at an error level.

        A difference on a share p of the images is missed by N of them with probability (1 - p)^N.
        The images with the largest weight are the fewest, and could hide the most.
        """
        heaviest = float(self.image_weights.max())
        number = int(np.count_nonzero(self.image_weights == heaviest))
        share = heaviest * number / len(self.image_weights)
        return float(share * (1 - level ** (1 / number)))

    def without_interval(self, level: float) -> Judged:
        """Verdict on several seeds without an interval, which would have the error `level`."""
        if (self.won + self.lost).any():
            few = "a seed has only one" if self.repeated else "there is only one"
            return Judged(
                word="not enough evidence",
                why=f"gain {signed(self.gain_pp)} pp: no interval, for {few} test image. "
                "More test images are needed",
            )
        if self.all_right:
            return cannot_tell_apart(len(self.image_weights), 100 * self.unseen(level))
        alike = "gave the same answer to every test image"
        right = "were right on the same test images"
        return no_variance(self.score, alike if self.same_answers else right)


def answers_of(records: TestedCells, seeds: tuple[int, ...]) -> dict[Cell, Answers]:
    """Answers of every cell with a tested model, seeds in the order of the study.

    Seeds whose test images have all leaked have none, nor do cells without another seed.
    """
    found = {
        cell: {s: by_seed[s] for s in seeds if s in by_seed and len(by_seed[s].labels)}
        for cell, by_seed in records.items()
    }
    return {cell: _answers(by_seed) for cell, by_seed in found.items() if by_seed}


def _answers(by_seed: dict[int, Tested]) -> Answers:
    records = tuple(by_seed.values())
    return Answers(
        num_images=records[0].num_images,
        seeds=tuple(by_seed),
        right=tuple(record.correct.astype(np.int8) for record in records),
        scores=tuple(record.scores for record in records),
        image_weights=tuple(record.metric.weights(record.labels) for record in records),
        classes=tuple(record.classes for record in records),
        images=tuple(record.images for record in records),
        weights=tuple(record.weights for record in records),
    )


def paired(arm: Answers, other: Answers) -> Paired | None:
    """Both arms on their common seeds; None without one."""
    seeds = tuple(seed for seed in arm.seeds if seed in other.seeds)
    if not seeds:
        return None
    arm, other = arm.of(seeds), other.of(seeds)
    scores, tested = tabled(arm.scores, arm.images)
    weighted = scores - tabled(other.scores, other.images)[0]
    differences = tabled(arm.right, arm.images)[0] - tabled(other.right, other.images)[0]
    image_weights = tabled(arm.image_weights, arm.images)[0].max(0)
    num_tested = np.array([len(row) for row in arm.right])
    differ, enough = bool(differences.any()), len(seeds) > 1 and num_tested.min() > 1
    return Paired(
        num_images=arm.num_images,
        num_tested=num_tested,
        repeated=tested is not None,
        seeds=seeds,
        won=np.count_nonzero(differences == 1, axis=1),
        lost=np.count_nonzero(differences == -1, axis=1),
        scores=seed_scores(arm),
        other_scores=seed_scores(other),
        weighted_totals=weighted.sum(1),
        image_weights=image_weights,
        crossed=crossed_of(weighted, tested, float(image_weights.max()))
        if differ and enough
        else None,
        all_right=all(row.all() for row in (*arm.right, *other.right)),
        same_answers=not differ and all(map(np.array_equal, arm.classes, other.classes)),
        same_weights=any(arm.weights) and arm.weights == other.weights,
    )


def seed_scores(answers: Answers) -> np.ndarray:
    """Score of each seed (seeds,), exactly 1 where every answer is right."""
    rows = zip(answers.scores, answers.image_weights, strict=True)
    return np.array([scores.sum() / weights.sum() for scores, weights in rows])

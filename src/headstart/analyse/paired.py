"""Paired answers of two arms on the same seeds and test images."""

from dataclasses import dataclass

import numpy as np

from headstart.analyse.cells import Cell
from headstart.analyse.records import Record, Records
from headstart.analyse.statistics import Crossed, crossed
from headstart.analyse.verdict import Judged, judge, too_few


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers of one arm at one size, a row for each seed.

    `right` (seeds, test images) is 1 for a correct answer; `classes` are the predicted classes.
    `num_images` is the number of labelled training images.
    """

    num_images: int
    seeds: tuple[int, ...]
    right: np.ndarray
    classes: tuple[np.ndarray, ...]

    def of(self, seeds: tuple[int, ...]) -> "Answers":
        """Answers of some of the seeds."""
        if seeds == self.seeds:
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        return Answers(
            num_images=self.num_images,
            seeds=seeds,
            right=self.right[rows],
            classes=tuple(self.classes[row] for row in rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two arms compared seed by seed and image by image.

    `num_images` is the arm's number of training images, `num_tested` that of test images.
    `won` and `lost` count, in each seed, the test images that only the arm or only the other arm
    classified correctly, `scores` are accuracies. `crossed` is None for a single seed and where the
    arms are right on the same images; `same` says whether all answers are the same, wrong ones
    included.
    """

    num_images: int
    num_tested: int
    seeds: tuple[int, ...]
    won: np.ndarray  # (seeds,)
    lost: np.ndarray  # (seeds,)
    scores: np.ndarray  # (seeds,)
    other_scores: np.ndarray  # (seeds,)
    crossed: Crossed | None
    same: bool

    @property
    def accuracy(self) -> float:
        """Mean accuracy of the arm."""
        return float(self.scores.mean())

    @property
    def other_accuracy(self) -> float:
        """Mean accuracy of the other arm."""
        return float(self.other_scores.mean())

    @property
    def gains(self) -> np.ndarray:
        """Gain in accuracy of each seed, as a fraction (seeds,)."""
        return np.asarray((self.won - self.lost) / self.num_tested)

    @property
    def gain_pp(self) -> float:
        """Mean gain in percentage points."""
        return float(100 * self.gains.mean())

    def interval_pp(self, level: float) -> tuple[float, float] | tuple[None, None]:
        """Interval that a verdict at this level is read from; (None, None) without one."""
        if self.crossed is None:
            return None, None
        low, high = self.crossed.cautious_interval(level)
        return 100 * low, 100 * high

    def judged(self, margin_pp: float, *, level: float, equivalence_level: float) -> Judged:
        """Verdict on the arm against the other; see `verdict.judge`."""
        if self.crossed is not None:
            return judge(self.crossed, margin_pp, level=level, equivalence_level=equivalence_level)
        if len(self.seeds) == 1:
            return too_few(1, self.gain_pp)
        if self.same:
            return Judged(
                word="invalid",
                why="arms identical: both gave the same answer to every test image in every seed",
            )
        return Judged(
            word="not enough evidence",
            why="both arms were right on the same test images in every seed; there is no variance "
            "to judge by. More or harder test images are needed",
        )


def answers_of(records: Records, seeds: tuple[int, ...]) -> dict[Cell, Answers]:
    """Answers of every cell with a finished trial, seeds in the order of the study."""
    return {
        cell: _answers({seed: by_seed[seed] for seed in seeds if seed in by_seed})
        for cell, by_seed in records.items()
        if by_seed
    }


def _answers(by_seed: dict[int, Record]) -> Answers:
    return Answers(
        num_images=next(iter(by_seed.values())).trial.num_images,
        seeds=tuple(by_seed),
        right=np.stack([record.correct for record in by_seed.values()]).astype(np.int8),
        classes=tuple(record.classes for record in by_seed.values()),
    )


def paired(arm: Answers, other: Answers) -> Paired | None:
    """Both arms on their common seeds; None without one."""
    seeds = tuple(seed for seed in arm.seeds if seed in other.seeds)
    if not seeds:
        return None
    arm, other = arm.of(seeds), other.of(seeds)
    differences = arm.right - other.right
    differ = bool(differences.any())
    return Paired(
        num_images=arm.num_images,
        num_tested=differences.shape[1],
        seeds=seeds,
        won=np.count_nonzero(differences == 1, axis=1),
        lost=np.count_nonzero(differences == -1, axis=1),
        scores=arm.right.mean(1),
        other_scores=other.right.mean(1),
        crossed=crossed(differences) if differ and len(seeds) > 1 else None,
        same=not differ and all(map(np.array_equal, arm.classes, other.classes)),
    )

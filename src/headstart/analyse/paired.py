"""Two arms on the same seeds and test images: their differences, and what these amount to."""

from dataclasses import dataclass

import numpy as np

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Records
from headstart.analyse.records import Record
from headstart.analyse.statistics import Crossed, crossed
from headstart.analyse.verdict import Judged, judge, too_few


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers of one arm at one size, a row a seed.

    `right` (seeds, test images) is 1 where an image was told right; `classes` are the answers.
    `num_images` is the number of labelled training images.
    """

    num_images: int
    seeds: tuple[int, ...]
    right: np.ndarray
    classes: tuple[np.ndarray, ...]

    def of(self, seeds: tuple[int, ...]) -> "Answers":
        """The answers with some of the seeds."""
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
    """Two arms compared.

    `num_images` is the arm's number of training images, `num_tested` that of test images.
    `won` and `lost` count, in each seed, the test images that only the arm or only the other one
    told right, `scores` are accuracies. `found` is None for a single seed and where no image sets
    the arms apart; `same` says whether all answers are the same, wrong ones included.
    """

    num_images: int
    num_tested: int
    seeds: tuple[int, ...]
    won: np.ndarray  # (seeds,)
    lost: np.ndarray  # (seeds,)
    scores: np.ndarray  # (seeds,)
    other_scores: np.ndarray  # (seeds,)
    found: Crossed | None
    same: bool

    @property
    def accuracy(self) -> float:
        """The mean accuracy of the arm."""
        return float(self.scores.mean())

    @property
    def other_accuracy(self) -> float:
        """The mean accuracy of the other one."""
        return float(self.other_scores.mean())

    @property
    def gains(self) -> np.ndarray:
        """The gain in accuracy of each seed, as a fraction (seeds,)."""
        return np.asarray((self.won - self.lost) / self.num_tested)

    @property
    def gain_pp(self) -> float:
        """The mean gain in percentage points."""
        return float(100 * self.gains.mean())

    def interval_pp(self, level: float) -> tuple[float, float] | tuple[None, None]:
        """The interval that a verdict at this level is read from; (None, None) without one."""
        if self.found is None:
            return None, None
        low, high = self.found.cautious_interval(level)
        return 100 * low, 100 * high

    def judged(self, margin_pp: float, *, level: float, equivalence_level: float) -> Judged:
        """The verdict on the arm as against the other; see `verdict.judge`."""
        if self.found is not None:
            return judge(self.found, margin_pp, level=level, equivalence_level=equivalence_level)
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
    """The answers of every cell that has a finished trial, seeds in the order of the study."""
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
    """Both arms on the seeds they share; None where they share none."""
    seeds = tuple(seed for seed in arm.seeds if seed in other.seeds)
    if not seeds:
        return None
    arm, other = arm.of(seeds), other.of(seeds)
    differences = arm.right - other.right
    apart = bool(differences.any())
    return Paired(
        num_images=arm.num_images,
        num_tested=differences.shape[1],
        seeds=seeds,
        won=np.count_nonzero(differences == 1, axis=1),
        lost=np.count_nonzero(differences == -1, axis=1),
        scores=arm.right.mean(1),
        other_scores=other.right.mean(1),
        found=crossed(differences) if apart and len(seeds) > 1 else None,
        same=not apart and all(map(np.array_equal, arm.classes, other.classes)),
    )

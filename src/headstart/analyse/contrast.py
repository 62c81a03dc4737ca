"""Contrast: one arm against the control, as a verdict reads it, whatever the design of the results.

`paired.Paired` is the usual one: the same seeds and the same test images.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import Basis
from headstart.analyse.statistics import Crossed
from headstart.analyse.text import signed
from headstart.analyse.verdict import Judged, judge, too_few


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast(ABC):
    """Scores of an arm and of the control, a value for each seed, with the error of the difference.

    `num_images` is the arm's number of training images, None where it is not known. `seeds` are
    those that both have, or the arm's own; `control_seeds` are those of the control where they are
    others, and else empty. `crossed` is None without an interval.
    """

    num_images: int | None
    seeds: tuple[int, ...]
    scores: np.ndarray  # (seeds,)
    other_scores: np.ndarray  # (seeds of the control,)
    crossed: Crossed | None
    control_seeds: tuple[int, ...] = ()

    @property
    @abstractmethod
    def basis(self) -> Basis:
        """What the interval is over, and what of it is paired."""

    @property
    def num_seeds(self) -> int:
        """Number of seeds that a verdict rests on: of two lists the shorter."""
        return min(len(self.scores), len(self.other_scores))

    @property
    def score(self) -> float:
        """Mean score of the arm."""
        return float(self.scores.mean())

    @property
    def other_score(self) -> float:
        """Mean score of the control."""
        return float(self.other_scores.mean())

    @property
    def gains(self) -> np.ndarray:
        """Gain of each seed, as a fraction (seeds,); empty where seeds are not paired."""
        return np.empty(0)

    @property
    def gain_pp(self) -> float:
        """Mean gain in percentage points."""
        return 100 * (self.score - self.other_score)

    @property
    def independent(self) -> bool:
        """Whether there are paired gains of several seeds that share no training image."""
        return False

    @property
    def totals(self) -> np.ndarray:
        """Gains of each seed, times the number of its test images where it is known (seeds,)."""
        return self.gains

    @property
    def discordant(self) -> tuple[int, int] | None:
        """Of two single models the images that only one has right: the arm's, the control's."""
        return None

    @property
    def flaw(self) -> str | None:
        """Why there can be no verdict at all; None where there can."""
        return None

    def interval_pp(self, level: float) -> tuple[float, float] | tuple[None, None]:
        """Interval that a verdict at this level is read from; (None, None) without one."""
        if self.crossed is None:
            return None, None
        low, high = self.crossed.cautious_interval(level)
        return 100 * low, 100 * high

    def judged(
        self,
        margin_pp: float,
        *,
        level: float,
        equivalence_level: float,
        next_level: float | None = None,
    ) -> Judged:
        """Verdict on the arm against the control; see `verdict.judge`."""
        if self.flaw:
            return Judged(word="invalid", why=self.flaw)
        if self.crossed is not None:
            return judge(
                self.crossed,
                margin_pp,
                level=level,
                equivalence_level=equivalence_level,
                next_level=next_level,
            )
        if self.num_seeds == 1:
            return too_few(1, self.gain_pp)
        return self.without_interval(level)

    def without_interval(self, level: float) -> Judged:
        """Verdict on several seeds without an interval, which would have the error `level`."""
        return Judged(
            word="not enough evidence",
            why=f"gain {signed(self.gain_pp)} pp: no interval, for the gain does not differ "
            "between seeds: there is no variance to judge by",
        )

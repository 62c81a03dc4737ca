"""The crossed seeds x images interval and what follows from it (SCIENCE.md 5.1 and 5.3)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtrinc, stdtr, stdtrit

POWER = 0.8
MOST_SEEDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A mean difference over seeds and images, with the variance of both.

    `between_seeds`, `between_images` and `rest` are the mean squares of the two-way table without
    replication (MSA, MSB and MSE).
    """

    mean: float
    error: float
    df: float
    between_seeds: float
    between_images: float
    rest: float
    num_seeds: int
    num_images: int

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided t interval."""
        half = float(stdtrit(self.df, 0.5 + confidence / 2)) * self.error
        return self.mean - half, self.mean + half

    @property
    def p_value(self) -> float:
        """Two-sided p of a mean of zero."""
        if self.error == 0:
            return 0.0
        return float(2 * stdtr(self.df, -abs(self.mean) / self.error))

    def detectable(self, confidence: float) -> float:
        """The smallest true difference that such data would show with power 0.8."""
        return _noncentrality(self.df, confidence) * self.error

    def seeds_needed(self, effect: float, confidence: float) -> int | None:
        """Seeds that would show `effect` with power 0.8; None where seeds alone cannot."""
        for seeds in range(self.num_seeds + 1, MOST_SEEDS + 1):
            if _noncentrality(seeds - 1, confidence) * self._error_with(seeds) <= effect:
                return seeds
        return None

    def _error_with(self, seeds: int) -> float:
        """Standard error with another number of seeds, the same images."""
        images = self.num_images
        by_seed = max(self.between_seeds - self.rest, 0.0) / images
        by_image = max(self.between_images - self.rest, 0.0) / self.num_seeds
        variance = by_seed / seeds + by_image / images + self.rest / (seeds * images)
        return float(np.sqrt(variance))


def crossed(differences: np.ndarray) -> Crossed:
    """Two-way random-effects analysis of differences (seeds, images).

    The unbiased variance of the mean over new seeds and new images, with Satterthwaite's degrees of
    freedom; the maximum keeps it conservative (SCIENCE.md 5.1). It is never below the rest's own
    share, MSE: see docs/decisions/0005.

    Raises:
        ValueError: fewer than two seeds or images, or no difference anywhere.
    """
    table = np.asarray(differences, np.float64)
    seeds, images = table.shape
    if seeds < 2 or images < 2:
        raise ValueError(f"needs two seeds and two images, got {seeds} and {images}")
    if not table.any():
        raise ValueError("arms identical: no difference on any image in any seed")
    mean = float(table.mean())
    rows, columns = table.mean(1), table.mean(0)
    msa = images * float(((rows - mean) ** 2).sum()) / (seeds - 1)
    msb = seeds * float(((columns - mean) ** 2).sum()) / (images - 1)
    residual = table - rows[:, None] - columns[None, :] + mean
    mse = float((residual**2).sum()) / ((seeds - 1) * (images - 1))
    return from_squares(mean, msa, msb, mse, seeds, images)


def from_squares(
    mean: float, msa: float, msb: float, mse: float, seeds: int, images: int
) -> Crossed:
    """The crossed analysis from the mean squares of a table (SCIENCE.md 5.1)."""
    total = max(msa + msb - mse, msa, msb, mse)
    spread = msa**2 / (seeds - 1) + msb**2 / (images - 1) + mse**2 / ((seeds - 1) * (images - 1))
    return Crossed(
        mean=mean,
        error=float(np.sqrt(total / (seeds * images))),
        df=total**2 / spread if spread else seeds - 1.0,
        between_seeds=msa,
        between_images=msb,
        rest=mse,
        num_seeds=seeds,
        num_images=images,
    )


class CrossedLine:
    """The crossed analysis of a + t b for any number t, from sums taken once.

    `a` and `b` are tables (seeds, images) of whole numbers from -1 to 1. Mean squares are quadratic
    in t.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self.seeds, self.images = a.shape
        # Single precision holds sums of so few whole numbers exactly, and is much faster.
        exact = np.float32 if a.size < 2**24 else np.float64
        tables = [table.astype(exact) for table in (a, b)]
        rows, columns = ([table.sum(axis) for table in tables] for axis in (1, 0))
        sums = [row.sum(dtype=np.float64) for row in rows]
        self._means = [float(total) / a.size for total in sums]
        middle = _products(sums) / a.size
        self._rows = _products(rows) / self.images - middle
        self._columns = _products(columns) / self.seeds - middle
        self._total = _products(tables) - middle

    def at(self, t: float) -> Crossed:
        """The analysis of a + t b."""
        weights = np.array([1.0, 2 * t, t * t])
        rows, columns, total = (
            max(float(weights @ sums), 0.0) for sums in (self._rows, self._columns, self._total)
        )
        return from_squares(
            self._means[0] + t * self._means[1],
            rows / (self.seeds - 1),
            columns / (self.images - 1),
            max(total - rows - columns, 0.0) / ((self.seeds - 1) * (self.images - 1)),
            self.seeds,
            self.images,
        )


def _products(pair: list[np.ndarray]) -> np.ndarray:
    """The inner products aa, ab and bb, those of sums in double precision."""
    a, b = (one if np.ndim(one) == 2 else np.asarray(one, np.float64) for one in pair)
    return np.array([np.vdot(a, a), np.vdot(a, b), np.vdot(b, b)], np.float64)


def t_half_width(values: np.ndarray, confidence: float) -> float:
    """Half the t interval of the mean of some values, one for each seed; needs two or more."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return float(stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error


def relative_error_reduction(accuracy: float, control: float) -> float | None:
    """The share of the control's errors that is gone: (e_C - e_T) / e_C; None if it made none."""
    return (accuracy - control) / (1 - control) if control < 1 else None


def _noncentrality(df: float, confidence: float) -> float:
    """How many standard errors a difference must be for a two-sided test to have power 0.8."""
    critical = float(stdtrit(df, 0.5 + confidence / 2))
    return float(nctdtrinc(df, 1 - POWER, critical))

"""Crossed seeds x images interval, its p-values and its power (docs/verdict.md)."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are first used

from headstart.analyse.analysis import More

POWER = 0.8
MOST_SEEDS = 1000
MOST_IMAGES = 1_000_000
TRIED_LEVEL = 0.04  # of a single look; down to it Satterthwaite's interval errs as often as at 5 %
LEAST_LOG = -600.0  # of a cautious p-value: the smallest one reported is e^-600
FAR = 1000.0  # a t statistic that is far beyond the spread of the mean
ALIKE = 0.05  # two parts of the variance are alike if both are within this of one half


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanError:
    """A mean with its standard error and the degrees of freedom of that error."""

    mean: float
    error: float
    df: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided t interval."""
        half = float(scipy.special.stdtrit(self.df, 0.5 + confidence / 2)) * self.error
        return self.mean - half, self.mean + half

    @property
    def p_value(self) -> float:
        """Two-sided p-value of a mean of zero."""
        if self.error == 0:
            return 0.0 if self.mean else 1.0
        return float(2 * scipy.special.stdtr(self.df, -abs(self.mean) / self.error))

    def equivalence_p(self, margin: float) -> float:
        """Larger p-value of the two one-sided tests against -margin and margin (Schuirmann 1987).

        Below alpha exactly where the two-sided interval at 1 - 2 alpha lies inside the margin.
        """
        excess = abs(self.mean) - margin
        if self.error == 0:
            return 0.0 if excess < 0 else 1.0
        return float(scipy.special.stdtr(self.df, excess / self.error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed(MeanError):
    """A mean difference of two accuracies over seeds and images, with the variance of both.

    Intervals are cut at -1 and 1, beyond which no such difference lies. `between_seeds`,
    `between_images` and `rest` are the mean squares of the two-way table without replication (MSA,
    MSB and MSE). `heaviest` is the largest weight of an image in the metric: what few images decide
    is never surer than (heaviest - 1) / images, as if one of them had come out otherwise.
    """

    between_seeds: float
    between_images: float
    rest: float
    num_seeds: int
    num_images: int
    heaviest: float = 1.0

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided t interval, or that of the sign test where every image differs alike."""
        half = self._sign_half(1 - confidence)
        if half is None:
            return _within_one(MeanError.interval(self, confidence))
        return _within_one((self.mean - half, self.mean + half))

    @property
    def p_value(self) -> float:
        """Two-sided p-value of a mean of zero."""
        if self.error == 0:
            return min(1.0, 2 * 0.5**self.num_images)
        return float(2 * scipy.special.stdtr(self.df, -abs(self.mean) / self.error))

    def cautious_interval(self, level: float) -> tuple[float, float]:
        """Two-sided interval that verdicts are read from; its error is at most `level`.

        From 4 % on it is Satterthwaite's. At stricter levels that one errs up to six times too
        often with three seeds, twice with five (docs/decisions/0006): there it is never narrower
        than Banerjee's (1960), which weighs the seeds' share of the variance by the t of few seeds.
        """
        half = self._half(level)
        return _within_one((self.mean - half, self.mean + half))

    @property
    def cautious_p(self) -> float:
        """Strictest level at which the cautious interval contains 0."""
        plain = self.p_value
        if plain >= TRIED_LEVEL or self.error == 0:
            return plain
        low, high = LEAST_LOG, float(np.log(TRIED_LEVEL))
        for _ in range(60):
            middle = (low + high) / 2
            contains = self._half(float(np.exp(middle))) >= abs(self.mean)
            low, high = (middle, high) if contains else (low, middle)
        # Below the tried level, where the plain interval excludes 0 and so does this one at it.
        return min(float(np.exp(high)), float(np.nextafter(TRIED_LEVEL, 0)))

    def detectable(self, level: float) -> float:
        """Smallest true difference that such data would show with power 0.8."""
        half = self._sign_half(level)
        if half is not None:
            return half
        return noncentrality(self.df, self._half(level) / self.error) * self.error

    def seeds_needed(self, effect: float, level: float) -> int | None:
        """Number of seeds that would show `effect` with power 0.8; None if seeds alone cannot."""
        return _fewest(
            range(self.num_seeds + 1, MOST_SEEDS + 1),
            lambda seeds: self._with(seeds, self.num_available).detectable(level) <= effect,
        )

    def images_needed(self, effect: float, level: float) -> int | None:
        """Number of images (`images_meant`) that would, with the same seeds; None if none would."""
        return _fewest(
            range(self.num_available + 1, MOST_IMAGES + 1),
            lambda images: self._with(self.num_seeds, images).detectable(level) <= effect,
        )

    @property
    def num_available(self) -> int:
        """Images that there are to test."""
        return self.num_images

    @property
    def over_images(self) -> bool:
        """Whether the interval is over test images too, and not over seeds alone."""
        return True

    @property
    def images_meant(self) -> str:
        """What further images would be."""
        return "test images"

    @property
    def more(self) -> More:
        """Kind of data that would narrow the interval most.

        Twice the seeds halve MSA / SN of the variance, twice the images MSB / SN.
        """
        both = self.between_seeds + self.between_images
        share = self.between_seeds / both if both else 0.5
        if abs(share - 0.5) <= ALIKE:
            return "either"
        return "seeds" if share > 0.5 else "test images"

    def _sign_half(self, level: float) -> float | None:
        """Half width of an interval where every image differs by the same in every seed.

        Nothing varies then, and a t interval would have no width, however few images there are. The
        sign test bounds the share q of images that differ so by q^N = level / 2.
        """
        if self.error > 0:
            return None
        return float(2 * (1 - (level / 2) ** (1 / self.num_images)))

    def _half(self, level: float) -> float:
        constant = self._sign_half(level)
        if constant is not None:
            return constant
        plain = _quantile(self.df, level) * self.error
        if level >= TRIED_LEVEL:
            return plain
        of_seeds = min(self.between_seeds / (self.num_seeds * self.num_images), self.error**2)
        few, many = _quantile(self.num_seeds - 1, level), _quantile(self.num_images - 1, level)
        guard = np.sqrt(few**2 * of_seeds + many**2 * (self.error**2 - of_seeds))
        return max(plain, float(guard))

    def _with(self, seeds: int, images: int) -> "Crossed":
        """Expected result for other numbers of seeds and images, with the same variances."""
        by_seed = max(self.between_seeds - self.rest, 0.0) / self.num_images
        by_image = max(self.between_images - self.rest, 0.0) / self.num_seeds
        msa, msb = images * by_seed + self.rest, seeds * by_image + self.rest
        return from_squares(self.mean, msa, msb, self.rest, seeds, images, self.heaviest)


def _within_one(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = interval
    return max(low, -1.0), min(high, 1.0)


def noncentrality(df: float, t: float) -> float:
    """Noncentrality at which a t statistic is above `t` with power 0.8.

    SciPy takes the longer, the larger `t` is: minutes for 1e8, which few seeds and images reach.
    From 1,000 on the spread of the mean is next to nothing beside that of its error, and what is
    left is a quantile of chi-squared: t sqrt(q / df).
    """
    if t < FAR:
        return float(scipy.special.nctdtrinc(df, 1 - POWER, t))
    return t * float(np.sqrt(scipy.special.chdtri(df, 1 - POWER) / df))


def crossed(differences: np.ndarray, heaviest: float = 1.0) -> Crossed:
    """Two-way random-effects analysis of differences (seeds, images).

    Where a metric weights images, these are differences of weighted answers, and `heaviest` is the
    largest weight. The variance of the
    mean over new seeds and new images is unbiased, with Satterthwaite's degrees of freedom; the
    maximum keeps it conservative. It is never below the rest's own share, MSE: see
    docs/decisions/0005. Integer differences are summed without any rounding.

    Raises:
        ValueError: fewer than two seeds or images, or no difference anywhere.
    """
    seeds, images = differences.shape
    if seeds < 2 or images < 2:
        raise ValueError(f"needs two seeds and two images, got {seeds} and {images}")
    if not differences.any():
        raise ValueError("arms identical: no difference on any image in any seed")
    integers = differences.dtype.kind in "bi"
    sums_of = _integer_sums if integers else _real_sums
    mean, by_seed, by_image, rest = sums_of(differences)
    msa, msb = by_seed / (seeds - 1), by_image / (images - 1)
    mse = rest / ((seeds - 1) * (images - 1))
    return from_squares(mean, msa, msb, mse, seeds, images, heaviest)


class CrossedLine:
    """Crossed analysis of a + t b for any number t, from sums computed once.

    `a` and `b` are tables (seeds, images) of differences, two images or more. Mean squares are
    quadratic in t.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self.seeds, self.images = a.shape
        # Single precision represents sums of so few small integers exactly, and is much faster.
        small = a.dtype == b.dtype == np.int8 and a.size < 2**24
        exact = np.float32 if small else np.float64
        tables = [table.astype(exact) for table in (a, b)]
        rows, columns = ([table.sum(axis) for table in tables] for axis in (1, 0))
        sums = [row.sum(dtype=np.float64) for row in rows]
        self._means = [float(total) / a.size for total in sums]
        middle = _products(sums) / a.size
        self._rows = _products(rows) / self.images - middle
        self._columns = _products(columns) / self.seeds - middle
        self._total = _products(tables) - middle

    def at(self, t: float) -> Crossed:
        """Analysis of a + t b."""
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
    """Inner products aa, ab and bb, those of sums in double precision."""
    a, b = (one if np.ndim(one) == 2 else np.asarray(one, np.float64) for one in pair)
    return np.array([np.vdot(a, a), np.vdot(a, b), np.vdot(b, b)], np.float64)


def t_half_width(values: np.ndarray, confidence: float, overlap: float = 0.0) -> float:
    """Half the t interval of the mean of some values, one for each seed; needs two or more.

    `overlap` is the number of test images of a seed for each of its training images, where seeds
    split the same images anew (Nadeau and Bengio 2003), and else 0: what they have in common makes
    values of seeds alike, which their variance does not show.
    """
    error = float(np.std(values, ddof=1) * np.sqrt(1 / len(values) + overlap))
    return float(scipy.special.stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error


def relative_error_reduction(score: float, control: float) -> float | None:
    """Share of the control's errors removed: (e_C - e_T) / e_C; None if it made none."""
    return (score - control) / (1 - control) if control < 1 else None


def _integer_sums(table: np.ndarray) -> tuple[float, float, float, float]:
    """Mean and sums of squares (seeds, images, rest) of integers, from integer sums.

    Only sums over rows, columns and squares are needed, so no table of residuals is made, and
    nothing cancels: every difference below is one of integers.
    """
    seeds, images = table.shape
    rows = table.sum(1, dtype=np.int64)
    columns = table.sum(0, dtype=np.int64)
    total = int(rows.sum())
    squares = int(np.square(table, dtype=np.int64).sum())
    size = seeds * images
    of_rows, of_columns = seeds * int(rows @ rows), images * int(columns @ columns)
    return (
        total / size,
        (of_rows - total**2) / size,
        (of_columns - total**2) / size,
        (size * squares - of_rows - of_columns + total**2) / size,
    )


def _real_sums(differences: np.ndarray) -> tuple[float, float, float, float]:
    """Mean and sums of squares (seeds, images, rest) of real numbers, from residuals."""
    table = differences.astype(np.float64)
    seeds, images = table.shape
    mean = float(table.mean())
    rows, columns = table.mean(1), table.mean(0)
    residual = table - rows[:, None] - columns[None, :] + mean
    return (
        mean,
        images * float(((rows - mean) ** 2).sum()),
        seeds * float(((columns - mean) ** 2).sum()),
        float((residual**2).sum()),
    )


def from_squares(
    mean: float,
    msa: float,
    msb: float,
    mse: float,
    seeds: int,
    images: int,
    heaviest: float = 1.0,
) -> Crossed:
    """Standard error and Satterthwaite's degrees of freedom from the mean squares."""
    total = max(msa + msb - mse, msa, msb, mse, (heaviest - 1) ** 2 * seeds / images)
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
        heaviest=heaviest,
    )


def _fewest(numbers: range, enough: Callable[[int], bool]) -> int | None:
    """First number that is enough, if all larger ones are enough too; None without one."""
    at = bisect_left(numbers, True, key=enough)
    return numbers[at] if at < len(numbers) else None


def _quantile(df: float, level: float) -> float:
    """Critical t of a two-sided test at a level."""
    return float(scipy.special.stdtrit(df, 1 - level / 2))

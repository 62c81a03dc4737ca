"""Contrasts without the usual pairs: other seeds, other test images, or scores alone.

Formulas are those of the crossed analysis where a part of the pairing is missing (docs/judge.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import Basis, More
from headstart.analyse.contrast import Contrast
from headstart.analyse.paired import Answers, seed_scores
from headstart.analyse.statistics import Crossed, crossed


@dataclass(frozen=True, slots=True, kw_only=True)
class Variances:
    """Parts of the variance of a mean, each with its degrees of freedom.

    `seeds` and `images` both contain `rest`, which is taken off once.
    """

    seeds: tuple[tuple[float, float], ...]
    images: tuple[tuple[float, float], ...]
    rest: tuple[tuple[float, float], ...]

    @property
    def total(self) -> float:
        """Variance of the mean, never below a part of it."""
        of_seeds, of_images, rest = (sum(v for v, _ in p) for p in self.parts)
        return max(of_seeds + of_images - rest, of_seeds, of_images, rest)

    @property
    def parts(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """All three."""
        return self.seeds, self.images, self.rest

    @property
    def df(self) -> float:
        """Satterthwaite's degrees of freedom, and Welch's where there are no images."""
        spread = sum(v**2 / df for part in self.parts for v, df in part)
        return self.total**2 / spread if spread else min(df for _, df in self.seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired(Contrast):
    """Two arms over other seeds, and over the same test images or over others."""

    same_images: bool

    @property
    def basis(self) -> Basis:
        """What the interval is over, and what of it is paired."""
        if self.same_images:
            return "seeds and images, seeds not paired"
        return "seeds and images, not paired"


def unpaired(arm: Answers, control: Answers, *, same_images: bool) -> Unpaired:
    """Two arms whose seeds have nothing in common.

    `same_images`: both were tested on the same images, in the same order.
    """
    tables = [np.stack(one.scores).astype(np.float64) for one in (arm, control)]
    seeds, images = (min(table.shape[axis] for table in tables) for axis in (0, 1))
    own, other = (seed_scores(one) for one in (arm, control))
    difference = None
    if seeds > 1 and images > 1:
        heaviest = max(float(w.max()) for one in (arm, control) for w in one.image_weights)
        difference = _crossed(tables, own.mean() - other.mean(), same_images, heaviest)
    return Unpaired(
        num_images=arm.num_images,
        seeds=arm.seeds,
        scores=own,
        other_scores=other,
        crossed=difference,
        control_seeds=control.seeds,
        same_images=same_images,
    )


def _crossed(
    tables: Sequence[np.ndarray], mean: float, same_images: bool, heaviest: float
) -> Crossed | None:
    """The error of a difference of two means; None where nothing varies."""
    parts = [_of_table(table) for table in tables]
    images = tuple(part for of_arm in parts for part in of_arm.images)
    if same_images:
        both = tables[0].mean(0) - tables[1].mean(0)
        images = ((float(both.var(ddof=1)) / len(both), len(both) - 1.0),)
    found = Variances(
        seeds=tuple(part for of_arm in parts for part in of_arm.seeds),
        images=images,
        rest=tuple(part for of_arm in parts for part in of_arm.rest),
    )
    num_seeds, num_images = (min(table.shape[axis] for table in tables) for axis in (0, 1))
    total = max(found.total, ((heaviest - 1) / num_images) ** 2)
    if not total:
        return None
    of_seeds, of_images, rest = (sum(v for v, _ in part) for part in found.parts)
    size = num_seeds * num_images
    return Crossed(
        mean=float(mean),
        error=float(np.sqrt(total)),
        df=found.df,
        between_seeds=size * of_seeds,
        between_images=size * of_images,
        rest=size * rest,
        num_seeds=num_seeds,
        num_images=num_images,
        heaviest=heaviest,
    )


def _of_table(table: np.ndarray) -> Variances:
    """Variances of the mean of one arm's table (seeds, images)."""
    seeds, images = table.shape
    if not table.any() or table.all():  # `crossed` asks for a difference somewhere
        return Variances(
            seeds=((0.0, seeds - 1.0),),
            images=((0.0, images - 1.0),),
            rest=((0.0, (seeds - 1.0) * (images - 1)),),
        )
    one = crossed(table)
    return Variances(
        seeds=((one.between_seeds / table.size, seeds - 1.0),),
        images=((one.between_images / table.size, images - 1.0),),
        rest=((one.rest / table.size, (seeds - 1.0) * (images - 1)),),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedsOnly(Crossed):
    """A mean difference of scores: over seeds about the test images there were, or over folds.

    `overlap` is the number of test images of a fold for each of its training images: folds share
    training images, which their variance does not show (Nadeau and Bengio 2003). It is 0 for seeds.
    `lists` is 1 where scores are paired, else 2.
    """

    overlap: float
    lists: int

    @property
    def over_images(self) -> bool:
        """Whether the interval is over test images too."""
        return False

    @property
    def more(self) -> More:
        """Kind of data that would narrow the interval."""
        return "seeds"

    def seeds_needed(self, effect: float, level: float) -> int | None:
        """Number of seeds that would show `effect`; None of folds, for they share their images."""
        return None if self.overlap else Crossed.seeds_needed(self, effect, level)

    def images_needed(self, effect: float, level: float) -> int | None:
        """Not known: nothing is said of single images."""
        return None

    def _half(self, level: float) -> float:
        return _t(self.df, level) * self.error

    def _with(self, seeds: int, images: int) -> "SeedsOnly":
        return SeedsOnly(
            mean=self.mean,
            error=self.error * float(np.sqrt(self.num_seeds / seeds)),
            df=self.lists * (seeds - 1.0),
            between_seeds=self.between_seeds,
            between_images=0.0,
            rest=0.0,
            num_seeds=seeds,
            num_images=images,
            overlap=self.overlap,
            lists=self.lists,
        )


def _t(df: float, level: float) -> float:
    import scipy

    return float(scipy.special.stdtrit(df, 1 - level / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of one arm at one size, one for each seed or fold."""

    num_images: int | None
    seeds: tuple[int, ...]
    scores: np.ndarray  # (seeds,)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfScores(Contrast):
    """Two arms by their scores alone; `folds` says whether they are of folds."""

    folds: bool

    @property
    def basis(self) -> Basis:
        """What the interval is over, and what of it is paired."""
        if self.control_seeds:
            return "folds, not paired" if self.folds else "seeds, not paired"
        return "folds, paired" if self.folds else "seeds, paired"

    @property
    def gains(self) -> np.ndarray:
        """Gain of each seed, as a fraction (seeds,); empty where seeds are not paired."""
        if self.control_seeds:
            return np.empty(0)
        return np.asarray(self.scores - self.other_scores)

    @property
    def independent(self) -> bool:
        """Whether there are paired gains of several seeds that share no training image."""
        return len(self.gains) > 1 and not self.folds


def of_scores(arm: Scores, control: Scores, num_folds: int) -> OfScores:
    """Two arms by their scores; `num_folds` is that of a cross-validation, 0 where runs are seeds.

    Seeds are paired where one of the two has all of the other's, or three or more are common.
    """
    common = common_seeds(arm.seeds, control.seeds)
    overlap = 1 / (num_folds - 1) if num_folds > 1 else 0.0
    if common:
        own, other = (
            np.array([one.scores[one.seeds.index(seed)] for seed in common])
            for one in (arm, control)
        )
        lists = [own - other]
    else:
        own, other = arm.scores, control.scores
        lists = [own, other]
    return OfScores(
        num_images=arm.num_images,
        seeds=common or arm.seeds,
        scores=own,
        other_scores=other,
        crossed=_over_seeds(lists, float(own.mean() - other.mean()), overlap),
        control_seeds=() if common else control.seeds,
        folds=num_folds > 1,
    )


def _over_seeds(lists: Sequence[np.ndarray], mean: float, overlap: float) -> SeedsOnly | None:
    """The error of a mean over seeds, by one list of gains or two of scores."""
    if min(map(len, lists)) < 2 or not any(np.ptp(one) > 0 for one in lists):
        return None
    found = Variances(
        seeds=tuple(
            (float(one.var(ddof=1)) * (1 / len(one) + overlap), len(one) - 1.0) for one in lists
        ),
        images=(),
        rest=(),
    )
    return SeedsOnly(
        mean=mean,
        error=float(np.sqrt(found.total)),
        df=found.df,
        between_seeds=found.total,
        between_images=0.0,
        rest=0.0,
        num_seeds=min(map(len, lists)),
        num_images=0,
        overlap=overlap,
        lists=len(lists),
    )


def common_seeds(arm: tuple[int, ...], control: tuple[int, ...]) -> tuple[int, ...]:
    """Seeds that pair two arms; empty where they are too few of those that there are."""
    common = tuple(seed for seed in arm if seed in control)
    enough = len(common) >= min(3, len(arm), len(control))
    return common if enough else ()

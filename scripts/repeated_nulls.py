"""How often repeated splits find a difference where there is none, by the number of seeds.

    python scripts/repeated_nulls.py [STUDIES [SHARE]]

Each study draws a small set of two classes and trains two arms on every split that headstart deals;
with SHARE, on splits that test such a share of each class at random, as results from elsewhere may.
The arms are exchangeable, so that the truth is exactly 0: each sees an image through features of
its own, which say as much about the class. On a given set one of them is the better by chance, in
all seeds alike, for seeds share most of their training images. A study is false if its interval, at
the level of a single look, excludes 0. Rules: the interval of repeated splits; the same without
what training on one set adds; the t interval over seeds, corrected by Nadeau and Bengio (2003) and
plain. Splits are the same in all studies, whose images are drawn anew: images of a class are
exchangeable.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from headstart.analyse.multiplicity import NOMINAL, planned_level
from headstart.analyse.repeated import Repeated, crossed_of, tabled
from headstart.analyse.statistics import Crossed, from_squares, t_half_width
from headstart.data.repeated import dealt
from headstart.study.tasks import FOLDS

SLACK = 0.01  # of the binomial bound
SEEDS = (5, 8, 10, 20, 40)
IMAGES = (40, 60, 200)
VALIDATION = 0.2  # of what is left for training

Classify = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Answers (seeds, images) by features (images, numbers), labels and training images (seeds, images)
as 0 or 1."""


def centroids(features: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The class whose mean is nearest."""
    distances = []
    for label in (0, 1):
        of_class = train * (labels == label)
        centre = of_class @ features / of_class.sum(1, keepdims=True)
        distances.append((centre**2).sum(1)[:, None] - 2 * centre @ features.T)
    return np.asarray(distances[1] < distances[0]).astype(int)


def least_squares(features: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """A linear head with a small penalty."""
    inputs = np.concatenate([features, np.ones((len(features), 1))], 1)
    gram = np.einsum("si,ij,ik->sjk", train, inputs, inputs, optimize=True)
    sums = train @ (inputs * (2 * labels - 1)[:, None])
    weights = np.linalg.solve(gram + np.eye(inputs.shape[1]), sums[..., None])[..., 0]
    return np.asarray(weights @ inputs.T > 0).astype(int)


def neighbour(features: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The class of the nearest training image."""
    squares = (features**2).sum(1)
    distances = squares[:, None] + squares - 2 * features @ features.T
    far = np.where(train[:, None, :] > 0, distances, np.inf)
    return np.asarray(labels[far.argmin(2)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """Two exchangeable arms: how they see images, and how they are trained.

    Attributes:
        classify: how an arm is trained.
        apart: distance of the classes along each feature, in standard deviations.
        numbers: features of an image.
        shared: share of the variance of the features that both arms see alike.
        per_class: training images of each class; 0 takes all.
    """

    classify: Classify
    apart: float
    numbers: int = 10
    shared: float = 0.0
    per_class: int = 0


REGIMES = {
    "centroids": Regime(classify=centroids, apart=0.35),
    "centroids, easy": Regime(classify=centroids, apart=0.7),
    "centroids, half in common": Regime(classify=centroids, apart=0.35, shared=0.5),
    "centroids, 5 per class": Regime(classify=centroids, apart=0.5, per_class=5),
    "centroids, 50 features": Regime(classify=centroids, apart=0.2, numbers=50),
    "linear head": Regime(classify=least_squares, apart=0.5),
    "nearest neighbour": Regime(classify=neighbour, apart=0.7),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Splits:
    """Labels (images,), test images of every seed, training images (seeds, images) as 0 or 1."""

    labels: np.ndarray
    tests: list[np.ndarray]
    train: np.ndarray


def main() -> None:
    """Print a row for each number of images, regime and rule."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    share = float(sys.argv[2]) if len(sys.argv) > 2 else None
    most = int(scipy.stats.binom.ppf(1 - SLACK, studies, NOMINAL))
    print(f"At most {most} of {studies} at {NOMINAL:g}; a look is held to {planned_level(1):g}.")
    print(f"| images | regime | rule | {' | '.join(f'{s} seeds' for s in SEEDS)} |")
    print(f"| ---: | --- | --- |{' ---: |' * len(SEEDS)}")
    for images in IMAGES:
        for name, regime in REGIMES.items():
            splits = _splits(images, share, regime.per_class)
            false: Counter[tuple[str, int]] = Counter()
            for study in range(studies):
                random = np.random.default_rng([study, images, *name.encode()])
                for rule, seeds, wrong in _study(random, regime, splits):
                    false[rule, seeds] += wrong
            for rule in dict.fromkeys(rule for rule, _ in false):
                cells = " | ".join(f"{100 * false[rule, s] / studies:.1f} %" for s in SEEDS)
                print(f"| {images} | {name} | {rule} | {cells} |", flush=True)


def _splits(images: int, share: float | None, per_class: int) -> Splits:
    labels, random = np.arange(images) % 2, np.random.default_rng(images)
    tests = [
        dealt(labels, 2, 0, seed) if share is None else _drawn(random, labels, share)
        for seed in range(max(SEEDS))
    ]
    train = np.stack([_train(random, labels, test, per_class) for test in tests])
    return Splits(labels=labels, tests=tests, train=train)


def _drawn(random: np.random.Generator, labels: np.ndarray, share: float) -> np.ndarray:
    """Test images of a seed: a share of each class, drawn apart from those of other seeds."""
    classes = [random.permutation(np.flatnonzero(labels == label)) for label in (0, 1)]
    return np.sort(np.concatenate([some[: round(share * len(some))] for some in classes]))


def _study(
    random: np.random.Generator, regime: Regime, splits: Splits
) -> Iterator[tuple[str, int, bool]]:
    """(rule, number of seeds, whether it is wrong) of one study."""
    labels, tests = splits.labels, splits.tests
    common = random.normal(size=(len(labels), regime.numbers))
    right = []
    for _ in range(2):
        own = random.normal(size=common.shape)
        features = np.sqrt(regime.shared) * common + np.sqrt(1 - regime.shared) * own
        features += regime.apart * (2 * labels - 1)[:, None] / 2
        right.append(regime.classify(features, labels, splits.train) == labels)
    gains = right[0].astype(np.int8) - right[1].astype(np.int8)
    rows = [gains[seed, test] for seed, test in enumerate(tests)]
    means = np.array([row.mean() for row in rows])
    overlap = len(tests[0]) / float(splits.train.sum(1).mean())
    level = planned_level(1)
    for seeds in SEEDS:
        table, tested = tabled(rows[:seeds], tests[:seeds])
        if not table.any():
            continue
        found = crossed_of(table, tested)
        assert isinstance(found, Repeated)
        for rule, crossed in (("repeated splits", found), ("each image once", _once(found))):
            low, high = crossed.cautious_interval(level)
            yield rule, seeds, low > 0 or high < 0
        for rule, shared in (("corrected t", overlap), ("t over seeds", 0.0)):
            half = t_half_width(means[:seeds], 1 - level, shared)
            yield rule, seeds, abs(float(means[:seeds].mean())) > half


def _once(found: Repeated) -> Crossed:
    """The same analysis without what training on one set of images adds."""
    each, seeds = found.tested_by_seed, found.num_seeds
    within = found.rest * each / found.num_images
    size = seeds * found.num_images
    more = size * within * (1 / ((FOLDS - 1) * each) - 1 / (FOLDS * each))
    return from_squares(
        found.mean,
        found.between_seeds,
        found.between_images - more,
        found.rest,
        seeds,
        found.num_images,
    )


def _train(
    random: np.random.Generator, labels: np.ndarray, test: np.ndarray, per_class: int
) -> np.ndarray:
    """Training images of a seed as 0 or 1: those that neither test nor validate."""
    left = random.permutation(np.setdiff1d(np.arange(len(labels)), test))
    left = left[round(VALIDATION * len(left)) :]
    if per_class:
        left = np.concatenate([left[labels[left] == label][:per_class] for label in (0, 1)])
    train = np.zeros(len(labels))
    train[left] = 1
    return train


if __name__ == "__main__":
    main()

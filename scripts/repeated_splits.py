"""How often intervals of repeated splits miss the truth, and how wide they are, in small sets.

    python scripts/repeated_splits.py SETS

Draws SETS small sets (40, 60 and 120 images of 2 or 3 classes) from MNIST and Fashion-MNIST, trains
two quick classifiers on every split, and holds the mean gain over all sets to be the truth. That is
harder than a null study: of two ways to train that are equally good on average, one is the better
on a given set. Rules: the crossed interval of a fixed test part, that of repeated splits, the t
interval over their seeds, and the same corrected by Nadeau and Bengio (2003).
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from headstart.analyse.repeated import crossed_of, tabled
from headstart.analyse.statistics import crossed, t_half_width
from headstart.data.datasets import open_part
from headstart.data.repeated import dealt
from headstart.data.sampling import subset_per_class
from headstart.study.tasks import DataRef

SETS = (("mnist", (4, 9)), ("fashion-mnist", (0, 2, 6)))
SIZES = (40, 60, 120)
SEEDS = (3, 5, 10, 20)
LEVELS = (0.05, 0.05 / 12)
VALIDATION = 0.2  # of what is left for training
SIDE, BLOCK = 7, 4  # images are averaged to 7 x 7

Classify = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def ridge(penalty: float) -> Classify:
    """Linear least squares on indicators of the classes."""

    def classify(
        train: np.ndarray, labels: np.ndarray, test: np.ndarray, _drawn: np.random.Generator
    ) -> np.ndarray:
        mean, targets = train.mean(0), np.eye(labels.max() + 1)[labels]
        centred = train - mean
        weights = np.linalg.solve(
            centred @ centred.T + penalty * np.eye(len(train)), targets - targets.mean(0)
        )
        scores = (test - mean) @ centred.T @ weights + targets.mean(0)
        return np.asarray(scores.argmax(1))

    return classify


def random_features(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, drawn: np.random.Generator
) -> np.ndarray:
    """A new head on a frozen random layer."""
    weights = drawn.normal(size=(train.shape[1], 30))
    features = (np.maximum(images @ weights, 0) for images in (train, test))
    own, other = features
    return ridge(1.0)(own, labels, other, drawn)


def centroids(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, _drawn: np.random.Generator
) -> np.ndarray:
    """The class whose mean image is nearest."""
    means = np.stack([train[labels == label].mean(0) for label in range(labels.max() + 1)])
    return np.asarray(((test[:, None] - means) ** 2).sum(2).argmin(1))


def neighbour(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, _drawn: np.random.Generator
) -> np.ndarray:
    """The class of the nearest training image."""
    return np.asarray(labels[((test[:, None] - train[None]) ** 2).sum(2).argmin(1)])


PAIRS: dict[str, tuple[Classify, Classify]] = {
    "two penalties": (ridge(0.1), ridge(30.0)),
    "centroids, neighbour": (centroids, neighbour),
    "two random trunks": (random_features, random_features),
    "random trunk, penalty": (random_features, ridge(1.0)),
}


@dataclass(frozen=True, slots=True)
class SmallSet:
    """Images (n, pixels) with their labels."""

    images: np.ndarray
    labels: np.ndarray

    def gain(
        self, pair: tuple[Classify, Classify], train: np.ndarray, test: np.ndarray, seed: int
    ) -> np.ndarray:
        """Right answers of one classifier less those of the other, on each test image."""
        drawn = np.random.default_rng(seed)
        right = [
            one(self.images[train], self.labels[train], self.images[test], drawn)
            == self.labels[test]
            for one in pair
        ]
        return np.asarray(right[0].astype(np.int8) - right[1].astype(np.int8))


def main() -> None:
    """Print a table: rule, images, seeds; how often it misses, and half its width."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", type=int, help="small sets for each pair of classifiers")
    found: dict[tuple[int, int, str, float], list[tuple[float, float]]] = defaultdict(list)
    num_sets = parser.parse_args().sets
    for pool, size, pair, per_class in _regimes():
        for key, outcome in _regime(pool, size, pair, per_class, num_sets):
            found[size, *key].append(outcome)
    print("| images | seeds | rule | level % | misses %: mean | most | half width |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for (size, seeds, rule, level), outcomes in sorted(found.items()):
        missed, half = np.array(outcomes).T
        print(
            f"| {size} | {seeds} | {rule} | {100 * level:.2g} | {100 * missed.mean():.1f} | "
            f"{100 * missed.max():.1f} | {100 * half.mean():.0f} |"
        )


def _regimes() -> Iterator[tuple[SmallSet, int, tuple[Classify, Classify], int]]:
    for name, classes in SETS:
        parts = [open_part(DataRef(dataset=name), part) for part in ("train", "test")]
        pixels = np.concatenate([part.pixels for part in parts])[..., 0] / 255
        labels = np.concatenate([part.labels for part in parts])
        small = pixels.reshape(-1, SIDE, BLOCK, SIDE, BLOCK).mean((2, 4)).reshape(len(labels), -1)
        chosen = np.isin(labels, classes)
        pool = SmallSet(small[chosen], np.searchsorted(classes, labels[chosen]))
        for size in SIZES:
            for pair in PAIRS.values():
                for per_class in (0, 5):
                    yield pool, size, pair, per_class


def _regime(
    pool: SmallSet, size: int, pair: tuple[Classify, Classify], per_class: int, num_sets: int
) -> Iterator[tuple[tuple[int, str, float], tuple[float, float]]]:
    """Misses and half width of every rule, over many small sets."""
    ends: dict[tuple[int, str, float], list[tuple[float, float, float]]] = defaultdict(list)
    drawn = np.random.default_rng(0)
    num_classes = int(pool.labels.max()) + 1
    gains = []
    for _ in range(num_sets):
        shares = np.diff(np.linspace(0, size, num_classes + 1, dtype=int))
        at = np.concatenate(
            [
                drawn.choice(np.flatnonzero(pool.labels == label), share, replace=False)
                for label, share in enumerate(shares)
            ]
        )
        data, deal = SmallSet(pool.images[at], pool.labels[at]), int(drawn.integers(1 << 30))
        tests = [dealt(data.labels, num_classes, deal, seed) for seed in range(max(SEEDS))]
        rows = [
            data.gain(pair, _train(data, test, per_class, seed), test, seed)
            for seed, test in enumerate(tests)
        ]
        gains.append(np.mean([row.mean() for row in rows]))
        fixed = [
            data.gain(pair, _train(data, tests[0], per_class, 1 + seed, same=True), tests[0], seed)
            for seed in range(max(SEEDS))
        ]
        for seeds in SEEDS:
            for (rule, level), end in _intervals(rows[:seeds], tests[:seeds], fixed[:seeds], data):
                ends[seeds, rule, level].append(end)
    truth = float(np.mean(gains))
    for key, intervals in ends.items():
        low, high, counts = np.array(intervals).T
        missed = ((low > truth) | (high < truth)) & (counts > 0)
        yield key, (float(missed.mean()), float((high - low)[counts > 0].mean() / 2))


def _train(
    data: SmallSet, test: np.ndarray, per_class: int, seed: int, *, same: bool = False
) -> np.ndarray:
    """Training images of a seed: those that neither test nor validate, or so many per class."""
    left = np.setdiff1d(np.arange(len(data.labels)), test)
    num_classes = int(data.labels.max()) + 1
    order = left[np.random.default_rng(0 if same else seed).permutation(len(left))]
    train: np.ndarray = np.sort(order[: len(order) - round(VALIDATION * len(order))])
    smallest = int(np.bincount(data.labels[train], minlength=num_classes).min())
    if per_class:
        chosen = subset_per_class(data.labels[train], num_classes, min(per_class, smallest), seed)
        train = train[chosen]
    return train


def _intervals(
    rows: list[np.ndarray], tests: list[np.ndarray], fixed: list[np.ndarray], data: SmallSet
) -> Iterator[tuple[tuple[str, float], tuple[float, float, float]]]:
    """Ends of each rule's interval, and the differing answers: without any there is none."""
    gains = np.array([row.mean() for row in rows])
    table, tested = tabled(rows, tests)
    left = len(data.labels) - len(tests[0])
    overlap = len(tests[0]) / (left - round(VALIDATION * left))
    of_fixed = np.stack(fixed)
    for level in LEVELS:
        for name, shared in (("t over seeds", 0.0), ("corrected t", overlap)):
            half = t_half_width(gains, 1 - level, shared)
            mean = float(gains.mean())
            yield (name, level), (mean - half, mean + half, float(np.abs(table).sum()))
        for name, differences, holes in (
            ("repeated", table, tested),
            ("fixed test part", of_fixed, None),
        ):
            differ = float(np.abs(differences).sum())
            found = crossed_of(differences, holes) if holes is not None and differ else None
            found = crossed(differences) if holes is None and differ else found
            low, high = found.cautious_interval(level) if found else (0.0, 0.0)
            yield (name, level), (low, high, differ)


if __name__ == "__main__":
    main()

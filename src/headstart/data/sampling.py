"""Draws in proportion to classes: a share of the images, and nested subsets of them."""

from collections.abc import Sequence

import numpy as np

from headstart.data.errors import fault


def stratified(
    labels: np.ndarray, num_classes: int, num_images: int, bits: np.random.BitGenerator
) -> np.ndarray:
    """Indices of `num_images` images drawn from each class in proportion, class by class."""
    members = [np.flatnonzero(labels == index) for index in range(num_classes)]
    shares = apportion([len(indices) for indices in members], num_images)
    chosen = [
        indices[permuted(len(indices), bits)[:share]]
        for indices, share in zip(members, shares, strict=True)
    ]
    return np.concatenate(chosen)


def first_of_classes(
    labels: np.ndarray, num_classes: int, num_images: int, order: np.ndarray
) -> np.ndarray:
    """Indices of `num_images` images from each class in proportion, the first in an order (n,)."""
    members = [order[labels[order] == index] for index in range(num_classes)]
    shares = apportion([len(indices) for indices in members], num_images)
    return np.concatenate([indices[:share] for indices, share in zip(members, shares, strict=True)])


def apportion(counts: Sequence[int], total: int) -> tuple[int, ...]:
    """How many images to draw of each class so that `total` are drawn in proportion.

    Largest remainders, ties to the earlier class. As far as the numbers allow, every class is
    drawn at least once and keeps at least one image; where a class has one image only, it keeps it.
    """
    available = sum(counts)
    assert 0 <= total <= available
    most = [max(count - 1, 0) for count in counts]
    if sum(most) < total:
        most = list(counts)
    filled = sum(1 for count in counts if count)
    least = [min(1, limit) if total >= filled else 0 for limit in most]
    drawn = [
        min(max(count * total // available, low), high) if available else 0
        for count, low, high in zip(counts, least, most, strict=True)
    ]

    def lack(index: int) -> int:
        """How far a class is below its share, as a whole number over `available`."""
        return counts[index] * total - drawn[index] * available

    while sum(drawn) < total:
        open_classes = [i for i in range(len(counts)) if drawn[i] < most[i]]
        drawn[max(open_classes, key=lack)] += 1
    while sum(drawn) > total:
        open_classes = [i for i in range(len(counts)) if drawn[i] > least[i]]
        drawn[min(open_classes, key=lack)] -= 1
    return tuple(drawn)


def subset(labels: np.ndarray, num_classes: int, num_images: int, seed_stream: int) -> np.ndarray:
    """Indices of a stratified subset in drawing order; a smaller one is a prefix of a larger one.

    Every class has an image as soon as there are as many images as classes, and proportions are
    kept from then on: each class spreads its images evenly over the order, its first at the front.

    Raises:
        DataError: there are not so many images.
    """
    if num_images > len(labels):
        raise fault(
            "subset",
            f"{num_images} images are asked for, but there are {len(labels)}.",
            fix="Use a smaller size.",
        )
    orders = _class_orders(labels, num_classes, seed_stream)
    positions = [(np.arange(len(order)) + 0.5) / max(len(order), 1) for order in orders]
    for position in positions:
        position[:1] = 0.0
    return _interleaved(orders, positions)[:num_images]


def subset_per_class(labels: np.ndarray, num_classes: int, k: int, seed_stream: int) -> np.ndarray:
    """Indices of `k` images of each class in drawing order, the first of those `subset` draws.

    A class without any images is passed over.

    Raises:
        DataError: a class has fewer than `k` images.
    """
    orders = _class_orders(labels, num_classes, seed_stream)
    for index, order in enumerate(orders):
        if 0 < len(order) < k:
            raise fault(
                "subset",
                f"{k} images per class are asked for, but class {index} has {len(order)}.",
                fix="Use a smaller size.",
            )
    orders = [order[:k] for order in orders]
    return _interleaved(orders, [np.arange(len(order)) for order in orders])


def permuted(num: int, bits: np.random.BitGenerator) -> np.ndarray:
    """The numbers below `num` in a random order."""
    # numpy promises the raw bits of PCG64 for good, but not what `permutation` makes of them; a
    # subset must be the same under every version.
    return np.argsort(bits.random_raw(num), kind="stable")


def _interleaved(orders: list[np.ndarray], positions: list[np.ndarray]) -> np.ndarray:
    """All indices of `orders`, sorted by position; at one position, the earlier class first."""
    classes = np.repeat(np.arange(len(orders)), [len(order) for order in orders])
    ranks = np.lexsort((classes, np.concatenate(positions)))
    return np.concatenate(orders)[ranks]


def _class_orders(labels: np.ndarray, num_classes: int, seed_stream: int) -> list[np.ndarray]:
    """The images of each class in a random order."""
    bits = np.random.PCG64(seed_stream)
    members = [np.flatnonzero(labels == index) for index in range(num_classes)]
    return [indices[permuted(len(indices), bits)] for indices in members]

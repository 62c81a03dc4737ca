"""From a task to arrays: merge and re-index classes, take validation out, draw nested subsets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.core.seeds import generator
from headstart.data.faults import fault
from headstart.data.images import Images, open_part
from headstart.spec.facts import DatasetFacts
from headstart.spec.tasks import SplitSpec, TaskSpec

Groups = Sequence[Sequence[int]]
"""For each class of a task, the classes of the data set merged into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskData:
    """A task with its names resolved: a data set, groups of its classes, a split."""

    dataset: str
    groups: tuple[tuple[int, ...], ...]
    split: SplitSpec

    @classmethod
    def of(cls, task: TaskSpec, facts: DatasetFacts) -> "TaskData":
        """The data of a task whose class names are known to be good."""
        groups = tuple(task.groups(facts.classes).values())
        return cls(dataset=task.dataset, groups=groups, split=task.split)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingPart:
    """The published training images of a task, divided; labels are positions of groups."""

    train: Images
    validation: Images


def training_part(dataset: str, groups: Groups, split: SplitSpec) -> TrainingPart:
    """The training and validation images of a task, each in the published order.

    Raises:
        DataError: the data cannot be had, a class has no images, or the split takes them all.
    """
    images = _task_images(open_part(dataset, "train"), groups)
    _check_classes(
        images.labels, len(groups), dataset, "Leave this class out with `classes` of the task."
    )
    train, validation = split_indices(images.labels, len(groups), split)
    _check_classes(
        images.labels[train],
        len(groups),
        dataset,
        f"The split by '{split.by}' takes them all: split by 'stratified'.",
    )
    return TrainingPart(train=_taken(images, train), validation=_taken(images, validation))


def test_part(dataset: str, groups: Groups) -> Images:
    """The published test images of a task, in the published order."""
    return _task_images(open_part(dataset, "test"), groups)


def split_indices(
    labels: np.ndarray, num_classes: int, split: SplitSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the validation images, each ascending.

    Raises:
        DataError: nothing would be left for training.
    """
    num = split.num_validation(len(labels))
    if num >= len(labels):
        raise fault(
            "split.validation",
            f"{num} of {len(labels)} images leaves none for training.",
            f"Expected at most {len(labels) - 1}.",
        )
    if split.by == "head":
        chosen = np.arange(num)
    elif split.by == "random":
        chosen = _permuted(len(labels), _bits(split))[:num]
    else:
        chosen = stratified(labels, num_classes, num, _bits(split))
    held_out = np.zeros(len(labels), dtype=bool)
    held_out[chosen] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def stratified(
    labels: np.ndarray, num_classes: int, num_images: int, bits: np.random.BitGenerator
) -> np.ndarray:
    """Indices of `num_images` images drawn from each class in proportion, class by class."""
    members = [np.flatnonzero(labels == index) for index in range(num_classes)]
    shares = apportion([len(indices) for indices in members], num_images)
    chosen = [
        indices[_permuted(len(indices), bits)[:share]]
        for indices, share in zip(members, shares, strict=True)
    ]
    return np.concatenate(chosen)


def training_counts(counts: Sequence[int], split: SplitSpec) -> tuple[int, ...]:
    """Training images of each class that a split leaves, from the counts before it.

    For a stratified split they are exact. What `head` and `random` leave of each class depends on
    the labels: for those the total is exact, and the counts are what is left in proportion.
    """
    taken = apportion(counts, split.num_validation(sum(counts)))
    return tuple(count - gone for count, gone in zip(counts, taken, strict=True))


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
    least = [min(1, limit) if total >= len(counts) else 0 for limit in most]
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

    Raises:
        DataError: a class has fewer than `k` images.
    """
    orders = _class_orders(labels, num_classes, seed_stream)
    for index, order in enumerate(orders):
        if len(order) < k:
            raise fault(
                "subset",
                f"{k} images per class are asked for, but class {index} has {len(order)}.",
                fix="Use a smaller size.",
            )
    return _interleaved([order[:k] for order in orders], [np.arange(k) for _ in orders])


def _interleaved(orders: list[np.ndarray], positions: list[np.ndarray]) -> np.ndarray:
    """All indices of `orders`, sorted by position; at one position, the earlier class first."""
    classes = np.repeat(np.arange(len(orders)), [len(order) for order in orders])
    ranks = np.lexsort((classes, np.concatenate(positions)))
    return np.concatenate(orders)[ranks]


def _class_orders(labels: np.ndarray, num_classes: int, seed_stream: int) -> list[np.ndarray]:
    """The images of each class in a random order."""
    bits = np.random.PCG64(seed_stream)
    members = [np.flatnonzero(labels == index) for index in range(num_classes)]
    return [indices[_permuted(len(indices), bits)] for indices in members]


def _permuted(num: int, bits: np.random.BitGenerator) -> np.ndarray:
    # numpy promises the raw bits of PCG64 for good, but not what `permutation` makes of them; a
    # subset must be the same under every version.
    return np.argsort(bits.random_raw(num), kind="stable")


def _bits(split: SplitSpec) -> np.random.BitGenerator:
    return generator(split.seed, "split").bit_generator


def _task_images(images: Images, groups: Groups) -> Images:
    """The images of the grouped classes, labelled by the position of their group."""
    indices = [index for group in groups for index in group]
    assert len(indices) == len(set(indices)), "a class belongs to one group only"
    table = np.full(max(int(images.labels.max()), *indices) + 1, -1, dtype=np.int64)
    for position, group in enumerate(groups):
        table[list(group)] = position
    labels = table[images.labels]
    keep = labels >= 0
    if keep.all():
        return Images(images.pixels, labels)  # no copy of the pixels
    return Images(images.pixels[keep], labels[keep])


def _taken(images: Images, indices: np.ndarray) -> Images:
    return Images(images.pixels[indices], images.labels[indices])


def _check_classes(labels: np.ndarray, num_classes: int, dataset: str, fix: str) -> None:
    counts = np.bincount(labels, minlength=num_classes)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        raise fault(
            f"data set '{dataset}'",
            f"class {empty[0]} of the task has no training images.",
            "Expected at least one image of every class.",
            fix,
        )

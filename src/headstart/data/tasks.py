"""From a task to arrays: merge and re-index classes, cut off test, take out validation images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from headstart.core.seeds import generator
from headstart.data.datasets import Images, open_part
from headstart.data.dealing import dealt_groups, draws
from headstart.data.errors import fault
from headstart.data.repeated import dealt, pooled
from headstart.data.sampling import first_of_classes, permuted
from headstart.data.sampling import stratified as stratified
from headstart.data.sampling import subset as subset
from headstart.data.sampling import subset_per_class as subset_per_class
from headstart.study.tasks import DataRef, SplitSpec

Groups = Sequence[Sequence[int]]
"""For each class of a task, the classes of the data set merged into it.

A class without any is one of a data set's own labels that the task leaves out.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingPart:
    """The training images of a task, divided; labels are positions of groups."""

    train: Images
    validation: Images


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Members:
    """The images of a task among the published ones."""

    published: Images
    indices: np.ndarray  # (n,), ascending
    labels: np.ndarray  # (n,), positions of groups

    def __len__(self) -> int:
        return len(self.indices)

    def taken(self, chosen: np.ndarray) -> Images:
        """The images at `chosen` positions."""
        return replace(self.published.taken(self.indices[chosen]), labels=self.labels[chosen])

    def part(self, part: slice | np.ndarray) -> "_Members":
        """Those from one position to another, or at some positions."""
        return _Members(
            published=self.published, indices=self.indices[part], labels=self.labels[part]
        )


def training_part(
    data: DataRef, groups: Groups, split: SplitSpec, seed: int | None = None
) -> TrainingPart:
    """The training and validation images of a task, each in the published order.

    Args:
        data: the data set.
        groups: its classes.
        split: how they are divided.
        seed: that of the trial, where the split is repeated for every seed.

    Raises:
        DataError: the data cannot be had, a class has no images, or the split takes them all.
    """
    members = _of_task(data, groups, split)
    _check_classes(members.labels, groups, data, "Leave this class out with `classes` of the task.")
    kept = members.part(_not_tested(members, groups, split, seed))
    _check_classes(
        kept.labels, groups, data, "The test part cut off takes them all: use a smaller share."
    )
    train, validation = _divided(kept, len(groups), split, seed)
    _check_classes(
        kept.labels[train],
        groups,
        data,
        f"The split by '{split.by}' takes them all: split by 'stratified'.",
    )
    held_out = test_part(data, groups, split) if split.by == "test" else kept.taken(validation)
    return TrainingPart(train=kept.taken(train), validation=held_out)


def test_positions(data: DataRef, groups: Groups, split: SplitSpec, seed: int) -> np.ndarray:
    """Where the test images of a seed lie among all images of the task, in a repeated split."""
    return dealt(_of_task(data, groups, split).labels, len(groups), split.seed, seed)


def test_part(data: DataRef, groups: Groups, split: SplitSpec) -> Images:
    """The test images of a task, in the published order: published ones, or cut off training.

    In a repeated split they are all images of the task, of which each seed tests a part
    (`test_positions`).

    Raises:
        DataError: the data cannot be had, or all that was cut off is dropped.
    """
    if split.repeats:
        members = _of_task(data, groups, split)
        return members.taken(np.arange(len(members)))
    if split.test == "published":
        members = _members(open_part(data, "test"), groups)
        return members.taken(np.arange(len(members)))
    members = _of_task(data, groups, split)
    first, end = _num_kept(len(members), split), len(members) - split.drop_last
    if first >= end:
        raise fault(
            "split.drop_last",
            f"{split.drop_last} of {len(members) - first} test images leaves none.",
            f"Expected at most {max(len(members) - first - 1, 0)}.",
        )
    return members.taken(np.arange(first, end))


def _of_task(data: DataRef, groups: Groups, split: SplitSpec) -> _Members:
    """The published training images of the task's classes, as far as the task takes them.

    A repeated split draws from those of the published test part as well.
    """
    published = open_part(data, "train")
    if split.repeats:
        published = pooled(published, open_part(data, "test"))
    members = _members(published, groups)
    taken = members.part(split.taken(len(members)))
    if not len(taken):
        raise fault(
            "split.take",
            f"from {split.take[0]:g} to {split.take[1]:g} of {len(members)} images are none.",
            "Expected two shares, the second one greater.",
        )
    return taken


def _not_tested(
    members: _Members, groups: Groups, split: SplitSpec, seed: int | None
) -> slice | np.ndarray:
    """Where the images lie that are no test images."""
    if not split.repeats:
        return slice(_num_kept(len(members), split))
    assert seed is not None, "a repeated split is that of a seed"
    tested = dealt(members.labels, len(groups), split.seed, seed)
    return np.setdiff1d(np.arange(len(members)), tested)


def _num_kept(num_images: int, split: SplitSpec) -> int:
    """How many of the task's images in the published order are not cut off as test images."""
    kept = num_images - split.num_test_cut(num_images)
    if kept < 1:
        raise fault(
            "split.test",
            f"the share {split.test} of {num_images} images leaves none for training.",
            fix="Use a smaller share.",
        )
    return kept


def _divided(
    members: _Members, num_classes: int, split: SplitSpec, seed: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the validation images, each ascending."""
    published = members.published
    if split.group is None:
        units = None if published.units is None else published.units[members.indices]
        return split_indices(members.labels, num_classes, split, units, seed)
    assert published.units is not None, "a data set that is grouped knows its groups"
    # Of all classes: tasks on one data set take the same groups out, whatever classes they have.
    grouped = dealt_groups(published.units, published.labels, split.validation, split.seed)
    held_out = grouped[members.indices]
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def split_indices(
    labels: np.ndarray,
    num_classes: int,
    split: SplitSpec,
    units: np.ndarray | None = None,
    seed: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the validation images, each ascending.

    Args:
        labels: of the images (n,).
        num_classes: of the task.
        split: how many are taken out, and which.
        units: of the images (n,): those of the lowest hashes are drawn; by the seed where absent.
        seed: that of the trial, for which they are drawn anew in a repeated split.

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
    elif split.by == "tail":
        chosen = np.arange(len(labels) - num, len(labels))
    elif split.by == "random":
        chosen = _order(len(labels), split, units, seed)[:num]
    elif units is None:
        chosen = stratified(labels, num_classes, num, _bits(split, seed))
    else:
        order = _order(len(labels), split, units, seed)
        chosen = first_of_classes(labels, num_classes, num, order)
    held_out = np.zeros(len(labels), dtype=bool)
    held_out[chosen] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _order(
    num_images: int, split: SplitSpec, units: np.ndarray | None, seed: int | None
) -> np.ndarray:
    """The images in the order in which they are drawn."""
    if units is None:
        return permuted(num_images, _bits(split, seed))
    own = "" if seed is None else f" {seed}"
    return np.argsort(draws(units, f"validation {split.seed}{own}"), kind="stable")


def _bits(split: SplitSpec, seed: int | None) -> np.random.BitGenerator:
    purpose: tuple[str | int, ...] = ("split",) if seed is None else ("split", seed)
    return generator(split.seed, *purpose).bit_generator


def _members(images: Images, groups: Groups) -> _Members:
    """The images of the grouped classes, labelled by the position of their group."""
    indices = [index for group in groups for index in group]
    assert len(indices) == len(set(indices)), "a class belongs to one group only"
    table = np.full(max([int(images.labels.max()), *indices]) + 1, -1, dtype=np.int64)
    for position, group in enumerate(groups):
        table[list(group)] = position
    labels = table[images.labels]
    kept = np.flatnonzero(labels >= 0)
    return _Members(published=images, indices=kept, labels=labels[kept])


def _check_classes(labels: np.ndarray, groups: Groups, data: DataRef, fix: str) -> None:
    counts = np.bincount(labels, minlength=len(groups))
    empty = [index for index, group in enumerate(groups) if group and not counts[index]]
    if empty:
        raise fault(
            f"data set '{data}'",
            f"class {empty[0]} of the task has no training images.",
            "Expected at least one image of every class.",
            fix,
        )

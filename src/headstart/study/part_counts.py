"""Images of a task: of each class, and of each part once the task is split."""

from dataclasses import dataclass

from headstart.study.dataset_facts import DatasetFacts
from headstart.study.tasks import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCounts:
    """Images of a task's parts: what is left to train on, validation and test.

    Of a split that asks for more than there is, `num_train` is below the number of classes.
    """

    num_train: int
    num_validation: int
    num_test: int


def part_counts(task: TaskSpec, facts: DatasetFacts) -> PartCounts:
    """Images of the parts of a task, which are as many for every seed."""
    split = task.split
    images = sum(task_counts(task, facts))
    taken = split.num_taken(images)
    cut = split.num_test_cut(taken)
    num_test = cut - split.drop_last if cut else sum(test_counts(task, facts))
    left = images - sum(held_out(task, facts)) if split.group else split.num_left(images)
    return PartCounts(
        num_train=left,
        num_validation=num_test if split.by == "test" else taken - cut - left,
        num_test=num_test,
    )


def task_counts(task: TaskSpec, facts: DatasetFacts) -> tuple[int, ...]:
    """Images of each class of the task, before validation is taken out and test is cut off.

    Those of the published training part; where test parts are drawn anew, of both parts.
    """
    parts = (facts.train_counts, facts.test_counts) if task.split.repeats else (facts.train_counts,)
    groups = task.groups(facts.classes).values()
    return tuple(sum(part[index] for part in parts for index in group) for group in groups)


def test_counts(task: TaskSpec, facts: DatasetFacts) -> tuple[int, ...]:
    """Published test images of each class of the task."""
    groups = task.groups(facts.classes).values()
    return tuple(sum(facts.test_counts[index] for index in group) for group in groups)


def held_out(task: TaskSpec, facts: DatasetFacts) -> tuple[int, ...]:
    """Validation images of each class of a task whose groups stay together."""
    counts = facts.validation_counts
    assert counts is not None, "a data set with groups is measured with its split"
    groups = task.groups(facts.classes).values()
    return tuple(sum(counts[index] for index in group) for group in groups)

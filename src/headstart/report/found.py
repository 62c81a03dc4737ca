"""What was found of a task's data set, for a reader to compare with what he meant."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from headstart.analyse.analysis import TaskFacts
from headstart.analyse.text import listed, plural, shorten
from headstart.core.names import in_a_row, natural_order
from headstart.study.dataset_facts import LeftOut, Size

_CLASSES = 8  # named of a task
_CLASS = 24  # letters of a class's name
_SUFFIXES = 6  # named of the files left out for one reason


def found_lines(tasks: Iterable[TaskFacts]) -> Iterator[str]:
    """What was found of every task: a line with its classes, and indented lines below it."""
    for task in tasks:
        yield f"{task.name}: {classes_found(task)}"
        yield f"  read from {task.place}"
        if task.labels_from:
            yield f"  labels: {task.labels_from}"
        yield f"  {parts_found(task)}"
        yield f"  test part: {task.test_from}"
        if groups := groups_found(task):
            yield f"  groups: {groups}"
        yield f"  of each class: {_per_class(task)}"
        yield f"  {images_found(task)}"
        if task.left_out:
            yield f"  left out: {left_out_text(task.left_out)}"
        if task.note:
            yield f"  {task.note}"


def classes_found(task: TaskFacts) -> str:
    """Number of classes, and the names of the first ones."""
    # In the order of a data set's files 10 comes before 2; an order that a study gives stays.
    sorted_by_letters = list(task.classes) == sorted(task.classes)
    classes = natural_order(task.classes) if sorted_by_letters else task.classes
    names = [shorten(name, _CLASS) for name in classes[:_CLASSES]]
    more = len(task.classes) - len(names)
    shown = f"{', '.join(names)}{f' and {more:,} more' if more else ''}"
    return f"{len(task.classes):,} classes: {shown}"


def parts_found(task: TaskFacts) -> str:
    """Images to train on, to choose with and to test with."""
    parts = [f"{plural(task.num_train, task.noun)} to train on"]
    if task.num_validation:
        parts.append(f"{task.num_validation:,} to choose with")
    return ", ".join([*parts, f"{task.num_test:,} to test with"])


def _per_class(task: TaskFacts) -> str:
    what = "to train on and choose with" if task.num_validation else "to train on"
    if task.repeated:
        what = "for all parts"
    parts = [f"{counts_found(task, task.train_counts)} {what}"]
    if task.test_counts:
        parts.append(f"{counts_found(task, task.test_counts)} to test with")
    return ", ".join(parts)


def counts_found(task: TaskFacts, counts: Sequence[int]) -> str:
    """The least and the most images of a class, with the classes that have them.

    Classes that the task leaves out, whose labels it has all the same, have none to train on.
    """
    there = {
        name: number
        for name, number, train in zip(task.classes, counts, task.train_counts, strict=True)
        if train
    }
    least, most = min(there, key=there.__getitem__), max(there, key=there.__getitem__)
    if there[least] == there[most]:
        return f"{there[least]:,}"
    return " to ".join(f"{there[name]:,} ('{shorten(name, _CLASS)}')" for name in (least, most))


def groups_found(task: TaskFacts) -> str:
    """What is kept together, and which columns that are called like groups are not, if any."""
    others = [group for group in task.groups if group.name != task.grouped_by]
    kept = [group for group in task.groups if group.name == task.grouped_by]
    parts = [f"{group.num:,} of '{group.name}' are kept together" for group in kept]
    if task.grouped_by and not kept:
        parts.append(f"{task.grouped_by} is kept together")
    parts += [
        f"{group.num_crossing:,} of {group.num:,} of '{group.name}' are in the training and in the "
        "test part"
        for group in others
    ]
    return "; ".join(parts)


def rarely_tested(tasks: Iterable[TaskFacts], target: str) -> str:
    """Classes of a target that have no row in the table of classes, for want of test images."""
    task = next((task for task in tasks if task.name == target), None)
    if task is None:  # results from elsewhere
        return ""
    counts = zip(task.classes, task.train_counts, task.test_counts, strict=False)
    few = [f"{name} ({test:,})" for name, train, test in counts if train and test < 2]
    return f"Without two test images, and so without a row: {in_a_row(few)}." if few else ""


def images_found(task: TaskFacts) -> str:
    """Sizes (height x width), colours, the range of values, and what files are decoded to."""
    sizes = dict.fromkeys(_size(size) for size in (task.smallest, task.largest))
    values = f", values from {task.values[0]:g} to {task.values[1]:g}" if task.values else ""
    decoded = f"; {task.decoded}" if task.decoded else ""
    return f"{' to '.join(sizes)} pixels, {listed(task.colours, 'and')}{values}{decoded}"


def _size(size: Size) -> str:
    return f"{size[0]:,} x {size[1]:,}"


def left_out_text(files: Iterable[LeftOut]) -> str:
    """Files by number and suffix, for each reason: 3 .txt, 1 .md (no image files)."""
    texts = []
    for why, some in groupby(files, lambda entry: entry.why):
        entries = list(some)
        named = [f"{entry.number:,} {entry.suffix or 'without suffix'}" for entry in entries]
        others = sum(entry.number for entry in entries[_SUFFIXES:])
        shown = ", ".join(named[:_SUFFIXES]) + (f" and {others:,} others" if others else "")
        texts.append(f"{shown} ({why})")
    return "; ".join(texts)

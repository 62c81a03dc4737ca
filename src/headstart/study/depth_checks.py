"""Checks of image files of 16 bits per channel, of which sensors often fill 10, 12 or 14."""

from collections.abc import Iterator, Mapping

from headstart.core.errors import Problem
from headstart.study.dataset_facts import FEW_LEVELS, GREYS, DatasetFacts
from headstart.study.decoding import BITS
from headstart.study.facts import Facts
from headstart.study.tasks import TaskSpec


def depth_problems(tasks: Mapping[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    """Tasks of which few levels would be left, or whose values are beyond what `bits` says."""
    for name, task in tasks.items():
        known = facts.of(task)
        for mode in known.deep:
            yield from (_grey if mode in GREYS else _colour)(name, task, known, mode)


def _grey(name: str, task: TaskSpec, known: DatasetFacts, mode: str) -> Iterator[Problem]:
    used, given = known.bits_used(mode), task.image.bits
    write = f"image = {{ bits = {used} }}"
    if given is not None and given < used:
        yield Problem(
            where=f"tasks.{name}.image.bits",
            message=f"is {given}, but '{task.dataset}' has values up to {known.deep[mode]:,}.",
            fix=f"Write {write}.",
        )
    elif given is None and used <= FEW_LEVELS:
        yield Problem(
            where=f"tasks.{name}.image",
            message=_few_levels(task, known, mode),
            fix=f"Write {write} to use all of them, or bits = 16 to take them as they are.",
        )


def _colour(name: str, task: TaskSpec, known: DatasetFacts, mode: str) -> Iterator[Problem]:
    """Pillow reads the upper 8 of 16 bits of colours, so that the lower ones cannot be had."""
    if task.image.bits is None and known.bits_used(mode) <= FEW_LEVELS:
        yield Problem(
            where=f"tasks.{name}.image",
            message=_few_levels(task, known, mode),
            fix="Make them files of 8 bits that use all values, or write image = { bits = 16 } to "
            "take them as they are.",
        )
    elif task.image.bits not in (None, BITS):
        yield Problem(
            where=f"tasks.{name}.image.bits",
            message=f"is {task.image.bits}, but '{task.dataset}' has images of 16 bits in colour, "
            "of which the upper 8 are read.",
            fix="Make them files of 8 bits, or leave bits out.",
        )


def _few_levels(task: TaskSpec, known: DatasetFacts, mode: str) -> str:
    kind, greatest = "grey" if mode in GREYS else "colour", known.deep[mode]
    return (
        f"'{task.dataset}' has 16-bit images in {kind} with values up to {greatest:,} of 65,535: "
        f"in 8 bits {(greatest >> 8) + 1} of 256 levels would be left."
    )

"""Checks of what arrays may be and image files are not: of floats, and without a test part."""

from collections.abc import Iterator

from headstart.core.errors import Problem
from headstart.study.checks import source_of
from headstart.study.facts import Facts
from headstart.study.partial_study import PartialStudy
from headstart.study.tasks import TaskSpec


def test_problems(parts: PartialStudy, facts: Facts) -> Iterator[Problem]:
    """A problem for each task that is to be tested on a published test part which is empty."""
    for name, task in parts.get("tasks", {}).items():
        if not facts.knows(task) or task.split.test != "published":
            continue
        if not sum(facts.of(task).test_counts):
            yield Problem(
                where=f"tasks.{name}.split.test",
                message=f"'{task.dataset}' has no test images.",
                fix="Cut a share off the training images: `split = { test = 0.2 }` in the task.",
            )


def float_problems(
    parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts
) -> Iterator[Problem]:
    """Problems of tasks whose images are floats: what is made for bytes cannot be asked of them."""
    floats = [name for name, task in tasks.items() if facts.of(task).floats]
    if not floats:
        return
    for name in floats:
        if "inverted_images" in tasks[name].alter:
            yield Problem(
                where=f"tasks.{name}.alter",
                message="'inverted_images' inverts bytes, but these images are floats.",
                fix="Leave it out, or give the images as bytes (uint8).",
            )
    for index, pair in parts.numbered("pairs"):
        source = source_of(parts, pair).task
        if {source, pair.target} <= tasks.keys() and (source in floats) != (pair.target in floats):
            yield Problem(
                where=f"pairs[{index}]",
                message="the images of one task are bytes, those of the other are floats.",
                fix="Both tasks need pixels of one kind, so that one scale fits both.",
            )
    sections = {name: parts.get(name) for name in ("training", "source_training")}
    sections |= {f"arms[{index}].training": arm.training for index, arm in parts.numbered("arms")}
    for place, training in sections.items():
        if training is not None and training.augment:
            yield Problem(
                where=f"{place}.augment",
                message=f"changes bytes, but the images of task '{floats[0]}' are floats.",
                fix="Leave augment out, or give the images as bytes (uint8).",
            )

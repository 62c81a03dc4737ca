"""Checks of splits that are repeated for every seed. Needs no data."""

from collections.abc import Iterator

from headstart.core.errors import Problem
from headstart.study.partial_study import PartialStudy
from headstart.study.sources import SourceSpec
from headstart.study.tasks import SplitSpec, TaskSpec


def repeated_problems(parts: PartialStudy) -> Iterator[Problem]:
    """What does not go with a test part for each seed."""
    tasks: dict[str, TaskSpec] = parts.get("tasks", {})
    for name, task in tasks.items():
        if task.split.repeats:
            yield from _beside(name, task.split)
            if parts.get("metric") == "balanced_accuracy":
                yield Problem(
                    where="metric",
                    message=f"'balanced_accuracy' does not go with test = \"repeated\" of task "
                    f"'{name}': intervals of repeated splits are for metric = \"accuracy\".",
                    fix='Write metric = "accuracy", or give the task a test part that stays: '
                    'test = "published" or a share.',
                )
    sources: dict[str, SourceSpec] = parts.get("sources", {})
    for index, pair in parts.numbered("pairs"):
        trained = sources[pair.source].task if pair.source in sources else pair.source
        if trained in tasks and tasks[trained].split.repeats:
            yield Problem(
                where=f"pairs[{index}].source",
                message=f"task '{trained}' has test = 'repeated', which is for targets: a source "
                "is trained on images that no seed tests.",
                fix="Write a task on the same data for the source, with a test part that stays.",
            )


def _beside(name: str, split: SplitSpec) -> Iterator[Problem]:
    given = {
        "by": (split.by not in ("stratified", "random"), 'Draw them: by = "stratified".'),
        "drop_last": (split.drop_last > 0, "Leave drop_last out."),
    }
    for word, (wrong, fix) in given.items():
        if wrong:
            yield Problem(
                where=f"tasks.{name}.split.{word}",
                message='does not go with test = "repeated", which deals all images of the task '
                "to the seeds.",
                fix=fix,
            )

"""Tasks of a study in numbers: classes, and images of each part."""

from headstart.analyse.analysis import TaskFacts
from headstart.study.data_checks import task_counts
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def task_facts(study: StudySpec, facts: Facts) -> tuple[TaskFacts, ...]:
    """Facts of every task in a pair of the study."""
    used = dict.fromkeys(
        name for pair in study.pairs for name in (study.source_of(pair).task, pair.target)
    )
    return tuple(_facts_of(study, facts, name) for name in used if name is not None)


def _facts_of(study: StudySpec, facts: Facts, name: str) -> TaskFacts:
    task = study.tasks[name]
    known = facts.of(task)
    groups = task.groups(known.classes)
    images = sum(task_counts(task, known))
    taken = task.split.num_taken(images)
    cut = task.split.num_test_cut(taken)
    published = sum(known.test_counts[i] for group in groups.values() for i in group)
    num_test = cut - task.split.drop_last if cut else published
    left = task.split.num_left(images)
    return TaskFacts(
        name=name,
        dataset=str(task.data),
        licence=known.licence,
        note=known.note,
        classes=tuple(groups),
        num_train=left,
        num_validation=num_test if task.split.by == "test" else taken - cut - left,
        num_test=num_test,
        noun=known.noun,
    )

"""Tasks of a study in numbers: classes, and images of each part."""

from collections.abc import Sequence

from headstart.analyse.analysis import TaskFacts
from headstart.core.names import in_a_row, quoted
from headstart.study.facts import Facts
from headstart.study.part_counts import part_counts, task_counts, test_counts
from headstart.study.study import StudySpec

CUT_OFF = "the end of the training part"
REPEATED = "another fifth of all images for each seed"


def task_facts(study: StudySpec, facts: Facts) -> tuple[TaskFacts, ...]:
    """Facts of every task in a pair of the study."""
    used = dict.fromkeys(
        name for pair in study.pairs for name in (study.source_of(pair).task, pair.target)
    )
    return tuple(_facts_of(study, facts, name) for name in used if name is not None)


def untested_sentence(task: str, classes: Sequence[str]) -> str:
    """What it means that classes of a task have no test image."""
    named = f"{in_a_row(quoted(classes))} of '{task}'"
    if len(classes) == 1:
        return f"class {named} has no test image: how well it is recognised cannot be measured."
    return f"classes {named} have no test image: how well they are recognised cannot be measured."


def _facts_of(study: StudySpec, facts: Facts, name: str) -> TaskFacts:
    task = study.tasks[name]
    known = facts.of(task)
    groups = task.groups(known.classes)
    parts, cut = part_counts(task, known), task.split.test != "published"
    smallest, largest = known.extent
    return TaskFacts(
        name=name,
        dataset=str(task.data),
        place=known.place,
        licence=known.licence,
        note=known.note,
        classes=tuple(groups),
        num_train=parts.num_train,
        num_validation=parts.num_validation,
        num_test=parts.num_test,
        train_counts=task_counts(task, known),
        test_counts=() if cut else test_counts(task, known),
        test_from=REPEATED if task.split.repeats else CUT_OFF if cut else known.test_from,
        smallest=smallest,
        largest=largest,
        colours=known.colours,
        values=known.values,
        left_out=known.left_out,
        labels_from=known.labels_from,
        groups=known.groups,
        grouped_by="" if task.split.group is None else str(task.split.group),
        decoded=_decoded(study, facts, name),
        noun=known.noun,
        repeated=task.split.repeats,
    )


def _decoded(study: StudySpec, facts: Facts, name: str) -> str:
    """What becomes of the shape of a task's image files, for every network that sees them."""
    task, known = study.tasks[name], facts.of(study.tasks[name])
    if not known.from_files:
        return ""
    networks = [
        study.network_of(pair)
        for pair in study.pairs
        if name in (study.source_of(pair).task, pair.target)
    ]
    decodings = dict.fromkeys(facts.data(task, network).decoding for network in networks)
    return " or ".join(
        one.words(same_proportions=one.size is not None and known.has_proportions(one.size) is True)
        for one in decodings
    )

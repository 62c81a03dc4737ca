"""Preview of the data gates: what a study's tasks alone tell of shared images; opens no data.

A warning and no more: recipes repeat published work with its slips, and a copy in other bytes is
seen by the search for copies only.
"""

from collections.abc import Iterator

from headstart.study.facts import Facts
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import TaskSpec

LEAST_SHARED = 0.1  # of the target's training images; below this they are stray duplicates


def predicted_leaks(study: StudySpec, facts: Facts) -> tuple[str, ...]:
    """A sentence for each pair whose verdicts will be withheld for the images that it shares."""
    return tuple(
        dict.fromkeys(
            line for pair in study.pairs for line in withheld_verdicts(study, facts, pair)
        )
    )


def withheld_verdicts(study: StudySpec, facts: Facts, pair: Pair) -> tuple[str, ...]:
    """Why the verdicts of a pair will be withheld for the images that it shares, if they will."""
    return tuple(_shared(study, facts, pair))


def _shared(study: StudySpec, facts: Facts, pair: Pair) -> Iterator[str]:
    task = study.source_of(pair).task
    if task is None:
        return
    source, target = study.tasks[task], study.tasks[pair.target]
    ours, theirs = facts.of(target), facts.of(source)
    if ours.content != theirs.content or source.alter != target.alter:
        return
    before, after = _labels(source, theirs.classes), _labels(target, ours.classes)
    both = before.keys() & after.keys()
    images = sum(ours.train_counts[index] for index in after)
    share = sum(ours.train_counts[index] for index in both) / images * _overlap(source, target)
    met = {(before[index], after[index]) for index in both}
    if share < LEAST_SHARED or len(met) > len({label for label, _ in met}):
        return  # few images, or labels that do not follow from the source's
    renames = len(met) > len({label for _, label in met})
    yield (
        f"source '{pair.source}' and target '{pair.target}' share about {100 * share:.0f} % of the "
        f"target's training images, and the target's classes "
        f"{'follow from' if renames else 'are'} the source's: gate "
        f"{'CHK-02' if renames else 'CHK-01'} will withhold the verdict. Give them other images "
        "(split.take) or other classes."
    )


def _labels(task: TaskSpec, known: tuple[str, ...]) -> dict[int, str]:
    """The class of the task that each of the data set's classes belongs to, by index."""
    return {index: name for name, group in task.groups(known).items() for index in group}


def _overlap(source: TaskSpec, target: TaskSpec) -> float:
    """The share of the target's part of the images that is in the source's part."""
    (low, high), (first, last) = source.split.take, target.split.take
    return max(0.0, min(high, last) - max(low, first)) / (last - first)

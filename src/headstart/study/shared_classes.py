"""Classes that the source and the target of a pair have in common, by label or by name."""

from collections.abc import Iterator
from dataclasses import dataclass

from headstart.core.names import in_a_row
from headstart.study.arms import LabelMap
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.leak_preview import withheld_verdicts
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedClasses:
    """Classes of a target of which the source has images too.

    Attributes:
        pair: the source and the target.
        names: those of the target's classes, in its order.
        num_classes: all classes of the target that have images.
        by_name: whether they are the same by name alone, as in two data sets; else by label.
        renamed: whether the source gives some of their images other classes than the target does.
    """

    pair: Pair
    names: tuple[str, ...]
    num_classes: int
    by_name: bool
    renamed: bool

    @property
    def all(self) -> bool:
        """Whether every class of the target is among them."""
        return len(self.names) == self.num_classes

    @property
    def sentence(self) -> str:
        """The classes, and what that makes of the study's question."""
        what = "classes that are called like" if self.by_name else ""
        return (
            f"source '{self.pair.source}' has images of {what} {self._which}"
            f"{', under other labels' if self.renamed else ''}: {self._question}."
        ).replace("  ", " ")

    @property
    def is_clear(self) -> bool:
        """Whether their names mean something: numbers of two data sets may be mere indices."""
        return not (self.by_name and all(name.isdecimal() for name in self.names))

    @property
    def short_sentence(self) -> str:
        """The same without names, for a headline; of a source that has all of the classes."""
        called = "classes that are called like all" if self.by_name else "images of all classes"
        mean = "if they mean the same, " if self.by_name else ""
        return (
            f"The source '{self.pair.source}' has {called} of '{self.pair.target}': {mean}this is "
            "the worth of more data of the same classes, not of another task."
        )

    @property
    def _which(self) -> str:
        number = "all" if self.all else f"{len(self.names)} of the"
        return (
            f"{number} {self.num_classes} classes of target '{self.pair.target}' "
            f"({in_a_row(self.names)})"
        )

    @property
    def _question(self) -> str:
        mean = "if they mean the same, " if self.by_name else ""
        about = "what is measured" if self.all else "for these what is measured"
        return f"{mean}{about} is the worth of more data of the same classes, not of another task"


def shared_classes(study: StudySpec, facts: Facts, pair: Pair) -> SharedClasses | None:
    """Classes that both sides of a pair have; None without any, or where they are not known.

    Those of one data set are compared by its labels, and those of two by their names. Labels that
    were dealt out anew name no class; a checkpoint's classes are those of its pretraining images,
    where they are given.
    """
    source, target = study.source_of(pair), study.tasks[pair.target]
    origin = facts.seen_task(source) if source.task is None else study.tasks[source.task]
    if origin is None or any("shuffled_labels" in task.alter for task in (origin, target)):
        return None
    ours, theirs = facts.of(target), facts.of(origin)
    by_name = ours.content != theirs.content
    members = _names if by_name else _labels
    targets, sources = members(target, ours), tuple(members(origin, theirs).values())
    known = frozenset().union(*sources)
    shared = {name: group for name, group in targets.items() if group & known}
    if not shared:
        return None
    return SharedClasses(
        pair=pair,
        names=tuple(shared),
        num_classes=len(targets),
        by_name=by_name,
        renamed=not by_name and any(group not in sources for group in shared.values()),
    )


def all_shared_classes(study: StudySpec, facts: Facts) -> tuple[SharedClasses, ...]:
    """Those of every pair that has any."""
    found = (shared_classes(study, facts, pair) for pair in study.pairs)
    return tuple(shared for shared in found if shared is not None)


def shared_class_warnings(study: StudySpec, facts: Facts) -> Iterator[str]:
    """A sentence for each pair with common classes, where its author may not know of them.

    No sentence for verdicts that will be withheld, which another warning says; for a study with a
    label map, whose author knows that the target's labels follow from the source's; and for class
    names of two data sets that are numbers, which may mean nothing.
    """
    mapped = any(isinstance(arm.strategy, LabelMap) for arm in study.arms)
    for shared in all_shared_classes(study, facts):
        known = shared.renamed and mapped
        if shared.is_clear and not known and not withheld_verdicts(study, facts, shared.pair):
            yield shared.sentence


def _labels(task: TaskSpec, known: DatasetFacts) -> dict[str, frozenset[str]]:
    """The data set's labels under each class of a task that has any."""
    groups = task.groups(known.classes).items()
    return {name: frozenset(map(str, group)) for name, group in groups if group}


def _names(task: TaskSpec, known: DatasetFacts) -> dict[str, frozenset[str]]:
    """The names under which the images of each class go: its own, and the data set's."""
    return {
        name: frozenset(map(_plain, (name, *(known.classes[index] for index in group)))) - {""}
        for name, group in task.groups(known.classes).items()
        if group
    }


def _plain(name: str) -> str:
    """A name without case, spaces, hyphens and underscores."""
    return "".join(
        letter for letter in name.casefold() if not letter.isspace() and letter not in "-_"
    )

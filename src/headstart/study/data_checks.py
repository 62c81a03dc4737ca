"""Checks of a study against its data: classes, splits, sizes, image shapes, heads."""

import json
from collections.abc import Iterator
from typing import Any

from headstart.core.errors import Problem, nearest
from headstart.core.names import in_a_row, quoted
from headstart.study.arms import SOURCE, LabelMap
from headstart.study.array_checks import float_problems
from headstart.study.base import HEAD
from headstart.study.checks import source_of, stage_problems
from headstart.study.dataset_facts import GREYS, DatasetFacts
from headstart.study.declared import DeclaredNetwork
from headstart.study.declared_facts import num_outputs, shape_problem
from headstart.study.decoding import CHANNELS, Colour
from headstart.study.depth_checks import depth_problems
from headstart.study.facts import Facts
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import NetworkFacts, Shape
from headstart.study.part_counts import held_out, part_counts, task_counts, test_counts
from headstart.study.partial_study import PartialStudy
from headstart.study.sizes import SizeSpec
from headstart.study.tasks import FOLDS, TaskSpec, class_index, known_classes

MOST_WRITTEN = 40  # classes that a problem writes out to be copied


def check_facts(parts: PartialStudy, facts: Facts) -> list[Problem]:
    """Problems that show only once the data is known: classes, counts, sizes, image shapes.

    Of a task that was read in part only its data set and classes count: how it splits is not known.
    """
    problems: list[Problem] = []
    tasks: dict[str, TaskSpec] = parts.get("tasks", {})
    sound: dict[str, TaskSpec] = {}
    rough: dict[str, int] = {}  # images of the data sets of tasks that were read in part
    for name, task in tasks.items():
        if not facts.knows(task):
            continue
        known = facts.of(task)
        repaired = name in parts.repaired.get("tasks", ())
        found = list(_classes(name, task, known)) or list(_untrained(name, task, known))
        if not found and not repaired:
            found += _split(name, task, known)
        problems += found
        if repaired:
            rough[name] = sum(known.train_counts)
        elif not found:
            sound[name] = task
    problems += group_problems(parts, sound, facts)
    problems += float_problems(parts, sound, facts)
    problems += depth_problems(sound, facts)
    problems += _sizes(parts, sound, facts)
    problems += _sizes_beyond(parts, rough)
    problems += _networks(parts, sound, facts)
    problems += _library_networks(parts, sound, facts)
    problems += _heads(parts, sound, facts)
    return problems


def _classes(name: str, task: TaskSpec, facts: DatasetFacts) -> Iterator[Problem]:
    where = f"tasks.{name}.classes"
    given: list[Any] = []
    if isinstance(task.classes, dict):
        given = [member for members in task.classes.values() for member in members]
        for label, members in task.classes.items():
            if not members:
                yield Problem(where=f"{where}.{label}", message="merges no class at all.")
    elif task.classes is not None:
        given = list(task.classes)
    indices: list[int] = []
    for member in given:
        try:
            indices.append(class_index(member, facts.classes))
        except LookupError:
            yield Problem(
                where=where,
                message=f"class {member!r} is not in '{task.dataset}'.",
                allowed=known_classes(facts.classes),
                fix=nearest(str(member), facts.classes),
            )
    for twice in sorted({index for index in indices if indices.count(index) > 1}):
        yield Problem(
            where=where,
            message=f"class '{facts.classes[twice]}' is listed twice.",
            fix="A class of the data set can belong to one class of the task only.",
        )
    if task.classes is not None and len(task.classes) == 1:
        yield Problem(where=where, message="is one class only.", fix="Give at least two classes.")


def _untrained(name: str, task: TaskSpec, facts: DatasetFacts) -> Iterator[Problem]:
    """A problem where a class has nothing to train on, as where labels begin at 1."""
    groups = task.groups(facts.classes)
    counts = dict(zip(groups, task_counts(task, facts), strict=True))
    empty = [label for label, count in counts.items() if not count and groups[label]]
    if not empty:
        return
    kept = [label for label in counts if label not in empty]
    plain = task.classes is None and len(kept) <= MOST_WRITTEN
    yield Problem(
        where=f"tasks.{name}.classes",
        message=f"{'classes' if len(empty) > 1 else 'class'} {in_a_row(quoted(empty))} of "
        f"'{task.dataset}' {'have' if len(empty) > 1 else 'has'} no training image.",
        allowed="Expected at least one of every class.",
        fix=f"Leave {'them' if len(empty) > 1 else 'it'} out: classes = "
        f"{json.dumps(kept, ensure_ascii=False) if plain else '[...]'}",
    )


def untested(task: TaskSpec, facts: DatasetFacts) -> tuple[str, ...]:
    """Classes of a task that are trained on and have no image in the published test part."""
    if task.split.test != "published" or not sum(facts.test_counts):
        return ()
    counts = zip(task_counts(task, facts), test_counts(task, facts), strict=True)
    names = task.groups(facts.classes)
    pairs = zip(names, counts, strict=True)
    return tuple(name for name, (train, test) in pairs if train and not test)


def group_problems(
    parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts
) -> Iterator[Problem]:
    """Groups that cannot be kept on one side, of a task or across the tasks of a pair."""
    for name, task in tasks.items():
        if task.split.group and task.split.validates and not sum(held_out(task, facts.of(task))):
            yield Problem(
                where=f"tasks.{name}.split.group",
                message="no class has two groups in the training part, so none can validate.",
                fix="Set validation = 0, or leave group out.",
            )
    for index, pair in parts.numbered("pairs"):
        names = (source_of(parts, pair).task, pair.target)
        source, target = (tasks.get(name or "") for name in names)
        if source is None or target is None or source.split.grouped == target.split.grouped:
            continue
        if facts.of(source).place == facts.of(target).place:
            yield Problem(
                where=f"pairs[{index}]",
                message="source and target are on one data set, and groups are split in two ways: "
                f"by {source.split.grouped or 'none'} and by {target.split.grouped or 'none'}.",
                allowed="Expected one split, so that no group is trained on by the one and tested "
                "by the other.",
                fix="Give both tasks the same split.",
            )


def _rarest(task: TaskSpec, facts: DatasetFacts) -> int:
    """Training images left of the class that has the fewest, about; if repeated, in any seed."""
    counts = task_counts(task, facts)
    if task.split.repeats:
        # Parts are in proportion up to an image.
        num, least = sum(counts), min(filter(None, counts))
        rest, kept = least - -(-least // FOLDS), num - task.split.num_test_cut(num)
        return rest - (rest * task.split.num_validation(kept) // kept + 1)
    if task.split.group:
        taken = held_out(task, facts)
        return min(one - out for one, out in zip(counts, taken, strict=True) if one)
    return int(min(filter(None, counts)) * part_counts(task, facts).num_train / sum(counts))


def _split(name: str, task: TaskSpec, facts: DatasetFacts) -> Iterator[Problem]:
    counts = [count for count in task_counts(task, facts) if count]
    left = part_counts(task, facts).num_train
    if left < len(counts):
        yield Problem(
            where=f"tasks.{name}.split",
            message=f"of {sum(counts)} images, validation ({task.split.validation:g}) and test "
            f"({task.split.test}) leave {max(left, 0)} for training.",
            allowed=f"Leave at least one image per class ({len(counts)}).",
        )
    few = [
        f"'{label}' has {count}"
        for label, count in zip(task.groups(facts.classes), task_counts(task, facts), strict=True)
        if 0 < count < FOLDS
    ]
    if task.split.repeats and few:
        yield Problem(
            where=f"tasks.{name}.split.test",
            message=f"'repeated' deals the images of every class to {FOLDS} test parts: "
            f"{', '.join(few)}.",
            allowed=f"Expected at least {FOLDS} images of every class.",
            fix="Add images, or leave these classes out with `classes`.",
        )


def _sizes(parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    for target in sorted({pair.target for pair in parts.get("pairs", ())}):
        if target not in tasks:
            continue
        task = tasks[target]
        counts = [count for count in task_counts(task, facts.of(task)) if count]
        left = part_counts(task, facts.of(task)).num_train
        rarest = _rarest(task, facts.of(task))
        for where, size in _every_size(parts):
            wanted = size.num_images(len(counts), left)
            too_deep = size.kind == "per_class" and size.value > rarest
            if too_deep or not len(counts) <= wanted <= left:
                yield Problem(
                    where=where,
                    message=f"'{size.label}' is {wanted} images, but task '{target}' has "
                    f"{len(counts)} classes and {left} training images "
                    f"({sum(counts) - left} more are kept for validation and test).",
                    allowed=f"From {len(counts)} (one per class) to {left}; per class up to "
                    f"{rarest}.",
                )


def _sizes_beyond(parts: PartialStudy, rough: dict[str, int]) -> Iterator[Problem]:
    """Sizes larger than a whole data set, whatever is taken from it."""
    for target in sorted({pair.target for pair in parts.get("pairs", ())} & rough.keys()):
        for where, size in _every_size(parts):
            if size.kind in ("count", "per_class") and size.value > rough[target]:
                yield Problem(
                    where=where,
                    message=f"'{size.label}' is more than the data set of task '{target}' has.",
                    allowed=f"Up to {rough[target]} images, less those for validation and test.",
                )


def _every_size(parts: PartialStudy) -> Iterator[tuple[str, SizeSpec]]:
    """The study's sizes, and those that arms have of their own."""
    for index, size in parts.numbered("sizes"):
        yield f"sizes[{index}]", size
    for index, arm in parts.numbered("arms"):
        if arm.size is not None:
            yield f"arms[{index}].size", arm.size


def _networks(parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    """Whether the images of each task make one array, and fit the networks that are given them."""
    reported: set[str] = set()
    for network, name in _uses(parts, tasks):
        task = tasks[name]
        shape = facts.shape(task, network)
        problem = None
        if shape is None:
            problem = _differing(name, task, facts.of(task), _partner(parts, tasks, facts, name))
        elif isinstance(network, DeclaredNetwork):
            classes = task.groups(facts.of(task).classes)
            problem = shape_problem(network, shape, len(classes))
        if problem and str(problem) not in reported:
            reported.add(str(problem))
            yield problem
    for index, pair in parts.numbered("pairs"):
        source = source_of(parts, pair)
        if source.task not in tasks or pair.target not in tasks:
            continue
        network = source.pretrained or parts.get("network")
        ours, theirs = (facts.shape(tasks[name], network) for name in (pair.target, source.task))
        if ours and theirs and ours != theirs:
            of_target = _alike(pair.target, tasks[pair.target], facts, ours, theirs)
            of_source = _alike(source.task, tasks[source.task], facts, theirs, ours)
            yield Problem(
                where=f"pairs[{index}]",
                message=f"source images are {theirs}, target images are {ours}.",
                allowed="Both tasks need images of one size and one number of channels.",
                fix=of_target or of_source,
            )


def _alike(name: str, task: TaskSpec, facts: Facts, own: Shape, other: Shape) -> str:
    """What to write so that the image files of a task become as those of another; '' for arrays."""
    if not facts.of(task).from_files:
        return ""
    given = task.image.model_dump(mode="json", exclude_defaults=True)
    if own[:2] != other[:2]:
        given["size"] = list(other[:2])
    if own[2] != other[2]:
        given["colour"] = _colour_of(other)
    written = ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items())
    return f"Write into [tasks.{name}]: image = {{ {written} }}"


def _colour_of(shape: Shape) -> Colour:
    return next(colour for colour, number in CHANNELS.items() if number == shape[2])


def _uses(
    parts: PartialStudy, tasks: dict[str, TaskSpec]
) -> Iterator[tuple[AnyNetwork | None, str]]:
    """Every network with every task whose images it is given; tasks of no pair as well."""
    used: set[str] = set()
    for pair in parts.get("pairs", ()):
        source = source_of(parts, pair)
        for name in (source.task, pair.target):
            if name in tasks:
                used.add(name)
                yield source.pretrained or parts.get("network"), name
    for name in tasks:
        if name not in used:
            yield parts.get("network"), name


def _library_networks(
    parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts
) -> Iterator[Problem]:
    """Stages and heads that arms ask of a library's network, which are known from its facts."""
    reported: set[str] = set()
    for pair in parts.get("pairs", ()):
        network = source_of(parts, pair).pretrained or parts.get("network")
        if pair.target not in tasks or network is None or isinstance(network, DeclaredNetwork):
            continue
        known = facts.known_network(network, tasks[pair.target])
        if known is None:
            continue
        problems = [*stage_problems(parts, known.stage_names)]
        problems += _unsolvable(parts, str(network), known)
        for problem in problems:
            if str(problem) not in reported:
                reported.add(str(problem))
                yield problem


def _unsolvable(parts: PartialStudy, name: str, facts: NetworkFacts) -> Iterator[Problem]:
    head = facts.linear_head
    if head is not None and head.bias is not None and len(facts.blocks[-1].shape_in) == 1:
        return
    for index, arm in parts.numbered("arms"):
        if arm.converges:
            yield Problem(
                where=f"arms[{index}].strategy.solver",
                message=f"'converged' solves a head that is one dense layer with a bias; that of "
                f"{name} is not.",
                fix="Leave solver out: the head is then trained for so many updates.",
            )


def _partner(
    parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts, name: str
) -> Shape | None:
    """Shape of the images that a task is in a pair with, where they have one."""
    for pair in parts.get("pairs", ()):
        source = source_of(parts, pair)
        others = {source.task: pair.target, pair.target: source.task}
        if name in others and others[name] in tasks:
            other = tasks[str(others[name])]
            return facts.shape(other, source.pretrained or parts.get("network"))
    return None


def _differing(name: str, task: TaskSpec, facts: DatasetFacts, like: Shape | None) -> Problem:
    """Image files that do not make one array, and how `image` of the task says what to make.

    `like` is the shape of the images that they are in a pair with.
    """
    assert facts.sizes is not None
    size = like[:2] if like else (64, 64)
    all_grey = all(mode in GREYS for mode in facts.modes)
    colour = _colour_of(like) if like else "grey" if all_grey else "rgb"
    found, fixes = [], []
    if not task.image.size and facts.common_size is None:
        (low, narrow), (high, wide) = facts.sizes
        found.append(f"are {low} to {high} rows high and {narrow} to {wide} columns wide")
        fixes.append(f"size = [{size[0]}, {size[1]}]")
    if not task.image.colour and facts.common_colour is None:
        found.append(f"have the colours {', '.join(facts.colours)}")
        fixes.append(f'colour = "{colour}"')
    return Problem(
        where=f"tasks.{name}.image",
        message=f"the image files {' and '.join(found)}.",
        allowed="Expected images of one size, all grey or all RGB.",
        fix=f"To convert all of them: `image = {{ {', '.join(fixes)} }}` in the task.",
    )


def _heads(parts: PartialStudy, tasks: dict[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    """A head that comes from the source must fit the target's classes."""
    for pair in parts.get("pairs", ()):
        source, network = source_of(parts, pair), parts.get("network")
        if source.task not in tasks or pair.target not in tasks or network is None:
            continue
        widths = []
        for task in (tasks[source.task], tasks[pair.target]):
            num_classes = len(task.groups(facts.of(task).classes))
            declared = isinstance(network, DeclaredNetwork)
            widths.append(num_outputs(network, num_classes) if declared else num_classes)
        if widths[0] == widths[1]:
            continue
        for index, arm in parts.numbered("arms"):
            if isinstance(arm.strategy, LabelMap):
                continue  # it answers with the source's own head
            for number, rule in enumerate(arm.start):
                if rule.origin == SOURCE and rule.last == HEAD:
                    yield Problem(
                        where=f"arms[{index}].start[{number}]",
                        message=f"takes the head of the source, which has {widths[0]} outputs; "
                        f"task '{pair.target}' needs {widths[1]}.",
                        fix="Leave the head out of the rule: it then starts fresh.",
                    )

"""What no single section can know: names that must agree, classes and sizes against the data."""

from collections.abc import Iterator
from typing import Any

from headstart.core.errors import Problem, nearest, unknown
from headstart.spec.arms import ORIGINS, SOURCE, ArmSpec, Freeze, LabelMap, Surgical
from headstart.spec.facts import DatasetFacts, Facts
from headstart.spec.network import HEAD
from headstart.spec.shapes import num_outputs, shape_problem
from headstart.spec.tasks import TaskSpec, class_index

Parts = dict[str, Any]
"""The sections of a study that could be read, by name."""


def check(parts: Parts) -> list[Problem]:
    """Problems between sections that need no data. Sections that could not be read are left out."""
    return [
        *_pairs(parts),
        *_arms(parts),
        *_repeats(parts),
        *_published(parts),
    ]


def check_facts(parts: Parts, facts: Facts) -> list[Problem]:
    """Problems that show only once the data is known: classes, counts, sizes, image shapes."""
    problems: list[Problem] = []
    tasks: dict[str, TaskSpec] = parts.get("tasks", {})
    sound: dict[str, TaskSpec] = {}
    for name, task in tasks.items():
        known = facts.get(str(task.data))
        if known is None:
            continue
        found = list(_classes(name, task, known)) or list(_split(name, task, known))
        problems += found
        if not found:
            sound[name] = task
    problems += _sizes(parts, sound, facts)
    problems += _networks(parts, sound, facts)
    problems += _heads(parts, sound, facts)
    return problems


def _pairs(parts: Parts) -> Iterator[Problem]:
    if "tasks" not in parts or "pairs" not in parts:
        return
    for index, pair in enumerate(parts["pairs"]):
        for role in ("source", "target"):
            name = getattr(pair, role)
            if name not in parts["tasks"]:
                yield unknown("task", name, parts["tasks"], where=f"pairs[{index}].{role}")
        names = [arm.name for arm in parts.get("arms", ())]
        for name in pair.arms or () if names else ():
            if name not in names:
                yield unknown("arm", name, names, where=f"pairs[{index}].arms")


def _arms(parts: Parts) -> Iterator[Problem]:
    if "arms" not in parts:
        return
    arms: tuple[ArmSpec, ...] = parts["arms"]
    names = [arm.name for arm in arms]
    if parts.get("control") not in names and "control" in parts:
        yield unknown("arm", parts["control"], names, where="control")
    stages = parts["network"].stage_names if "network" in parts else None
    for index, arm in enumerate(arms):
        where = f"arms[{index}]"
        if stages:
            yield from _stages_of(arm, stages, where)
        for origin in arm.origins:
            if origin not in ORIGINS and origin not in names:
                known = [*ORIGINS, *names]
                yield unknown("origin", origin, known, where=f"{where}.start")
        if arm.compute_of is not None and arm.compute_of not in names:
            yield unknown("arm", arm.compute_of, names, where=f"{where}.compute_of")
        if arm.name in _reached(arm, arms):
            yield Problem(
                where=f"{where}.{'start' if arm.compute_of is None else 'compute_of'}",
                message=f"arm '{arm.name}' starts, directly or in turn, from itself.",
                fix="Break the circle: let one of these arms start fresh or from the source.",
            )


def _published(parts: Parts) -> Iterator[Problem]:
    if "arms" not in parts or "pairs" not in parts:
        return
    names = ["source", *(arm.name for arm in parts["arms"])]
    for index, figure in enumerate(parts.get("published", ())):
        where = f"published[{index}]"
        if figure.arm and figure.arm not in names:
            yield unknown("arm", figure.arm, names, where=f"{where}.arm")
        if figure.pair >= len(parts["pairs"]):
            yield Problem(
                where=f"{where}.pair",
                message=f"there is no pair {figure.pair}.",
                allowed=f"From 0 to {len(parts['pairs']) - 1}.",
            )


def _stages_of(arm: ArmSpec, stages: tuple[str, ...], where: str) -> Iterator[Problem]:
    cuts = stages[:-1]
    if isinstance(arm.strategy, Freeze) and arm.strategy.cut not in cuts:
        yield unknown("cut", arm.strategy.cut, cuts, where=f"{where}.strategy.cut")
    if isinstance(arm.strategy, Surgical):
        for end in ("first", "last"):
            name = getattr(arm.strategy, end)
            if name not in stages:
                yield unknown("stage", name, stages, where=f"{where}.strategy.{end}")
        yield from _turned(arm.strategy.first, arm.strategy.last, stages, f"{where}.strategy")
    for number, rule in enumerate(arm.start):
        place = f"{where}.start[{number}]"
        for end in ("first", "last"):
            name = getattr(rule, end)
            if name is not None and name not in stages:
                yield unknown("stage", name, stages, where=f"{place}.{end}")
        yield from _turned(rule.first or stages[0], rule.last or cuts[-1], stages, place)


def _turned(first: str, last: str, stages: tuple[str, ...], where: str) -> Iterator[Problem]:
    """A run of stages whose ends are the wrong way round holds no stage at all."""
    if {first, last} <= set(stages) and stages.index(first) > stages.index(last):
        yield Problem(
            where=where,
            message=f"covers no stage: '{first}' comes after '{last}'.",
            allowed=f"From stem to head: {', '.join(stages)}.",
            fix="A start's 'last' that is left open is the last stage before the head.",
        )


def _reached(arm: ArmSpec, arms: tuple[ArmSpec, ...]) -> set[str]:
    """Names of the arms that `arm` starts from or is measured by, directly or in turn."""
    by_name = {a.name: a for a in arms}
    reached: set[str] = set()
    ahead = _needed(arm)
    while ahead:
        name = ahead.pop()
        if name in by_name and name not in reached:
            reached.add(name)
            ahead += _needed(by_name[name])
    return reached


def _needed(arm: ArmSpec) -> list[str]:
    return [*arm.origins, *([arm.compute_of] if arm.compute_of is not None else [])]


def _repeats(parts: Parts) -> Iterator[Problem]:
    for section, text in (
        ("arms", lambda arm: arm.name),
        ("sizes", lambda size: size.label),
        ("seeds", str),
    ):
        said = [text(item) for item in parts.get(section, ())]
        for twice in sorted({item for item in said if said.count(item) > 1}):
            yield Problem(where=section, message=f"'{twice}' is listed twice.", fix="Remove one.")


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
                allowed=f"Known: {', '.join(facts.classes)} (or 0 to {len(facts.classes) - 1}).",
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


def task_counts(task: TaskSpec, facts: DatasetFacts) -> tuple[int, ...]:
    """Published training images of each class of the task, before validation is taken out."""
    groups = task.groups(facts.classes).values()
    return tuple(sum(facts.train_counts[index] for index in group) for group in groups)


def _split(name: str, task: TaskSpec, facts: DatasetFacts) -> Iterator[Problem]:
    counts = [count for count in task_counts(task, facts) if count]
    left = task.split.num_left(sum(counts))
    if left < len(counts):
        yield Problem(
            where=f"tasks.{name}.split",
            message=f"of {sum(counts)} images, validation ({task.split.validation:g}) and test "
            f"({task.split.test}) leave {max(left, 0)} for training.",
            allowed=f"Leave at least one image per class ({len(counts)}).",
        )


def _sizes(parts: Parts, tasks: dict[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    for target in sorted({pair.target for pair in parts.get("pairs", ())}):
        if target not in tasks:
            continue
        task = tasks[target]
        counts = [count for count in task_counts(task, facts[str(task.data)]) if count]
        left = task.split.num_left(sum(counts))
        for index, size in enumerate(parts.get("sizes", ())):
            wanted = size.num_images(len(counts), left)
            rarest = int(min(counts) * left / sum(counts))
            too_deep = size.kind == "per_class" and size.value > rarest
            if too_deep or not len(counts) <= wanted <= left:
                yield Problem(
                    where=f"sizes[{index}]",
                    message=f"'{size.label}' is {wanted} images, but task '{target}' has "
                    f"{len(counts)} classes and {left} training images "
                    f"({sum(counts) - left} more are kept for validation and test).",
                    allowed=f"From {len(counts)} (one per class) to {left}; per class up to "
                    f"{rarest}.",
                )


def _networks(parts: Parts, tasks: dict[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    if "network" not in parts:
        return
    seen: set[str] = set()
    for task in tasks.values():
        groups = task.groups(facts[str(task.data)].classes)
        problem = shape_problem(parts["network"], facts[str(task.data)].shape, len(groups))
        if problem and str(problem) not in seen:
            seen.add(str(problem))
            yield problem
    for index, pair in enumerate(parts.get("pairs", ())):
        if pair.source not in tasks or pair.target not in tasks:
            continue
        shapes = [facts[str(tasks[name].data)].shape for name in (pair.source, pair.target)]
        if shapes[0] != shapes[1]:
            yield Problem(
                where=f"pairs[{index}]",
                message=f"source images are {shapes[0]}, target images are {shapes[1]}.",
                fix="Both tasks need images of one size and one number of channels.",
            )


def _heads(parts: Parts, tasks: dict[str, TaskSpec], facts: Facts) -> Iterator[Problem]:
    """A head that comes from the source must fit the target's classes."""
    if "network" not in parts:
        return
    network = parts["network"]
    for pair in parts.get("pairs", ()):
        if pair.source not in tasks or pair.target not in tasks:
            continue
        widths = []
        for task in (tasks[pair.source], tasks[pair.target]):
            num_classes = len(task.groups(facts[str(task.data)].classes))
            widths.append(num_outputs(network, num_classes))
        if widths[0] == widths[1]:
            continue
        for index, arm in enumerate(parts.get("arms", ())):
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

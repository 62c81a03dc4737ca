"""Checks between sections of a study: names that must agree. Needs no data."""

from collections.abc import Iterator
from typing import Any

from headstart.core.errors import Problem, unknown
from headstart.study.arms import NAMED_ARMS, ORIGINS, SOURCE, ArmSpec, Freeze, LabelMap, Surgical
from headstart.study.base import HEAD
from headstart.study.declared import DeclaredNetwork
from headstart.study.partial_study import PartialStudy
from headstart.study.sources import SourceSpec
from headstart.study.split_checks import repeated_problems


def check(parts: PartialStudy) -> list[Problem]:
    """Problems between sections that need no data.

    What could not be read is left out, and nothing is reported that only follows from it.
    """
    return [
        *_pairs(parts),
        *_sources(parts),
        *_tasks(parts),
        *_arms(parts),
        *_sizes_named(parts),
        *_measured(parts),
        *_penalised(parts),
        *_repeats(parts),
        *repeated_problems(parts),
        *_published(parts),
        *_tuned(parts),
        *_looked_at(parts),
    ]


def _pairs(parts: PartialStudy) -> Iterator[Problem]:
    if "tasks" not in parts or "pairs" not in parts:
        return
    tasks = [*parts["tasks"], *map(str, parts.unread.get("tasks", ()))]
    sources = [*parts.get("sources", ()), *map(str, parts.unread.get("sources", ()))]
    for index, pair in parts.numbered("pairs"):
        if pair.source not in [*tasks, *sources]:
            what, known = ("source", [*sources, *tasks]) if sources else ("task", tasks)
            yield unknown(what, pair.source, known, where=f"pairs[{index}].source")
        if pair.target not in tasks:
            yield unknown("task", pair.target, tasks, where=f"pairs[{index}].target")
        for name in pair.arms or ():
            yield from _unknown_arm(parts, name, f"pairs[{index}].arms")
        if pair.arms is not None and parts.get("control", pair.arms[0]) not in pair.arms:
            yield Problem(
                where=f"pairs[{index}].arms",
                message=f"leaves out the control, '{parts['control']}'.",
                fix="Add it: without it nothing can be compared.",
            )


def _sources(parts: PartialStudy) -> Iterator[Problem]:
    """Checks of sources: their tasks, and a network where none brings its own."""
    tasks = [*parts.get("tasks", ()), *map(str, parts.unread.get("tasks", ()))]
    for name, source in parts.get("sources", {}).items():
        if source.task is not None and "tasks" in parts and source.task not in tasks:
            yield unknown("task", source.task, tasks, where=f"sources.{name}.task")
        if name in tasks and source.task != name:
            yield Problem(
                where=f"sources.{name}",
                message=f"a task is named '{name}' too.",
                fix="Give one of them another name.",
            )
    pairs = parts.get("pairs", ())
    pretrained = [pair for pair in pairs if source_of(parts, pair).pretrained is not None]
    needs_network = len(pretrained) < len(pairs)
    missing = "network" in parts and parts["network"] is None
    if missing and (needs_network or not (pairs or parts.get("sources"))):
        yield Problem(
            where="network",
            message="is missing.",
            fix='Name one (network = "cnn-tiny") or write [network] with stages.',
        )
    if parts.get("network") is not None and pretrained and not needs_network:
        yield Problem(
            where="network",
            message="is not used: every source is pretrained and brings its own network.",
            fix="Leave network out.",
        )
    if pretrained:
        yield from _from_checkpoints(parts)


def _from_checkpoints(parts: PartialStudy) -> Iterator[Problem]:
    """Checks of pretrained sources: what needs a source run cannot be asked of them."""
    for index, arm in parts.numbered("arms"):
        if isinstance(arm.strategy, LabelMap):
            yield Problem(
                where=f"arms[{index}]",
                message=f"arm '{arm.name}' reads the target's class off the source's classes, "
                "which are not known of a pretrained source.",
                fix="Leave this arm out.",
            )
        for number, rule in enumerate(arm.start):
            if rule.origin == SOURCE and rule.last == HEAD and arm.trains:
                yield Problem(
                    where=f"arms[{index}].start[{number}]",
                    message="takes the head of the source, but a pretrained source gives its trunk "
                    "only.",
                    fix="Leave the head out of the rule: it then starts fresh.",
                )
        if arm.compute_of is not None:
            yield Problem(
                where=f"arms[{index}].compute_of",
                message="counts the operations of the source's training, which are not known of a "
                "pretrained source.",
                fix="Leave this arm out, or give it a training of its own.",
            )
    if parts.get("forgetting"):
        yield Problem(
            where="forgetting",
            message="needs the source's own head and test images, which are not known of a "
            "pretrained source.",
            fix="Leave forgetting out.",
        )


def _tasks(parts: PartialStudy) -> Iterator[Problem]:
    for name, task in parts.get("tasks", {}).items():
        if task.labels == "original" and isinstance(task.classes, dict):
            yield Problem(
                where=f"tasks.{name}.labels",
                message="'original' labels cannot be merged under new names.",
                fix="Give classes as a list, or leave labels out.",
            )
        if task.split.drop_last and task.split.test == "published":
            yield Problem(
                where=f"tasks.{name}.split.drop_last",
                message="drops images of a test part cut off the training part, but the test part "
                "is the published one.",
                fix="Give test as a share, or leave drop_last out.",
            )


def source_of(parts: PartialStudy, pair: Any) -> SourceSpec:
    """The source of a pair; a name that is none of the sources is that of a task."""
    found: SourceSpec | None = parts.get("sources", {}).get(pair.source)
    return SourceSpec(task=pair.source) if found is None else found


def _sizes_named(parts: PartialStudy) -> Iterator[Problem]:
    """Sizes that arms and the sweep are kept to must be sizes of the study."""
    if not parts.whole("sizes"):
        return
    labels = [size.label for size in parts["sizes"]]
    kept = [
        (f"arms[{index}].only_at", size.label)
        for index, arm in parts.numbered("arms")
        for size in arm.only_at or ()
    ]
    if parts.get("cuts") is not None and parts["cuts"].size is not None:
        kept.append(("cuts.size", parts["cuts"].size.label))
    for where, label in kept:
        if label not in labels:
            yield Problem(
                where=where,
                message=f"'{label}' is not among the study's sizes.",
                allowed=f"Sizes: {', '.join(labels)}.",
                fix="Add it to sizes.",
            )


def _measured(parts: PartialStudy) -> Iterator[Problem]:
    """The best weights are picked on validation, so there must be some."""
    tasks = parts.get("tasks", {})
    for index, pair in parts.numbered("pairs"):
        for role, section in (
            (pair.target, "training"),
            (source_of(parts, pair).task, "source_training"),
        ):
            if section not in parts:
                continue  # broken: what it says of this is not known
            training = parts.get(section) or parts.get("training")
            task = tasks.get(role)
            if task is None or training is None or training.keep == "last":
                continue
            if not task.split.validates:
                yield Problem(
                    where=f"{section}.keep",
                    message=f"'best' is picked on validation images, but task '{role}' "
                    f"(pairs[{index}]) has none.",
                    fix='Give the task validation images, or set keep = "last".',
                )


def _arms(parts: PartialStudy) -> Iterator[Problem]:
    if "arms" not in parts:
        return
    arms: tuple[ArmSpec, ...] = parts["arms"]
    if "control" in parts:
        yield from _unknown_arm(parts, parts["control"], "control")
    network = parts.get("network")
    stages = network.stage_names if isinstance(network, DeclaredNetwork) else None
    if stages is not None:
        yield from _swept(parts, stages)
    for index, arm in parts.numbered("arms"):
        where = f"arms[{index}]"
        if stages is not None:
            yield from _stages_of(arm, stages, where)
        for origin in arm.origins:
            yield from _unknown_arm(parts, origin, f"{where}.start", "origin", ORIGINS)
        if arm.compute_of is not None:
            yield from _unknown_arm(parts, arm.compute_of, f"{where}.compute_of")
        yield from _untrained(arm, arms, where)
        yield from _solved(arm, arms, where)
        if arm.name in _reached(arm, arms):
            yield Problem(
                where=f"{where}.{'start' if arm.compute_of is None else 'compute_of'}",
                message=f"arm '{arm.name}' starts, directly or in turn, from itself.",
                fix="Break the circle: let one of these arms start fresh or from the source.",
            )


def _unknown_arm(
    parts: PartialStudy, name: str, where: str, what: str = "arm", others: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """A problem where no arm is called so, nor any that could not be read is meant to be."""
    if "arms" not in parts:
        return
    unread = list(parts.unread.get("arms", {}).values())
    unread_names = [given["name"] for given in unread if isinstance(_given_name(given), str)]
    names = [*others, *(arm.name for arm in parts["arms"]), *unread_names]
    if name not in names and not any(_may_be(name, given) for given in unread):
        yield unknown(what, name, names, where=where)


def _given_name(given: Any) -> Any:
    return given.get("name") if isinstance(given, dict) else None


def _may_be(name: str, given: Any) -> bool:
    """Whether what could not be read as an arm may be meant to be the arm of that name."""
    if isinstance(given, str):
        return name in NAMED_ARMS
    # A name that is missing may also be under a key that is misspelt.
    return not isinstance(_given_name(given), str)


def _untrained(arm: ArmSpec, arms: tuple[ArmSpec, ...], where: str) -> Iterator[Problem]:
    """An arm that trains nothing has no weights to give and no budget to stretch."""
    if isinstance(arm.strategy, LabelMap) and arm.compute_of is not None:
        yield Problem(
            where=f"{where}.compute_of",
            message=f"arm '{arm.name}' trains nothing, so no budget can be matched.",
            fix="Leave compute_of out.",
        )
    still = {other.name for other in arms if isinstance(other.strategy, LabelMap)}
    for origin in arm.origins:
        if origin in still:
            yield Problem(
                where=f"{where}.start",
                message=f"arm '{origin}' trains nothing, so it has no weights to start from.",
                fix="Start from 'source'.",
            )


def _solved(arm: ArmSpec, arms: tuple[ArmSpec, ...], where: str) -> Iterator[Problem]:
    """A head that is solved to convergence needs frozen features and has no budget."""
    if arm.converges and arm.frozen == "train":
        yield Problem(
            where=f"{where}.frozen",
            message="is 'train', but a head is solved to convergence on features that stay still.",
            allowed="With solver 'converged': 'eval'.",
            fix="Leave frozen out, or leave solver out of the strategy.",
        )
    converged = [other.name for other in arms if other.converges]
    if arm.compute_of is not None and (arm.converges or arm.compute_of in converged):
        solved = arm.name if arm.converges else arm.compute_of
        yield Problem(
            where=f"{where}.compute_of",
            message=f"arm '{solved}' is solved to convergence, so its budget cannot be matched.",
            fix="Leave compute_of out.",
        )


def _penalised(parts: PartialStudy) -> Iterator[Problem]:
    """The penalty of a converged head is picked on validation, so there must be some."""
    tasks = parts.get("tasks", {})
    for index, arm in parts.numbered("arms"):
        for pair in parts.get("pairs", ()):
            task = tasks.get(pair.target)
            taken = pair.arms is None or arm.name in pair.arms
            if task is None or not (arm.converges and taken):
                continue
            if task.split.by != "test" and task.split.validation == 0:
                yield Problem(
                    where=f"arms[{index}].strategy.solver",
                    message="'converged' picks its penalty on validation images, but task "
                    f"'{pair.target}' has none.",
                    fix="Give the task validation images, or leave solver out.",
                )


def _published(parts: PartialStudy) -> Iterator[Problem]:
    if "arms" not in parts or "pairs" not in parts:
        return
    num_pairs = len(parts["pairs"]) + len(parts.unread.get("pairs", ()))
    for index, figure in parts.numbered("published"):
        where = f"published[{index}]"
        if figure.arm:
            yield from _unknown_arm(parts, figure.arm, f"{where}.arm", others=("source",))
        if figure.pair >= num_pairs:
            yield Problem(
                where=f"{where}.pair",
                message=f"there is no pair {figure.pair}.",
                allowed=f"From 0 to {num_pairs - 1}.",
            )


def stage_problems(parts: PartialStudy, stages: tuple[str, ...]) -> Iterator[Problem]:
    """Problems of stages that arms and the cut sweep name, in a network of these stages."""
    for index, arm in parts.numbered("arms"):
        yield from _stages_of(arm, stages, f"arms[{index}]")
    yield from _swept(parts, stages)


def _swept(parts: PartialStudy, stages: tuple[str, ...]) -> Iterator[Problem]:
    sweep = parts.get("cuts")
    for name in (sweep.at or ()) if sweep is not None else ():
        if name not in stages[:-1]:
            yield unknown("cut", name, stages[:-1], where="cuts.at")


def _stages_of(arm: ArmSpec, stages: tuple[str, ...], where: str) -> Iterator[Problem]:
    cuts = stages[:-1]
    if isinstance(arm.strategy, Freeze) and arm.strategy.cut not in cuts:
        yield unknown("cut", arm.strategy.cut, cuts, where=f"{where}.strategy.cut")
    if isinstance(arm.strategy, Surgical):
        for end in ("first", "last"):
            name = getattr(arm.strategy, end)
            if name not in stages:
                yield unknown("stage", name, stages, where=f"{where}.strategy.{end}")
        yield from _reordered(arm.strategy.first, arm.strategy.last, stages, f"{where}.strategy")
    for number, rule in enumerate(arm.start):
        place = f"{where}.start[{number}]"
        for end in ("first", "last"):
            name = getattr(rule, end)
            if name is not None and name not in stages:
                yield unknown("stage", name, stages, where=f"{place}.{end}")
        yield from _reordered(rule.first or stages[0], rule.last or cuts[-1], stages, place)


def _reordered(first: str, last: str, stages: tuple[str, ...], where: str) -> Iterator[Problem]:
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


def _repeats(parts: PartialStudy) -> Iterator[Problem]:
    for section, text in (
        ("arms", lambda arm: arm.name),
        ("sizes", lambda size: size.label),
        ("seeds", str),
        ("pairs", lambda pair: f"{pair.source} -> {pair.target}"),
    ):
        said = [text(item) for item in parts.get(section, ())]
        if section == "arms" and parts.get("cuts") is not None:
            network = parts.get("network")
            declared = network.cuts if isinstance(network, DeclaredNetwork) else ()
            said += parts["cuts"].names(parts["cuts"].at or declared)
        for twice in sorted({item for item in said if said.count(item) > 1}):
            yield Problem(where=section, message=f"'{twice}' is listed twice.", fix="Remove one.")


def _tuned(parts: PartialStudy) -> Iterator[Problem]:
    """Learning rates are chosen on validation, from one grid, on a seed that is no evidence."""
    training, source = parts.get("training"), parts.get("source_training")
    for index, arm in parts.numbered("arms"):
        other = arm.training
        if other is not None and training is not None and other.rates not in ((), training.rates):
            yield Problem(
                where=f"arms[{index}].training.rates",
                message="is another grid than the study's.",
                fix="All arms choose from the same learning rates: leave it out, or write them.",
            )
    pretraining = (source or training) if "source_training" in parts else None
    tasks = parts.get("tasks", {})
    for index, pair in parts.numbered("pairs"):
        for name, asked in ((pair.target, training), (source_of(parts, pair).task, pretraining)):
            task = tasks.get(name)
            if task is not None and asked is not None and asked.rates and not task.split.validates:
                yield Problem(
                    where="source_training.rates" if asked is source else "training.rates",
                    message=f"are chosen on validation images, but task '{name}' "
                    f"(pairs[{index}]) has none.",
                    fix="Give the task validation images, or one 'lr' instead of rates.",
                )
    planned = range(max(parts.get("looks", ()), default=0))
    if "seeds" in parts and parts.get("pilot_seed") in (*parts["seeds"], *planned):
        yield Problem(
            where="pilot_seed",
            message=f"{parts['pilot_seed']} is one of the seeds.",
            fix="Learning rates and margin must be settled on a seed that is no evidence.",
        )


def _looked_at(parts: PartialStudy) -> Iterator[Problem]:
    looks = parts.get("looks", ())
    if parts.get("minutes") is not None and not looks and parts.whole("looks"):
        yield Problem(
            where="minutes",
            message="is the time for further seeds, and this study has a fixed number of them.",
            fix='Write seeds = "auto" (--seeds auto), or leave minutes out.',
        )
    if not looks or not parts.whole("seeds"):
        return
    if list(looks) != sorted(set(looks)):
        yield Problem(where="looks", message=f"{list(looks)} is not in ascending order.")
    if parts["seeds"] != tuple(range(looks[0])):
        yield Problem(
            where="seeds",
            message="does not agree with looks, whose first "
            f"is at {looks[0]} seeds (0 to {looks[0] - 1}).",
            fix=f"Write seeds = {looks[0]}, or leave looks out.",
        )

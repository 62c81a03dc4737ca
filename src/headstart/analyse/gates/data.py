"""Gates of the data: shared images, relabelling, splits, statistics, controls."""

from collections.abc import Iterator

import numpy as np

from headstart.analyse.gates.kinds import Finding, GateSpec, Seen, named
from headstart.analyse.records import OverlapRecord, Record
from headstart.core.hashing import Json
from headstart.spec.arms import LabelMap

MOST_LEAKED = 0.5  # of the test images; beyond this the clean rest is no fair sample
MOST_CLOSER = 0.005  # of the test images left; 0.001 are expected
LEAST_SHARED = 0.1  # of the target's training images; below this they are stray duplicates


def _same_task(seen: Seen) -> Iterator[Finding]:
    for (source, target), found in seen.overlaps.items():
        told = found.result
        if _share(told) >= LEAST_SHARED and told["same_labels"]:
            yield Finding(
                message=f"source '{source}' and target '{target}' are the same task: "
                f"{told['shared_train']:,} of the target's {told['num_target']:,} training images "
                "are the source's, with the same classes. This is more training, not transfer.",
                cells=seen.cells_of_pair(source, target),
            )
        if len(found.leaked) > MOST_LEAKED * told["num_test"]:
            yield Finding(
                message=f"{len(found.leaked):,} of {told['num_test']:,} test images of '{target}' "
                f"were trained on{_inexact(told['leaked_inexact'])}.",
                cells=seen.cells_of_pair(source, target),
            )


def _share(told: Json) -> float:
    """The share of the target's training images that the source has as well."""
    return float(told["shared_train"] / told["num_target"])


def _relabelling(seen: Seen) -> Iterator[Finding]:
    for (source, target), found in seen.overlaps.items():
        told = found.result
        renamed = told["label_function"] and not told["same_labels"]
        if _share(told) >= LEAST_SHARED and renamed:
            yield Finding(
                message=f"'{target}' only renames the classes of '{source}' on the same images "
                f"({told['shared_train']:,} shared): this is relabelling, not transfer. Give "
                "source and target different images.",
                cells=seen.cells_of_pair(source, target),
            )


def _inexact(number: int) -> str:
    """How many of the images just told are not the same byte for byte."""
    return f"; {number:,} of them not byte for byte" if number else ""


def _leaks(seen: Seen) -> Iterator[Finding]:
    for (source, target), found in seen.overlaps.items():
        cells = seen.cells_of_pair(source, target)
        for message in _leaks_of(source, target, found):
            yield Finding(message=message, cells=cells)


def _leaks_of(source: str, target: str, found: OverlapRecord) -> Iterator[str]:
    told = found.result
    if 0 < len(found.leaked) <= MOST_LEAKED * told["num_test"]:
        yield (
            f"{len(found.leaked):,} of {told['num_test']:,} test images of '{target}' are also "
            f"training images ({told['leaked_from_source']:,} of the source's, "
            f"{told['leaked_from_target']:,} of the target's"
            f"{_inexact(told['leaked_inexact'])}): left out of all scores."
        )
    many = _share(told) >= LEAST_SHARED
    telling = many and told["label_function"]  # the gates of the whole pair tell it
    inexact = told["shared_train_inexact"]
    # A few that are only alike may well be other images of two sets of the same kind.
    if (many or told["shared_train"] > inexact) and not telling:
        yield (
            f"{told['shared_train']:,} training images of '{target}' are also training images "
            f"of '{source}'{_inexact(inexact)}."
        )
    if told["shared_validation"]:
        yield (
            f"{told['shared_validation']:,} validation images of '{target}' are training images "
            f"of '{source}'."
        )
    if told["own_validation"]:
        yield (
            f"{told['own_validation']:,} validation images of '{target}' are, or all but are, "
            "among its training images: what is selected by validation looks too good."
        )
    closeness = told["closeness"]
    if closeness and closeness["above"] > MOST_CLOSER:
        yield (
            f"{100 * closeness['above']:.1f} % of the other test images of '{target}' are closer "
            "to a training image than 99.9 % of the training images are to each other: there may "
            "be copies that were not found."
        )


def _test_untouched(seen: Seen) -> Iterator[Finding]:
    for pair in seen.study.pairs:
        if seen.study.tasks[pair.target].split.by == "test":
            yield Finding(
                message=f"validation images of '{pair.target}' are its test images.",
                cells=seen.cells_of_pair(pair.source, pair.target),
            )


def _statistics(seen: Seen) -> Iterator[Finding]:
    spec = seen.study.preprocessing
    taking = [arm.name for arm in seen.study.all_arms if arm.transfers]
    if spec.standardise == "none" or spec.statistics == "source" or not taking:
        return
    whose = "each arm's own images" if spec.statistics == "own" else "all images of the task"
    yield Finding(
        message=f"inputs are standardised by {whose}, but the trunk of {', '.join(taking)} has "
        "learnt on the source's statistics."
    )


def _splits(seen: Seen) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        return any(r.result["num_images"] != record.trial.num_images for r in record.train_rows)

    if cells := seen.cells_where(wrong):
        yield Finding(
            message=f"{named(cells)} were not trained on the number of images planned.",
            cells=cells,
        )
    for name, task in seen.study.tasks.items():
        if task.split.drop_last:
            yield Finding(
                message=f"the last {task.split.drop_last} of the test images of '{name}' "
                "are dropped."
            )


def _dead_outputs(seen: Seen) -> Iterator[Finding]:
    for name, task in seen.study.tasks.items():
        groups = task.groups(seen.facts[str(task.data)].classes).values()
        used = sum(1 for group in groups if group)
        if used < len(groups):
            yield Finding(
                message=f"the head for '{name}' has {len(groups)} outputs for {used} classes."
            )


def _same_test(seen: Seen) -> Iterator[Finding]:
    first: dict[str, np.ndarray] = {}
    wrong = set()
    for cell, record in seen.each():
        labels = first.setdefault(cell[1], record.labels)
        if not np.array_equal(labels, record.labels):
            wrong.add(cell)
    if wrong:
        yield Finding(
            message=f"{named(wrong)} were scored on other test images.", cells=frozenset(wrong)
        )


def _controls(seen: Seen) -> Iterator[Finding]:
    control = seen.arm(seen.study.control)
    if control.origins:
        yield Finding(
            message=f"the control, {control.name}, does not start from scratch: nothing shows what "
            "the target reaches without the source."
        )
    fresh_and_frozen = any(
        not arm.origins and arm.strategy.kind == "probe" for arm in seen.study.arms
    )
    if not fresh_and_frozen:
        yield Finding(
            message="no random-trunk control: a gain cannot be put down to what the source learnt."
        )
    mapped = any(isinstance(arm.strategy, LabelMap) for arm in seen.study.arms)
    relabelled = any(
        _share(found.result) >= LEAST_SHARED and found.result["label_function"]
        for found in seen.overlaps.values()
    )
    if relabelled and not mapped:
        yield Finding(
            message="no label-map control, though the target's labels follow from the source's."
        )


DATA_GATES: tuple[GateSpec, ...] = (
    GateSpec(
        id="CHK-01",
        title="Source and target are different tasks",
        severity="invalid",
        good="Source and target are not the same images with the same classes.",
        look=_same_task,
    ),
    GateSpec(
        id="CHK-01-leaks",
        title="No shared images",
        severity="caveat",
        good="No test or validation image of the target is a training image or all but one.",
        look=_leaks,
    ),
    GateSpec(
        id="CHK-02",
        title="The target is no relabelling",
        severity="invalid",
        good="On shared images, if any, the target's labels do not follow from the source's.",
        look=_relabelling,
    ),
    GateSpec(
        id="CHK-10",
        title="Test images are touched once",
        severity="invalid",
        good="Selection saw validation images only; test images were opened by the last step.",
        look=_test_untouched,
    ),
    GateSpec(
        id="CHK-11",
        title="Statistics travel with the trunk",
        severity="caveat",
        good="Inputs were prepared as the source's were.",
        look=_statistics,
    ),
    GateSpec(
        id="CHK-12",
        title="Splits conserve images",
        severity="invalid",
        good="Every trial trained on exactly the images planned; none were dropped.",
        look=_splits,
    ),
    GateSpec(
        id="CHK-13",
        title="Heads fit their classes",
        severity="caveat",
        good="Labels run from 0 without gaps; every output has a class.",
        look=_dead_outputs,
    ),
    GateSpec(
        id="CHK-16",
        title="Same test images for all arms",
        severity="invalid",
        good="All arms of a target were scored on the same test images, once per trial.",
        look=_same_test,
    ),
    GateSpec(
        id="CHK-21",
        title="Controls present",
        severity="caveat",
        good="The control starts from scratch; a random-trunk control is part of the study.",
        look=_controls,
    ),
)

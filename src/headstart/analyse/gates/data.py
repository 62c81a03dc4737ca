"""Gates of the data: shared images, relabelling, splits, statistics, controls."""

from collections.abc import Iterator

import numpy as np

from headstart.analyse.analysis import Role
from headstart.analyse.attribution import expected_of, role_of
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, named
from headstart.analyse.records import OverlapRecord, Record
from headstart.analyse.sentences import remedy
from headstart.analyse.tasks import task_facts
from headstart.analyse.text import listed
from headstart.core.hashing import Json
from headstart.study.leak_preview import LEAST_SHARED

MOST_LEAKED = 0.5  # of the test images; beyond this the clean rest is no fair sample
MOST_CLOSER = 0.005  # of the test images left; 0.001 are expected


def _same_task(seen: Evidence) -> Iterator[Finding]:
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


def _relabelling(seen: Evidence) -> Iterator[Finding]:
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


def _leaks(seen: Evidence) -> Iterator[Finding]:
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


def _test_untouched(seen: Evidence) -> Iterator[Finding]:
    for pair in seen.study.pairs:
        if seen.study.tasks[pair.target].split.by == "test":
            yield Finding(
                message=f"validation images of '{pair.target}' are its test images.",
                cells=seen.cells_of_pair(pair.source, pair.target),
            )


def _statistics(seen: Evidence) -> Iterator[Finding]:
    spec = seen.study.preprocessing
    taking = [arm.name for arm in seen.study.all_arms if arm.transfers]
    if spec.standardise not in ("channel", "pixel") or spec.statistics == "source" or not taking:
        return
    whose = "each arm's own images" if spec.statistics == "own" else "all images of the task"
    yield Finding(
        message=f"inputs are standardised by {whose}, but the trunk of {', '.join(taking)} has "
        "learnt on the source's statistics."
    )


def _splits(seen: Evidence) -> Iterator[Finding]:
    tasks = {task.name: task for task in task_facts(seen.study, seen.facts)}

    def wrong(record: Record) -> bool:
        rows, planned = [row.result for row in record.train_rows], tasks[record.trial.target]
        return any(
            row["num_images"] != record.trial.num_images
            or row["num_validation"] != planned.num_validation
            for row in rows
        )

    if cells := seen.cells_where(wrong):
        yield Finding(
            message=f"{named(cells)} were not trained on the number of images planned, or not "
            "validated on it.",
            cells=cells,
        )

    def untested(record: Record) -> bool:
        tested = len(record.labels) + record.tested_on["left_out"]
        return bool(tested != tasks[record.trial.target].num_test)

    if cells := frozenset(c for c, r in seen.each() if r.tested_on and untested(r)):
        yield Finding(
            message=f"{named(cells)} were not tested on the number of images planned.", cells=cells
        )
    for name, task in seen.study.tasks.items():
        if task.split.drop_last:
            yield Finding(
                message=f"the last {task.split.drop_last} of the test images of '{name}' "
                "are dropped."
            )


def _dead_outputs(seen: Evidence) -> Iterator[Finding]:
    for name in seen.study.tasks:
        groups = _groups(seen, name).values()
        used = sum(1 for group in groups if group)
        if used < len(groups):
            yield Finding(
                message=f"the head for '{name}' has {len(groups)} outputs for {used} classes."
            )


def _labels_fit(seen: Evidence) -> Iterator[Finding]:
    def wrong(cell: Cell, record: Record) -> bool:
        outputs = len(_groups(seen, cell[1]))
        told = (record.labels, record.classes) if len(record.labels) else ()
        counts = record.metrics["counts"] if record.metrics else [0] * outputs
        return len(counts) != outputs or any(int(a.max()) >= outputs for a in told)

    if cells := frozenset(cell for cell, record in seen.each() if wrong(cell, record)):
        yield Finding(
            message=f"the labels or answers of {named(cells)} are not those of a head with as many "
            "outputs as its task has classes.",
            cells=cells,
        )


def _groups(seen: Evidence, task: str) -> dict[str, tuple[int, ...]]:
    spec = seen.study.tasks[task]
    return spec.groups(seen.facts.of(spec).classes)


def _same_test(seen: Evidence) -> Iterator[Finding]:
    """Images left out for leaking are those of a pair, so other pairs may have others."""
    first: dict[tuple[str, str], Record] = {}
    wrong = set()
    for cell, record in seen.each():
        other = first.setdefault((cell[0], cell[1]), record)
        same = np.array_equal(record.labels, other.labels)
        if not same or record.tested_on != other.tested_on:
            wrong.add(cell)
    if wrong:
        yield Finding(
            message=f"{named(wrong)} were scored on other test images.", cells=frozenset(wrong)
        )


def _controls(seen: Evidence) -> Iterator[Finding]:
    control = seen.arm(seen.study.control)
    if control.origins:
        yield Finding(
            message=f"the control, {control.name}, does not start from scratch: nothing shows what "
            "the target reaches without the source."
        )
    roles = {role_of(arm, seen.study) for arm in seen.study.all_arms}
    if "random trunk" not in roles:
        yield Finding(
            message="no random-trunk control: a gain cannot be put down to what the source learnt."
        )
    relabelled = any(
        _share(found.result) >= LEAST_SHARED and found.result["label_function"]
        for found in seen.overlaps.values()
    )
    if relabelled and "label map" not in roles:
        yield Finding(
            message="no label-map control, though the target's labels follow from the source's."
        )


def _attributable(seen: Evidence) -> Iterator[Finding]:
    """The controls beyond a random trunk, by the transfer arms that need them."""
    study = seen.study
    roles = {role_of(arm, study) for arm in study.all_arms} | {"random trunk"}
    wanting: dict[tuple[Role, ...], list[str]] = {}
    for arm in study.all_arms:
        missing = tuple(role for role in expected_of(arm, study) if role not in roles)
        if arm.transfers and missing:
            wanting.setdefault(missing, []).append(arm.name)
    for missing, arms in wanting.items():
        yield Finding(
            message=f"no {listed(missing, 'or')} beside {listed(arms, 'and')}: a gain may be due "
            f"to what {'it' if len(missing) == 1 else 'they'} would show; {remedy(missing)}.",
            cells=seen.cells_of(arms),
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
        good="Every trial was trained, validated and tested on the images planned, all of them.",
        look=_splits,
    ),
    GateSpec(
        id="CHK-13",
        title="Heads fit their classes",
        severity="caveat",
        good="Every output of a head has a class with images.",
        look=_dead_outputs,
    ),
    GateSpec(
        id="CHK-13-labels",
        title="Labels and answers fit the head",
        severity="invalid",
        good="Every head has one output for each class of its task, and no label is beyond them.",
        look=_labels_fit,
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
    GateSpec(
        id="CHK-21-thorough",
        title="Controls for attribution present",
        severity="caveat",
        good="Every transfer arm has the controls that would explain its gain away.",
        look=_attributable,
    ),
)

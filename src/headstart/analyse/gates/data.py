"""Gates of the data: test images, statistics, splits, labels, controls."""

from collections.abc import Iterator

import numpy as np

from headstart.analyse.analysis import Role
from headstart.analyse.attribution import expected_of, role_of
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, on_cells
from headstart.analyse.gates.leaks import shared_share
from headstart.analyse.records import Record
from headstart.analyse.sentences import remedy
from headstart.analyse.tasks import task_facts, untested_sentence
from headstart.analyse.text import listed
from headstart.study.leak_preview import LEAST_SHARED

MOST_OF_ONE_CLASS = 0.8  # of the test images; beyond this accuracy is mostly that of one class
ALIKE, FEWEST = 0.25, 5  # neighbours by name that are alike: of all, and at the least


@check("CHK-10", "invalid", "Test images are touched once")
def _test_untouched(evidence: Evidence) -> Iterator[Finding]:
    """Selection saw validation images only; test images were opened by the last step."""
    for pair in evidence.study.pairs:
        if evidence.study.tasks[pair.target].split.by == "test":
            yield Finding(
                message=f"validation images of '{pair.target}' are its test images.",
                cells=evidence.cells_of_pair(pair.source, pair.target),
            )


@check("CHK-11", "caveat", "Statistics travel with the trunk")
def _statistics(evidence: Evidence) -> Iterator[Finding]:
    """Inputs were prepared as the source's were."""
    spec = evidence.study.preprocessing
    arms = [arm.name for arm in evidence.study.all_arms if arm.transfers]
    if spec.standardise not in ("channel", "pixel") or spec.statistics == "source" or not arms:
        return
    whose = "each arm's own images" if spec.statistics == "own" else "all images of the task"
    yield Finding(
        message=f"inputs are standardised by {whose}, but the trunk of {', '.join(arms)} has "
        "learnt on the source's statistics."
    )


@check("CHK-12", "invalid", "Splits conserve images")
def _splits(evidence: Evidence) -> Iterator[Finding]:
    """Every trial was trained, validated and tested on the images planned, all of them."""
    tasks = {task.name: task for task in task_facts(evidence.study, evidence.facts)}

    def wrong(record: Record) -> bool:
        rows, planned = [row.result for row in record.train_rows], tasks[record.trial.target]
        return any(
            row["num_images"] != record.trial.num_images
            or row["num_validation"] != planned.num_validation
            for row in rows
        )

    def untested(record: Record) -> bool:
        tested = len(record.labels) + record.tested_on["left_out"]
        return bool(tested != tasks[record.trial.target].num_test)

    yield from on_cells(
        evidence.cells_where(wrong),
        "{cells} were not trained on the number of images planned, or not validated on it.",
    )
    yield from on_cells(
        (cell for cell, record in evidence.each() if record.tested_on and untested(record)),
        "{cells} were not tested on the number of images planned.",
    )
    for name, task in evidence.study.tasks.items():
        if task.split.drop_last:
            yield Finding(
                message=f"the last {task.split.drop_last} of the test images of '{name}' "
                "are dropped."
            )


@check("CHK-12-groups", "caveat", "Groups are on one side")
def _groups(evidence: Evidence) -> Iterator[Finding]:
    """No group that a table of labels names has images on both sides of the test or validation."""
    for task in task_facts(evidence.study, evidence.facts):
        for group in task.groups:
            if group.name != task.grouped_by and group.num < task.num_images:
                yield Finding(
                    message=f"the table of labels of '{task.name}' has a column '{group.name}', "
                    f"which is not used: {group.num_crossing:,} of its {group.num:,} groups have "
                    "images both to train on and to test with, so a network may know the group and "
                    f'not the class. Keep them together: split = {{ group = "{group.name}" }}.'
                )


@check("CHK-12-bursts", "caveat", "No bursts on both sides")
def _bursts(evidence: Evidence) -> Iterator[Finding]:
    """Files with neighbouring numbers are no more alike across the test than others of a class."""
    for (source, target), overlap in evidence.overlaps.items():
        found = overlap.result.get("bursts")  # absent where images are no files with numbers
        grouped = evidence.study.tasks[target].split.group is not None
        if found and not grouped and found["num_alike"] >= max(FEWEST, ALIKE * found["num_next"]):
            yield Finding(
                message=f"{found['num_alike']:,} of {found['num_next']:,} test images of "
                f"'{target}' are more like the training image with the next number than 95 % of "
                f"random pairs are (such as {' and '.join(found['example'])}). Bursts and frames "
                "of a video belong together: split.group.",
                cells=evidence.cells_of_pair(source, target),
            )


@check("CHK-12-classes", "caveat", "Every class is tested")
def _classes_tested(evidence: Evidence) -> Iterator[Finding]:
    """Every class that was trained on has test images, those that leaked left out."""
    tested: dict[str, set[int]] = {}
    for cell, record in evidence.each():
        tested.setdefault(cell[1], set()).update(np.unique(record.labels).tolist())
    for task, labels in tested.items():
        groups = enumerate(evidence.classes_of(task).items())
        missing = [name for at, (name, group) in groups if group and at not in labels]
        if missing and labels:
            yield Finding(message=untested_sentence(task, missing))


@check("CHK-13", "caveat", "Heads fit their classes")
def _dead_outputs(evidence: Evidence) -> Iterator[Finding]:
    """Every output of a head has a class with images."""
    for name in evidence.study.tasks:
        classes = evidence.classes_of(name).values()
        used = sum(1 for labels in classes if labels)
        if used < len(classes):
            yield Finding(
                message=f"the head for '{name}' has {len(classes)} outputs for {used} classes."
            )


@check("CHK-13-labels", "invalid", "Labels and answers fit the head")
def _labels_fit(evidence: Evidence) -> Iterator[Finding]:
    """Every head has one output for each class of its task, and no label is beyond them."""

    def wrong(cell: Cell, record: Record) -> bool:
        outputs = len(evidence.classes_of(cell[1]))
        arrays = (record.labels, record.classes) if len(record.labels) else ()
        counts = record.metrics["counts"] if record.metrics else [0] * outputs
        return len(counts) != outputs or any(int(a.max()) >= outputs for a in arrays)

    yield from on_cells(
        (cell for cell, record in evidence.each() if wrong(cell, record)),
        "the labels or answers of {cells} are not those of a head with as many outputs as its task "
        "has classes.",
    )


@check("CHK-16", "invalid", "Same test images for all arms")
def _same_test(evidence: Evidence) -> Iterator[Finding]:
    """All arms of a target were scored on the same test images, once per trial."""
    # Compared within a pair: leaks are left out by pair, so pairs may differ. Of a repeated split
    # each seed has other test images.
    first: dict[tuple[str, str, int | None], Record] = {}
    wrong = set()
    for cell, record in evidence.each():
        repeats = evidence.study.tasks[cell[1]].split.repeats
        place = (cell[0], cell[1], record.trial.seed if repeats else None)
        other = first.setdefault(place, record)
        same = np.array_equal(record.labels, other.labels) and record.tested_on == other.tested_on
        if record.images is not None and other.images is not None:
            same &= np.array_equal(record.images, other.images)
        if not same:
            wrong.add(cell)
    yield from on_cells(wrong, "{cells} were scored on other test images.")


@check("CHK-21", "caveat", "Controls present")
def _controls(evidence: Evidence) -> Iterator[Finding]:
    """The control starts from scratch; a random-trunk control is part of the study."""
    control = evidence.arm(evidence.study.control)
    if control.origins:
        yield Finding(
            message=f"the control, {control.name}, does not start from scratch: nothing shows what "
            "the target reaches without the source."
        )
    roles = {role_of(arm, evidence.study) for arm in evidence.study.all_arms}
    if "random trunk" not in roles:
        yield Finding(
            message="no random-trunk control: a gain cannot be put down to what the source learnt."
        )
    relabelled = any(
        shared_share(overlap.result) >= LEAST_SHARED and overlap.result["label_function"]
        for overlap in evidence.overlaps.values()
    )
    if relabelled and "label map" not in roles:
        yield Finding(
            message="no label-map control, though the target's labels follow from the source's."
        )


@check("CHK-21-thorough", "caveat", "Controls for attribution present")
def _attributable(evidence: Evidence) -> Iterator[Finding]:
    """Every transfer arm has the controls that would explain its gain away."""
    # Missing controls beyond a random trunk, by the transfer arms that need them.
    study = evidence.study
    roles = {role_of(arm, study) for arm in study.all_arms} | {"random trunk"}
    lacking: dict[tuple[Role, ...], list[str]] = {}
    for arm in study.all_arms:
        missing = tuple(role for role in expected_of(arm, study) if role not in roles)
        if arm.transfers and missing:
            lacking.setdefault(missing, []).append(arm.name)
    for missing, arms in lacking.items():
        yield Finding(
            message=f"no {listed(missing, 'or')} beside {listed(arms, 'and')}: a gain may be due "
            f"to what {'it' if len(missing) == 1 else 'they'} would show; {remedy(missing)}.",
            cells=evidence.cells_of(arms),
        )


@check("CHK-27", "caveat", "Accuracy is not that of one class")
def _one_class(evidence: Evidence) -> Iterator[Finding]:
    """No class is most of the test images, or accuracy is balanced."""
    if evidence.study.metric != "accuracy":
        return
    tested = {cell[1]: r.labels for cell, r in evidence.each() if len(r.labels)}
    for target, labels in tested.items():
        counts = np.bincount(labels)
        share = counts.max() / len(labels)
        if share > MOST_OF_ONE_CLASS:
            name = list(evidence.classes_of(target))[counts.argmax()]
            yield Finding(
                message=f"{share:.0%} of the test images of '{target}' are of class '{name}': "
                f"always answering that is right {100 * share:.1f} times in 100, so accuracy says "
                'little of the other classes. Use metric = "balanced_accuracy", in which every '
                "class counts alike.",
                cells=frozenset(cell for cell in evidence.records if cell[1] == target),
            )


GATES: tuple[GateSpec, ...] = (
    _test_untouched, _statistics, _splits, _classes_tested, _groups, _bursts, _dead_outputs,
    _labels_fit, _same_test, _controls, _attributable, _one_class,
)  # fmt: skip

"""Gates of the data: test images, statistics, splits, labels."""

from collections.abc import Iterator

import numpy as np

from headstart.analyse.cells import Cell
from headstart.analyse.evidence import AnswerEvidence
from headstart.analyse.gates.gate import (
    AnswerGateSpec,
    Evidence,
    Finding,
    GateSpec,
    check,
    on_cells,
)
from headstart.analyse.records import Record
from headstart.analyse.tasks import task_facts, untested_sentence
from headstart.analyse.text import plural
from headstart.metrics import METRICS

MOST_OF_ONE_CLASS = 0.8  # of the test images; beyond this accuracy is mostly that of one class
ALIKE, FEWEST = 0.25, 5  # neighbours by name that are alike: of all, and at the least


@check("CHK-10", "invalid", "Nothing is chosen on test images")
def _test_untouched(evidence: Evidence) -> Iterator[Finding]:
    """The validation images of no target are its test images."""
    for pair in evidence.study.pairs:
        if evidence.study.tasks[pair.target].split.by == "test":
            yield Finding(
                message=f"validation images of '{pair.target}' are its test images.",
                cells=evidence.cells_of_pair(pair.source, pair.target),
                asserts={"validated on test images": True},
            )


@check("CHK-11", "caveat", "Statistics travel with the trunk", could_turn=True)
def _statistics(evidence: Evidence) -> Iterator[Finding]:
    """No transferred trunk is given inputs that are standardised by other statistics than the
    source's."""
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
    """Every finished trial was trained, validated and tested on as many images as planned, copies
    that are left out of the scores included."""
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


@check("CHK-12-groups", "caveat", "Groups are on one side", could_turn=True)
def _groups(evidence: Evidence) -> Iterator[Finding]:
    """No table of labels has a column that is called like groups, with several images in one, and
    is not used to split."""
    for task in task_facts(evidence.study, evidence.facts):
        for group in task.groups:
            if group.name != task.grouped_by and group.num < task.num_images:
                yield Finding(
                    message=f"the table of labels of '{task.name}' has a column '{group.name}', "
                    f"which is not used: {group.num_crossing:,} of its {group.num:,} groups have "
                    "images both to train on and to test with, so a network may know the group and "
                    f'not the class. Keep them together: split = {{ group = "{group.name}" }}.'
                )


@check("CHK-12-bursts", "caveat", "No bursts on both sides", could_turn=True)
def _bursts(evidence: Evidence) -> Iterator[Finding]:
    """Of test images next to a training image by the number in its name, fewer than five, or than a
    quarter, are more like it than 95 % of random pairs are; or groups are kept together."""
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


@check("CHK-12-classes", "caveat", "Every class is tested", needs="answers")
def _classes_tested(evidence: AnswerEvidence) -> Iterator[Finding]:
    """Every class that a finished trial was trained on has test images that are not left out as
    copies."""
    tested: dict[tuple[str, str], set[int]] = {}  # by pair: copies are left out by pair
    for cell, record in evidence.each_tested():
        tested.setdefault(cell[:2], set()).update(np.unique(record.labels).tolist())
    found: dict[str, frozenset[Cell]] = {}
    for (source, task), labels in tested.items():
        classes = enumerate(zip(evidence.class_names(task), evidence.trained_on(task), strict=True))
        missing = [name for at, (name, trained) in classes if trained and at not in labels]
        if missing:
            message = untested_sentence(task, missing)
            cells = evidence.cells_of_pair(source, task)
            found[message] = found.get(message, frozenset()) | cells
    for message, cells in found.items():
        yield Finding(message=message, cells=cells)


@check("CHK-13", "caveat", "Heads fit their classes")
def _dead_outputs(evidence: Evidence) -> Iterator[Finding]:
    """Every output of a head has a class that its task takes from the data set."""
    for name in evidence.study.tasks:
        classes = evidence.classes_of(name).values()
        used = sum(1 for labels in classes if labels)
        if used < len(classes):
            yield Finding(
                message=f"the head for '{name}' has {len(classes)} outputs for {used} classes."
            )


@check("CHK-13-labels", "invalid", "Labels and answers fit the head")
def _labels_fit(evidence: Evidence) -> Iterator[Finding]:
    """Every head has one output for each class of its task; no label or answer is beyond them."""

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
    """All arms of a pair were scored on the same test images; where each seed has a test part to
    itself, on those of the seed."""
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


@check("CHK-17-images", "caveat", "Enough test images")
def _enough_test_images(evidence: Evidence) -> Iterator[Finding]:
    """One test image is worth no more than the margin."""
    steps: dict[str, tuple[float, int, float]] = {}
    for cell, by_seed in evidence.records.items():
        tested = [record for record in by_seed.values() if len(record.labels)]
        margin = evidence.margins.get(cell[:3])
        if tested and margin is not None:
            number = _num_tested(tested)
            heaviest = max(float(r.metric.weights(r.labels).max()) for r in tested)
            step = 100 * heaviest / number
            if step > margin:
                steps[cell[1]] = max(steps.get(cell[1], (0, 0, 0)), (step, number, margin))
    for target, (step, number, margin) in steps.items():
        yield Finding(
            message=f"'{target}' is tested on {plural(number, 'image')}: one more that is right is "
            f"{step:.3g} points, the smallest step of {METRICS[evidence.study.metric].noun} there "
            f"is, and more than the margin of {margin:g}. Only more test images measure finer.",
            cells=frozenset(cell for cell in evidence.records if cell[1] == target),
        )


def _num_tested(records: list[Record]) -> int:
    """Test images of a cell; those of all seeds where each has a test part to itself."""
    parts = [record.images for record in records if record.images is not None]
    return len(np.unique(np.concatenate(parts))) if parts else len(records[0].labels)


@check("CHK-27", "caveat", "Accuracy is not that of one class", could_turn=True, needs="answers")
def _one_class(evidence: AnswerEvidence) -> Iterator[Finding]:
    """No class has more than four in five test images, or accuracy is balanced."""
    if evidence.study.metric != "accuracy":
        return
    largest: dict[str, tuple[float, int]] = {}  # share and class: copies are left out by pair
    for cell, record in evidence.each_tested():
        if len(record.labels):
            counts = np.bincount(record.labels)
            one = (float(counts.max() / len(record.labels)), int(counts.argmax()))
            largest[cell[1]] = max(largest.get(cell[1], one), one)
    for target, (share, label) in largest.items():
        if share > MOST_OF_ONE_CLASS:
            name = evidence.class_names(target)[label]
            yield Finding(
                message=f"{share:.0%} of the test images of '{target}' are of class '{name}': "
                f"always answering that is right {100 * share:.1f} times in 100, so accuracy says "
                'little of the other classes. Use metric = "balanced_accuracy", in which every '
                "class counts alike.",
                cells=frozenset(cell for cell in evidence.records if cell[1] == target),
            )


GATES: tuple[GateSpec | AnswerGateSpec, ...] = (
    _test_untouched, _statistics, _splits, _classes_tested, _groups, _bursts, _dead_outputs,
    _labels_fit, _same_test, _enough_test_images, _one_class,
)  # fmt: skip

"""Gates of shared images: identical tasks, relabelling, leaks into the test images."""

from collections.abc import Iterator, Sequence

from headstart.analyse.analysis import AmbiguousImage
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check
from headstart.analyse.leaks import ambiguous_images
from headstart.analyse.records import OverlapRecord
from headstart.analyse.text import plural
from headstart.core.hashing import Json
from headstart.study.leak_preview import LEAST_SHARED
from headstart.study.shared_classes import all_shared_classes

MOST_LEAKED = 0.5  # of the test images; beyond this the rest is no fair sample
NEAR_OFF = '`leaks = { near = "off" }`'
MOST_NAMED = 3  # images under two labels
MOST_CLOSER = 0.005  # of the test images left; 0.001 are expected


@check("CHK-01", "invalid", "Source and target are not the same data")
def _same_task(evidence: Evidence) -> Iterator[Finding]:
    """As far as images were compared, less than a tenth of the target's training images are the
    source's, or they have other classes; at most half of its test images are copies."""
    for (source, target), overlap in evidence.overlaps.items():
        counts = overlap.result
        if shared_share(counts) >= LEAST_SHARED and counts["same_labels"]:
            yield Finding(
                message=f"source '{source}' and target '{target}' are the same task: "
                f"{counts['shared_train']:,} of the target's {counts['num_target']:,} training "
                "images are the source's, with the same classes. This is more training, not "
                "transfer.",
                cells=evidence.cells_of_pair(source, target),
                asserts={"training images of both tasks": counts["shared_train"]},
            )
        if len(overlap.leaked) > MOST_LEAKED * counts["num_test"]:
            yield Finding(
                message=f"{len(overlap.leaked):,} of {counts['num_test']:,} test images of "
                f"'{target}' are also {_seen(counts)}{_how(counts)}.",
                cells=evidence.cells_of_pair(source, target),
                asserts={"test images with a copy": len(overlap.leaked)},
            )


def shared_share(counts: Json) -> float:
    """Share of the target's training images that the source has as well."""
    return float(counts["shared_train"] / counts["num_target"])


def _seen(counts: Json) -> str:
    """Which images the copies among the test images are copies of."""
    validation = counts["leaked_from_validation"]
    kinds = "training or validation" if validation else "training"
    chosen_by = f", {validation:,} validation images" if validation else ""
    return (
        f"{kinds} images ({counts['leaked_from_source']:,} of the source's, "
        f"{counts['leaked_from_target']:,} of the target's{chosen_by})"
    )


def _how(counts: Json) -> str:
    """Number of the copies among the test images that are not equal as they are."""
    changed = counts["leaked_changed"]
    turned = f"; turned, inverted or shifted: {changed:,} of them" if changed else ""
    return f"{turned}{_near(counts['leaked_near'])}"


def _near(number: int) -> str:
    """Number of images of a sentence that are not equal, and what to do if they are no copies."""
    if not number:
        return ""
    return (
        f"; not equal but alike: {number:,} of them (if the pairs in the report are other images, "
        f"write {NEAR_OFF})"
    )


@check(
    "CHK-01-leaks",
    "caveat",
    "No shared images",
    asserts={
        "test images with a copy": 0,
        "training images of both tasks": 0,
        "validated on test images": False,
    },
)
def _leaks(evidence: Evidence) -> Iterator[Finding]:
    """Among the images that were compared no test image was found among training images and the
    target's validation images, and no validation image among training images: none equal, mirrored,
    turned by quarters, inverted or shifted by a pixel or two (within the target the last three only
    of the same class), and none nearly equal where these are looked for. No training image of the
    target was found among the source's, equal or mirrored, nor a tenth of them nearly equal. Other
    crops and angles are not sought."""
    for (source, target), overlap in evidence.overlaps.items():
        cells = evidence.cells_of_pair(source, target)
        for message in _leak_messages(source, target, overlap):
            yield Finding(message=message, cells=cells)


def _leak_messages(source: str, target: str, overlap: OverlapRecord) -> Iterator[str]:
    counts = overlap.result
    if 0 < len(overlap.leaked) <= MOST_LEAKED * counts["num_test"]:
        yield (
            f"{len(overlap.leaked):,} of {counts['num_test']:,} test images of '{target}' are also "
            f"{_seen(counts)}: left out of all scores{_how(counts)}."
        )
    many = shared_share(counts) >= LEAST_SHARED
    reported = _is_one_task(counts)  # by CHK-01 or CHK-02
    near = counts["shared_train_near"]
    # A few that are only similar may be other images of two sets of the same kind.
    if (many or counts["shared_train"] > near) and not reported:
        yield (
            f"{counts['shared_train']:,} training images of '{target}' are also training images "
            f"of '{source}'{_near(near)}."
        )
    if counts["shared_validation"]:
        yield (
            f"{counts['shared_validation']:,} validation images of '{target}' are training images "
            f"of '{source}'."
        )
    if counts["own_validation"]:
        yield (
            f"{counts['own_validation']:,} validation images of '{target}' are, or all but are, "
            "among its training images: what is selected by validation looks too good."
        )
    closeness = counts["closeness"]
    if closeness and closeness["above"] > MOST_CLOSER:
        yield (
            f"{100 * closeness['above']:.1f} % of the other test images of '{target}' are closer "
            "to a training image than 99.9 % of the training images are to each other: there may "
            "be copies that were not found."
        )


@check("CHK-01-alike", "caveat", "Images differ in more than their pose", could_turn=True)
def _alike(evidence: Evidence) -> Iterator[Finding]:
    """Where near copies were looked for, no test image is like training images only because all
    images of its set are alike."""
    for (source, target), overlap in evidence.overlaps.items():
        counts = overlap.result
        if counts["alike_test"]:
            yield Finding(
                message=f"{counts['alike_test']:,} of {counts['num_test']:,} test images of "
                f"'{target}' look like training images, but no more than the images of a fixed "
                "camera or a long series do: they count as no copies and are scored. Look at the "
                "pairs in the report. If they are frames of one film or shots of one burst, keep "
                f"each film in one part; if they are fine, write {NEAR_OFF}.",
                cells=evidence.cells_of_pair(source, target),
            )


@check("CHK-01-classes", "caveat", "Source and target have different classes", could_turn=True)
def _same_classes(evidence: Evidence) -> Iterator[Finding]:
    """The source has no images of the target's classes, as far as its classes are known, but for
    pairs that CHK-01 or CHK-02 names."""
    for shared in all_shared_classes(evidence.study, evidence.facts):
        place = (shared.pair.source, shared.pair.target)
        overlap = evidence.overlaps.get(place)
        if overlap is None or not _is_one_task(overlap.result):  # else CHK-01 or CHK-02 says more
            yield Finding(message=shared.sentence, cells=evidence.cells_of_pair(*place))


def _is_one_task(counts: Json) -> bool:
    """Whether many images are shared and the target's labels follow from the source's."""
    return bool(shared_share(counts) >= LEAST_SHARED and counts["label_function"])


@check("CHK-01-labels", "caveat", "One label for each image")
def _two_labels(evidence: Evidence) -> Iterator[Finding]:
    """Among the images that were compared, none lies under two labels of one task."""
    found: dict[str, frozenset[Cell]] = {}  # a task may be a side of several pairs
    for (source, target), overlap in evidence.overlaps.items():
        images = ambiguous_images(evidence, source, target, overlap)
        for side, name in (("source", evidence.study.source(source).task), ("target", target)):
            if listed := [image for image in images if image.part.startswith(side)]:
                message = _ambiguous(name, overlap.result[f"{side}_two_labels"], listed)
                cells = evidence.cells_of_pair(source, target)
                found[message] = found.get(message, frozenset()) | cells
    for message, cells in found.items():
        yield Finding(message=message, cells=cells)


def _ambiguous(task: str | None, number: int, listed: Sequence[AmbiguousImage]) -> str:
    shown = "; ".join(
        f"{image.place} ({image.label}) is {image.other_place} ({image.other_label})"
        for image in listed[:MOST_NAMED]
    )
    more = f"; and {number - MOST_NAMED:,} more" if number > MOST_NAMED else ""
    return (
        f"{plural(number, 'image')} of '{task}' under two labels: {shown}{more}. Correct the "
        "labels, or take the images out."
    )


@check("CHK-02", "invalid", "The target is no relabelling")
def _relabelling(evidence: Evidence) -> Iterator[Finding]:
    """As far as images were compared, no target renames the classes of its source on a tenth of its
    training images or more."""
    for (source, target), overlap in evidence.overlaps.items():
        counts = overlap.result
        renamed = counts["label_function"] and not counts["same_labels"]
        if shared_share(counts) >= LEAST_SHARED and renamed:
            yield Finding(
                message=f"'{target}' only renames the classes of '{source}' on the same images "
                f"({counts['shared_train']:,} shared): this is relabelling, not transfer. Give "
                "source and target different images.",
                cells=evidence.cells_of_pair(source, target),
                asserts={"training images of both tasks": counts["shared_train"]},
            )


GATES: tuple[GateSpec, ...] = (
    _same_task, _same_classes, _leaks, _alike, _two_labels, _relabelling,
)  # fmt: skip

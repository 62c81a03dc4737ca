"""Gates of shared images: identical tasks, relabelling, leaks into the test images."""

from collections.abc import Iterator

from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check
from headstart.analyse.records import OverlapRecord
from headstart.core.hashing import Json
from headstart.study.leak_preview import LEAST_SHARED

MOST_LEAKED = 0.5  # of the test images; beyond this the rest is no fair sample
MOST_CLOSER = 0.005  # of the test images left; 0.001 are expected


@check("CHK-01", "invalid", "Source and target are different tasks")
def _same_task(evidence: Evidence) -> Iterator[Finding]:
    """Source and target are not the same images with the same classes."""
    for (source, target), overlap in evidence.overlaps.items():
        counts = overlap.result
        if shared_share(counts) >= LEAST_SHARED and counts["same_labels"]:
            yield Finding(
                message=f"source '{source}' and target '{target}' are the same task: "
                f"{counts['shared_train']:,} of the target's {counts['num_target']:,} training "
                "images are the source's, with the same classes. This is more training, not "
                "transfer.",
                cells=evidence.cells_of_pair(source, target),
            )
        if len(overlap.leaked) > MOST_LEAKED * counts["num_test"]:
            yield Finding(
                message=f"{len(overlap.leaked):,} of {counts['num_test']:,} test images of "
                f"'{target}' were trained on{_inexact(counts['leaked_inexact'])}.",
                cells=evidence.cells_of_pair(source, target),
            )


def shared_share(counts: Json) -> float:
    """Share of the target's training images that the source has as well."""
    return float(counts["shared_train"] / counts["num_target"])


def _inexact(number: int) -> str:
    """Number of images of a sentence that are not the same byte for byte."""
    return f"; {number:,} of them not byte for byte" if number else ""


@check("CHK-01-leaks", "caveat", "No shared images")
def _leaks(evidence: Evidence) -> Iterator[Finding]:
    """No test or validation image of the target is a training image or all but one."""
    for (source, target), overlap in evidence.overlaps.items():
        cells = evidence.cells_of_pair(source, target)
        for message in _leak_messages(source, target, overlap):
            yield Finding(message=message, cells=cells)


def _leak_messages(source: str, target: str, overlap: OverlapRecord) -> Iterator[str]:
    counts = overlap.result
    if 0 < len(overlap.leaked) <= MOST_LEAKED * counts["num_test"]:
        yield (
            f"{len(overlap.leaked):,} of {counts['num_test']:,} test images of '{target}' are also "
            f"training images ({counts['leaked_from_source']:,} of the source's, "
            f"{counts['leaked_from_target']:,} of the target's"
            f"{_inexact(counts['leaked_inexact'])}): left out of all scores."
        )
    many = shared_share(counts) >= LEAST_SHARED
    reported = many and counts["label_function"]  # by CHK-01 or CHK-02
    inexact = counts["shared_train_inexact"]
    # A few that are only similar may be other images of two sets of the same kind.
    if (many or counts["shared_train"] > inexact) and not reported:
        yield (
            f"{counts['shared_train']:,} training images of '{target}' are also training images "
            f"of '{source}'{_inexact(inexact)}."
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


@check("CHK-02", "invalid", "The target is no relabelling")
def _relabelling(evidence: Evidence) -> Iterator[Finding]:
    """On shared images, if any, the target's labels do not follow from the source's."""
    for (source, target), overlap in evidence.overlaps.items():
        counts = overlap.result
        renamed = counts["label_function"] and not counts["same_labels"]
        if shared_share(counts) >= LEAST_SHARED and renamed:
            yield Finding(
                message=f"'{target}' only renames the classes of '{source}' on the same images "
                f"({counts['shared_train']:,} shared): this is relabelling, not transfer. Give "
                "source and target different images.",
                cells=evidence.cells_of_pair(source, target),
            )


GATES: tuple[GateSpec, ...] = (_same_task, _leaks, _relabelling)

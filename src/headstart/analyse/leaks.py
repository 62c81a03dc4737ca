"""Reports of the images that the parts of each pair share."""

from dataclasses import fields
from typing import Any

import numpy as np

from headstart.analyse.analysis import AmbiguousImage, Leak, LeakExample, LeakReport
from headstart.analyse.analysis.picture import picture_of
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.records import OverlapRecord
from headstart.core.hashing import Json


def leak_reports(evidence: Evidence) -> tuple[LeakReport, ...]:
    """One report for each pair whose parts were compared."""
    return tuple(
        _report(evidence, source, target, overlap)
        for (source, target), overlap in evidence.overlaps.items()
    )


def _report(evidence: Evidence, source: str, target: str, overlap: OverlapRecord) -> LeakReport:
    result, classes = overlap.result, _classes(evidence, source, target)
    return LeakReport(
        source=source,
        target=target,
        near=result["near"],
        copies=tuple(_leak(pair) for pair in result["pairs"]),
        num_test=result["num_test"],
        num_left_out=len(overlap.leaked),
        num_alike=result["alike_test"],
        num_splits=overlap.num_splits,
        num_shared_train=result["shared_train"],
        odd_labels=result["odd_labels"],
        common_classes=tuple(name for name in classes["target"] if name in classes["source"]),
        copy_examples=tuple(
            _example(example, pictures, classes)
            for example, pictures in zip(result["examples"], overlap.thumbnails, strict=True)
        ),
        ambiguous_images=ambiguous_images(evidence, source, target, overlap),
    )


def ambiguous_images(
    evidence: Evidence, source: str, target: str, overlap: OverlapRecord
) -> tuple[AmbiguousImage, ...]:
    """Images of a pair under two labels, the first of each task.

    Images that a checkpoint was pretrained on count for nothing, nor do labels that were dealt out
    anew on purpose.
    """
    tasks = {"source": evidence.study.source(source).task, "target": target}
    studied = {
        side
        for side, task in tasks.items()
        if task is not None and "shuffled_labels" not in evidence.study.tasks[task].alter
    }
    classes = _classes(evidence, source, target)
    listed = zip(overlap.result["two_labels"], overlap.two_labels, strict=True)
    return tuple(
        _ambiguous(image, picture, classes)
        for image, picture in listed
        if image["part"].split()[0] in studied
    )


def _ambiguous(
    image: Json, picture: np.ndarray, classes: dict[str, tuple[str, ...]]
) -> AmbiguousImage:
    names = classes[image["part"].split()[0]]
    labels = {"label": names[image["label"]], "other_label": names[image["other_label"]]}
    return AmbiguousImage(**image | labels, picture=picture_of(picture))


def _classes(evidence: Evidence, source: str, target: str) -> dict[str, tuple[str, ...]]:
    """Names of the classes of both sides of a pair."""
    return {
        "source": _source_classes(evidence, source),
        "target": tuple(evidence.classes_of(target)),
    }


def _source_classes(evidence: Evidence, name: str) -> tuple[str, ...]:
    """Names of a source's classes; of a checkpoint those of the images that it has seen."""
    source = evidence.study.source(name)
    if source.task is not None:
        return tuple(evidence.classes_of(source.task))
    task = evidence.facts.seen_task(source)
    return () if task is None else tuple(task.groups(evidence.facts.of(task).classes))


def _leak(pair: Json) -> Leak:
    counts: dict[str, Any] = {field.name: pair[field.name] for field in fields(Leak)}
    return Leak(**counts)


def _example(
    example: Json, pictures: np.ndarray, classes: dict[str, tuple[str, ...]]
) -> LeakExample:
    ours, theirs = (classes[example[key].split()[0]] for key in ("part", "other"))
    names = (
        "part", "other", "index", "other_index", "name", "other_name", "kind", "similarity",
    )  # fmt: skip
    copied: dict[str, Any] = {name: example[name] for name in names}
    return LeakExample(
        label=ours[example["label"]],
        other_label=theirs[example["other_label"]],
        picture=picture_of(pictures[0]),
        other_picture=picture_of(pictures[1]),
        **copied,
    )

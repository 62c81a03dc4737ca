"""What the parts of each pair share, for the reader."""

import numpy as np

from headstart.analyse.analysis import Leak, LeakExample, LeakReport, Picture
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.records import OverlapRecord
from headstart.core.hashing import Json
from headstart.study.sources import SourceSpec


def leak_reports(seen: Evidence) -> tuple[LeakReport, ...]:
    """One report for each pair whose parts were compared."""
    return tuple(
        _report(seen, source, target, found) for (source, target), found in seen.overlaps.items()
    )


def _report(seen: Evidence, source: str, target: str, found: OverlapRecord) -> LeakReport:
    told = found.result
    classes = {"source": _source_classes(seen, source), "target": _classes(seen, target)}
    return LeakReport(
        source=source,
        target=target,
        near=told["near"],
        copies=tuple(_leak(pair) for pair in told["pairs"]),
        num_test=told["num_test"],
        num_left_out=len(found.leaked),
        num_shared_train=told["shared_train"],
        odd_labels=told["odd_labels"],
        common_classes=tuple(name for name in classes["target"] if name in classes["source"]),
        copy_examples=tuple(
            _example(example, pictures, classes)
            for example, pictures in zip(told["examples"], found.thumbnails, strict=True)
        ),
    )


def _source_classes(seen: Evidence, name: str) -> tuple[str, ...]:
    """Names of a source's classes; of a checkpoint those of the images that it has seen."""
    source = seen.study.sources.get(name) or SourceSpec(task=name)
    if source.task is not None:
        return _classes(seen, source.task)
    task = seen.facts.seen_task(source)
    return () if task is None else tuple(task.groups(seen.facts.of(task).classes))


def _classes(seen: Evidence, name: str) -> tuple[str, ...]:
    """Names of a task's classes."""
    task = seen.study.tasks[name]
    return tuple(task.groups(seen.facts.of(task).classes))


def _leak(pair: Json) -> Leak:
    return Leak(
        part=pair["part"],
        other=pair["other"],
        num_part=pair["num_part"],
        num_other=pair["num_other"],
        exact=pair["exact"],
        mirrored=pair["mirrored"],
        near=pair["near"] + pair["near_mirrored"],
    )


def _example(told: Json, pictures: np.ndarray, classes: dict[str, tuple[str, ...]]) -> LeakExample:
    ours, theirs = (classes[told[key].split()[0]] for key in ("part", "other"))
    return LeakExample(
        part=told["part"],
        other=told["other"],
        index=told["index"],
        other_index=told["other_index"],
        label=ours[told["label"]],
        other_label=theirs[told["other_label"]],
        kind=told["kind"],
        similarity=told["similarity"],
        picture=_picture(pictures[0]),
        other_picture=_picture(pictures[1]),
    )


def _picture(values: np.ndarray) -> Picture:
    height, width, channels = values.shape
    return Picture(height=height, width=width, channels=channels, values=values.tobytes())

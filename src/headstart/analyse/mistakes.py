"""Confusion matrices and mistakes of the arm that validation prefers, and of the control."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from headstart.analyse.analysis import (
    Comparison,
    Confusion,
    ConfusionRow,
    ImageMistake,
    Mistakes,
)
from headstart.analyse.analysis.picture import picture_of
from headstart.analyse.cells import Cell, beside, cell_of
from headstart.analyse.evidence import Tested
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.records import Record
from headstart.analyse.repeated import tabled
from headstart.core.hashing import Json
from headstart.image_outcomes import in_most, outcomes
from headstart.plan.payload_types import MistakesPayload
from headstart.plan.steps import Plan
from headstart.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAnswers:
    """The preferred arm and the control at the largest size of a pair, over their common seeds."""

    comparison: Comparison
    classes: tuple[str, ...]
    arm: tuple[Tested, ...]
    control: tuple[Tested, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswers(PairAnswers):
    """The same from a store; `step` is the key of the step that lists single images."""

    arm: tuple[Record, ...]
    control: tuple[Record, ...]
    step: str


def pair_answers(
    evidence: Evidence,
    plan: Plan,
    comparisons: Iterable[Comparison],
    withheld: dict[Cell, str],
) -> tuple[StoredAnswers, ...]:
    """Answers to look at, of every pair with a comparison that is not withheld."""
    preferred = {(c.source, c.target, c.size): c for c in comparisons if c.preferred}
    answers = []
    for place, key in plan.mistakes.items():
        comparison = preferred.get(place)
        if comparison is None:
            continue
        cells = cell_of(comparison), beside(cell_of(comparison), comparison.control)
        if withheld.keys() & set(cells):
            continue
        arm, control = (
            tuple(evidence.records[cell][seed] for seed in comparison.seeds) for cell in cells
        )
        found = StoredAnswers(
            comparison=comparison,
            classes=tuple(evidence.classes_of(place[1])),
            arm=arm,
            control=control,
            step=key,
        )
        if len(arm[0].labels):  # else every test image leaked, which a gate reports
            answers.append(found)
    return tuple(answers)


def confusions_of(pairs: Iterable[PairAnswers]) -> tuple[Confusion, ...]:
    """Confusion matrices of the preferred arm, then of the control, of each pair."""
    return tuple(
        _confusion(pair, name, records)
        for pair in pairs
        for name, records in (
            (pair.comparison.arm, pair.arm), (pair.comparison.control, pair.control),
        )
    )  # fmt: skip


def _confusion(pair: PairAnswers, arm: str, records: tuple[Tested, ...]) -> Confusion:
    comparison, classes = pair.comparison, pair.classes
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for record in records:
        np.add.at(counts, (record.labels, record.classes), 1)
    labels, _ = tabled([r.labels for r in records], [r.images for r in records])
    tested = np.bincount(labels.max(0), minlength=len(classes))
    return Confusion(
        arm=arm,
        size=comparison.size,
        num_images=records[0].num_images,
        source=comparison.source,
        target=comparison.target,
        seeds=comparison.seeds,
        confusion_rows=tuple(
            ConfusionRow(
                true_class=classes[true],
                num_tested=int(tested[true]),
                accuracy=float(row[true] / row.sum()) if row.any() else None,
                answer=tuple(classes[at] for at in np.flatnonzero(row)),
                count=tuple(row[row > 0].tolist()),
            )
            for true, row in enumerate(counts)
        ),
    )


def mistakes_of(pairs: Iterable[StoredAnswers], plan: Plan, store: Store) -> tuple[Mistakes, ...]:
    """What the preferred arm of each pair gets wrong, puts right and breaks."""
    return tuple(_with_images(pair, plan, store) for pair in pairs)


def _with_images(pair: StoredAnswers, plan: Plan, store: Store) -> Mistakes:
    listed, pictures = _stored(pair, plan, store)
    return replace(
        counted_mistakes(pair),
        image_mistakes=tuple(
            _image_mistake(one, pair.classes, len(pair.comparison.seeds)) for one in listed
        ),
        pictures=tuple(picture_of(values) for values in pictures),
    )


def counted_mistakes(pair: PairAnswers) -> Mistakes:
    """Numbers of images that the arm gets wrong, puts right and breaks; no single ones."""
    comparison = pair.comparison
    (wrong, tested), (control_wrong, _) = (
        tabled([~record.correct for record in records], [record.images for record in records])
        for records in (pair.arm, pair.control)
    )
    num_wrong, control_num_wrong = wrong.sum(0), control_wrong.sum(0)
    num_seeds = len(comparison.seeds) if tested is None else tested.sum(0)
    found = outcomes(num_wrong, control_num_wrong, num_seeds)
    return Mistakes(
        arm=comparison.arm,
        control=comparison.control,
        size=comparison.size,
        num_images=comparison.num_images,
        source=comparison.source,
        target=comparison.target,
        seeds=comparison.seeds,
        num_tested=len(num_wrong),
        wrong=int(in_most(num_wrong, num_seeds).sum()),
        both_right=int(found["both right"].sum()),
        put_right=int(found["put right"].sum()),
        broken=int(found["broken"].sum()),
        both_wrong=int(found["both wrong"].sum()),
        undecided=int(found["undecided"].sum()),
        repeated=tested is not None,
        image_mistakes=(),
        pictures=(),
    )


def _stored(
    pair: StoredAnswers, plan: Plan, store: Store
) -> tuple[list[Json], Iterable[np.ndarray]]:
    """Images that the pair's step has listed for this arm, with pictures; none before it ran."""
    row = store.row(pair.step)
    if row is None:
        return [], ()
    step = plan.steps[pair.step]
    numbers = cast(MistakesPayload, step.payload)["arms"][row.result["arm"]]
    if [step.inputs[number] for number in numbers] != [r.trial.predict_key for r in pair.arm]:
        return [], ()
    return row.result["images"], store.arrays_of(row)["pictures"]


def _image_mistake(one: Json, classes: tuple[str, ...], num_seeds: int) -> ImageMistake:
    arm, control = one["arm"], one["control"]
    return ImageMistake(
        kind=one["kind"],
        index=one["index"],
        file=one["file"],
        true_class=classes[one["label"]],
        num_seeds=one.get("num_seeds", num_seeds),
        num_wrong=arm["num_wrong"],
        answer=classes[arm["answer"]],
        probability=arm["probability"],
        control_num_wrong=control["num_wrong"],
        control_answer=classes[control["answer"]],
        control_probability=control["probability"],
    )

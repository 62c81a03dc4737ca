"""Every arm against the control: the family of transfer arms under Holm, the others as they are."""

from dataclasses import dataclass

from headstart.analyse.analysis import Comparison
from headstart.analyse.cells import Cell
from headstart.analyse.multiplicity import NOMINAL, holm
from headstart.analyse.over_seeds import (
    FEWEST_FOR_ORDER,
    favourable,
    mcnemar_p,
    order_violation,
    paired_t,
    sign_flip_p,
)
from headstart.analyse.paired import Answers, Paired, paired
from headstart.analyse.statistics import relative_error_reduction
from headstart.analyse.verdict import FEWEST_SEEDS, Judged
from headstart.plan.steps import Place
from headstart.study.study import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one comparison is held to: its error level, and Holm's p where there is one."""

    level: float
    in_family: bool
    p_adjusted: float | None


def control_of(study: StudySpec, cell: Cell) -> Cell:
    """The control's cell beside a cell."""
    return (*cell[:3], study.control)


def family_of(study: StudySpec, planned: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The comparisons a study was made for: each transfer arm at each size of each pair.

    The plan alone says which these are, so that neither results nor what has finished so far
    change how many there are.
    """
    there = set(planned)
    transfer = {arm.name for arm in study.all_arms if arm.transfers} - {study.control}
    return tuple(c for c in planned if c[3] in transfer and control_of(study, c) in there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What there is to judge: the plan's cells in order, finished answers, what a gate withholds.

    `level` is the error level of this look (`multiplicity.level_of`), `margins` the differences
    that matter, in percentage points, by place.
    """

    study: StudySpec
    planned: tuple[Cell, ...]
    answers: dict[Cell, Answers]
    withheld: dict[Cell, str]
    level: float
    margins: dict[Place, float]


def compare_all(finished: Finished) -> tuple[Comparison, ...]:
    """Every planned cell against its control, where both have a seed in common."""
    study, answers, withheld = finished.study, finished.answers, finished.withheld
    level = finished.level
    measured = {
        cell: found
        for cell in finished.planned
        if cell[3] != study.control
        and cell in answers
        and control_of(study, cell) in answers
        and (found := paired(answers[cell], answers[control_of(study, cell)]))
    }
    invalid = {
        cell: reason
        for cell in measured
        if (reason := withheld.get(cell) or withheld.get(control_of(study, cell)))
    }
    held = _held(family_of(study, finished.planned), measured, set(invalid), level)
    outside = Held(level=level, in_family=False, p_adjusted=None)
    return tuple(
        _comparison(finished, cell, found, invalid.get(cell), held.get(cell, outside))
        for cell, found in measured.items()
    )


def _held(
    family: tuple[Cell, ...], measured: dict[Cell, Paired], invalid: set[Cell], level: float
) -> dict[Cell, Held]:
    """What Holm holds each member to.

    A member that cannot have a verdict now (not run, too few seeds, withheld) counts with p = 1: it
    keeps its place, and never makes it easier for the others.
    """

    def told(cell: Cell) -> float | None:
        found = measured.get(cell)
        if found is None or found.found is None or cell in invalid:
            return None
        return found.found.cautious_p if len(found.seeds) >= FEWEST_SEEDS else None

    p_values = [told(cell) for cell in family]
    steps = holm([1.0 if p is None else p for p in p_values], level)
    return {
        cell: Held(level=own, in_family=True, p_adjusted=None if p is None else adjusted)
        for cell, p, own, adjusted in zip(
            family, p_values, steps.levels, steps.adjusted, strict=True
        )
    }


def _comparison(
    finished: Finished, cell: Cell, found: Paired, withheld: str | None, held: Held
) -> Comparison:
    source, target, size, arm = cell
    margin = finished.margins[source, target, size]
    judged = found.judged(margin, level=held.level, equivalence_level=finished.level)
    if withheld:
        judged = Judged(word="invalid", why=withheld)
    low, high = found.interval_pp(held.level)
    low95, high95 = found.interval_pp(NOMINAL)
    several = len(found.seeds) > 1
    return Comparison(
        arm=arm,
        control=finished.study.control,
        size=size,
        num_images=found.num_images,
        source=source,
        target=target,
        seeds=found.seeds,
        gains_pp=tuple(float(gain) for gain in 100 * found.gains),
        gain_pp=found.gain_pp,
        low_pp=low,
        high_pp=high,
        confidence=1 - held.level,
        margin_pp=margin,
        verdict=judged.word,
        why=judged.why,
        qualifier=judged.qualifier,
        detectable_pp=judged.detectable_pp,
        seeds_needed=judged.seeds_needed,
        images_needed=judged.images_needed,
        more=judged.more,
        error_reduction=relative_error_reduction(found.accuracy, found.other_accuracy),
        low95_pp=low95,
        high95_pp=high95,
        in_family=held.in_family,
        p_value=found.found.cautious_p if found.found else None,
        p_adjusted=held.p_adjusted,
        p_equivalence=found.found.equivalence_p(margin / 100) if found.found else None,
        favourable=favourable(found.gains),
        order_violation=order_violation(found.scores, found.other_scores)
        if len(found.seeds) >= FEWEST_FOR_ORDER
        else None,
        p_paired_t=paired_t(found.gains).p_value if several else None,
        p_sign_flip=sign_flip_p(found.won - found.lost) if several else None,
        p_mcnemar=None if several else mcnemar_p(int(found.won[0]), int(found.lost[0])),
    )

"""Comparisons with the control: transfer arms as one family under Holm, other arms alone."""

from dataclasses import dataclass

from headstart.analyse.analysis import Comparison
from headstart.analyse.cells import Cell, beside
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
class ErrorLevel:
    """Error level of one comparison, and Holm's p within the family."""

    level: float
    in_family: bool
    p_adjusted: float | None


def family_of(study: StudySpec, planned: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Comparisons that the study is for: each transfer arm at each size of each pair.

    The plan alone determines them, so that neither results nor the number of finished trials change
    the size of the family.
    """
    cells = set(planned)
    transfer = {arm.name for arm in study.all_arms if arm.transfers} - {study.control}
    return tuple(c for c in planned if c[3] in transfer and beside(c, study.control) in cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Input of all comparisons: planned cells in order, finished answers, reasons of gates.

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
    """Comparison of every planned cell with its control, where both share a seed."""
    study, answers, withheld = finished.study, finished.answers, finished.withheld
    level = finished.level
    pairs = {
        cell: pair
        for cell in finished.planned
        if cell[3] != study.control
        and cell in answers
        and (control := beside(cell, study.control)) in answers
        and (pair := paired(answers[cell], answers[control]))
    }
    invalid = {
        cell: reason
        for cell in pairs
        if (reason := withheld.get(cell) or withheld.get(beside(cell, study.control)))
    }
    levels = _levels(family_of(study, finished.planned), pairs, set(invalid), level)
    outside = ErrorLevel(level=level, in_family=False, p_adjusted=None)
    return tuple(
        _comparison(finished, cell, pair, invalid.get(cell), levels.get(cell, outside))
        for cell, pair in pairs.items()
    )


def _levels(
    family: tuple[Cell, ...], pairs: dict[Cell, Paired], invalid: set[Cell], level: float
) -> dict[Cell, ErrorLevel]:
    """Holm's error level of each member of the family.

    A member that cannot have a verdict now (not run, too few seeds, withheld) counts with p = 1: it
    keeps its place, and never makes it easier for the others.
    """

    def p_of(cell: Cell) -> float | None:
        pair = pairs.get(cell)
        if pair is None or pair.crossed is None or cell in invalid:
            return None
        return pair.crossed.cautious_p if len(pair.seeds) >= FEWEST_SEEDS else None

    p_values = [p_of(cell) for cell in family]
    steps = holm([1.0 if p is None else p for p in p_values], level)
    return {
        cell: ErrorLevel(level=own, in_family=True, p_adjusted=None if p is None else adjusted)
        for cell, p, own, adjusted in zip(
            family, p_values, steps.levels, steps.adjusted, strict=True
        )
    }


def _comparison(
    finished: Finished, cell: Cell, pair: Paired, withheld: str | None, error: ErrorLevel
) -> Comparison:
    source, target, size, arm = cell
    margin = finished.margins[source, target, size]
    judged = pair.judged(margin, level=error.level, equivalence_level=finished.level)
    if withheld:
        judged = Judged(word="invalid", why=withheld)
    low, high = pair.interval_pp(error.level)
    low95, high95 = pair.interval_pp(NOMINAL)
    several = len(pair.seeds) > 1
    return Comparison(
        arm=arm,
        control=finished.study.control,
        size=size,
        num_images=pair.num_images,
        source=source,
        target=target,
        seeds=pair.seeds,
        gains_pp=tuple(float(gain) for gain in 100 * pair.gains),
        gain_pp=pair.gain_pp,
        low_pp=low,
        high_pp=high,
        confidence=1 - error.level,
        margin_pp=margin,
        verdict=judged.word,
        why=judged.why,
        qualifier=judged.qualifier,
        detectable_pp=judged.detectable_pp,
        seeds_needed=judged.seeds_needed,
        images_needed=judged.images_needed,
        more=judged.more,
        error_reduction=relative_error_reduction(pair.accuracy, pair.other_accuracy),
        low95_pp=low95,
        high95_pp=high95,
        in_family=error.in_family,
        p_value=pair.crossed.cautious_p if pair.crossed else None,
        p_adjusted=error.p_adjusted,
        p_equivalence=pair.crossed.equivalence_p(margin / 100) if pair.crossed else None,
        favourable=favourable(pair.gains),
        order_violation=order_violation(pair.scores, pair.other_scores)
        if len(pair.seeds) >= FEWEST_FOR_ORDER
        else None,
        p_paired_t=paired_t(pair.gains).p_value if several else None,
        p_sign_flip=sign_flip_p(pair.won - pair.lost) if several else None,
        p_mcnemar=None if several else mcnemar_p(int(pair.won[0]), int(pair.lost[0])),
    )

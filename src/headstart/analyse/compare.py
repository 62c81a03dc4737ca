"""Comparisons with the control: transfer arms as one family under Holm, other arms alone."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from headstart.analyse.analysis import FEWEST_SEEDS, Comparison
from headstart.analyse.cells import Cell, beside
from headstart.analyse.contrast import Contrast
from headstart.analyse.evidence import Design
from headstart.analyse.looks import NOTHING_SHOWN, Charge, Shown
from headstart.analyse.multiplicity import NOMINAL, holm
from headstart.analyse.over_seeds import (
    FEWEST_FOR_ORDER,
    favourable,
    mcnemar_p,
    order_violation,
    paired_t,
    sign_flip_p,
)
from headstart.analyse.paired import Answers, paired
from headstart.analyse.statistics import relative_error_reduction
from headstart.analyse.verdict import Judged, unfinished
from headstart.plan.steps import Place
from headstart.study.study import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorLevel:
    """Error level of one comparison, and Holm's p within the family."""

    level: float
    in_family: bool
    p_adjusted: float | None


def family_of(study: Design, planned: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Comparisons that the study is for: each transfer arm at each size of each pair.

    The plan alone determines them, so that neither results nor the number of finished trials change
    the size of the family.
    """
    cells = set(planned)
    transfer = {arm.name for arm in study.all_arms if arm.transfers} - {study.control}
    return tuple(c for c in planned if c[3] in transfer and beside(c, study.control) in cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparable(ABC):
    """Input of all comparisons: what was asked, planned cells in order, reasons of gates.

    `margins` are the differences that matter, in percentage points, by place; `shown` says what was
    shown before, and so what each comparison is held to. `unfinished` cells lack trials that are
    planned and did not fail: of them there is an estimate, and no verdict.
    """

    study: Design
    planned: tuple[Cell, ...]
    withheld: dict[Cell, str]
    margins: dict[Place, float]
    shown: Shown = NOTHING_SHOWN
    unfinished: frozenset[Cell] = frozenset()

    @abstractmethod
    def contrast(self, cell: Cell) -> Contrast | None:
        """A cell against its control; None without results to compare."""

    def charge(self, cell: Cell) -> Charge:
        """What the look at a cell is held to."""
        return self.shown.charge(cell, self.study)

    def is_unfinished(self, cell: Cell) -> bool:
        """Whether a cell or its control lacks trials."""
        return not self.unfinished.isdisjoint({cell, beside(cell, self.study.control)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Comparable):
    """The same of a headstart study, with the answers of its finished trials."""

    study: StudySpec
    answers: dict[Cell, Answers]

    def contrast(self, cell: Cell) -> Contrast | None:
        """A cell against its control over their common seeds; None without one."""
        arm, control = (self.answers.get(c) for c in (cell, beside(cell, self.study.control)))
        return paired(arm, control) if arm and control else None


def compare_all(finished: Comparable) -> tuple[Comparison, ...]:
    """Comparison of every planned cell with its control, where both share a seed."""
    study, withheld = finished.study, finished.withheld
    pairs = {
        cell: pair
        for cell in finished.planned
        if cell[3] != study.control and (pair := finished.contrast(cell))
    }
    invalid = {
        cell: reason
        for cell in pairs
        if (reason := withheld.get(cell) or withheld.get(beside(cell, study.control)))
    }
    family = family_of(study, finished.planned)
    levels = _levels(finished, family, pairs, set(invalid))

    def level_of(cell: Cell) -> ErrorLevel:
        alone = ErrorLevel(level=finished.charge(cell).level, in_family=False, p_adjusted=None)
        return levels.get(cell, alone)

    return tuple(
        _comparison(finished, cell, pair, invalid.get(cell), level_of(cell))
        for cell, pair in pairs.items()
    )


def _levels(
    finished: Comparable,
    family: tuple[Cell, ...],
    pairs: dict[Cell, Contrast],
    invalid: set[Cell],
) -> dict[Cell, ErrorLevel]:
    """Holm's error level of each member of the family.

    Comparisons on the same test images that were shown before are members too, with the p-value
    that they had: leaving them out of a later study makes nothing easier. A member that cannot have
    a verdict now (not finished, too few seeds, withheld) counts with p = 1: it keeps its place, and
    never makes it easier for the others.
    """

    def p_of(cell: Cell) -> float | None:
        pair = pairs.get(cell)
        if pair is None or pair.crossed is None or cell in invalid:
            return None
        if finished.is_unfinished(cell):
            return None
        return pair.crossed.cautious_p if pair.num_seeds >= FEWEST_SEEDS else None

    p_values = [p_of(cell) for cell in family]
    before = finished.shown.others(family)
    steps = holm(
        [1.0 if p is None else p for p in (*p_values, *(look.p_value for look in before))],
        [*(finished.charge(cell).level for cell in family), *(look.level for look in before)],
    )
    return {
        cell: ErrorLevel(level=own, in_family=True, p_adjusted=None if p is None else adjusted)
        for cell, p, own, adjusted in zip(
            family, p_values, steps.levels, steps.adjusted, strict=False
        )
    }


def _comparison(
    finished: Comparable, cell: Cell, pair: Contrast, withheld: str | None, error: ErrorLevel
) -> Comparison:
    source, target, size, arm = cell
    charge, asked = finished.charge(cell), finished.margins[source, target, size]
    margin = asked if charge.margin_pp is None else charge.margin_pp
    complete = not finished.is_unfinished(cell)
    if not complete:
        pair = replace(pair, crossed=None)  # an estimate: no interval, and no p-value
    judged = (
        pair.judged(
            margin,
            level=error.level,
            equivalence_level=charge.level,
            next_level=charge.next_level * error.level / charge.level,
        )
        if complete
        else unfinished(pair.seeds, finished.shown.seeds_of(cell, finished.study), pair.gain_pp)
    )
    if withheld:
        judged = Judged(word="invalid", why=withheld)
    low, high = pair.interval_pp(error.level)
    low95, high95 = pair.interval_pp(NOMINAL)
    # Seeds that split the same images anew are not independent, as two of the tests take them.
    independent = complete and pair.independent
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
        margin_asked_pp=asked,
        look=charge.number,
        level=charge.level,
        verdict=judged.word,
        why=judged.why,
        qualifier=judged.qualifier,
        detectable_pp=judged.detectable_pp,
        seeds_needed=judged.seeds_needed,
        images_needed=judged.images_needed,
        more=judged.more,
        error_reduction=relative_error_reduction(pair.score, pair.other_score),
        low95_pp=low95,
        high95_pp=high95,
        in_family=error.in_family,
        p_value=pair.crossed.cautious_p if pair.crossed else None,
        p_adjusted=error.p_adjusted,
        p_equivalence=pair.crossed.equivalence_p(margin / 100) if pair.crossed else None,
        favourable=favourable(pair.gains) if len(pair.gains) else None,
        order_violation=order_violation(pair.scores, pair.other_scores)
        if len(pair.seeds) >= FEWEST_FOR_ORDER and not pair.control_seeds
        else None,
        p_paired_t=paired_t(pair.gains).p_value if independent else None,
        p_sign_flip=sign_flip_p(pair.totals) if independent else None,
        p_mcnemar=mcnemar_p(*pair.discordant) if complete and pair.discordant else None,
        basis=pair.basis,
        control_seeds=pair.control_seeds,
    )

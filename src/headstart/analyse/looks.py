"""Looks at comparisons: what each look is held to, so that looking again costs (docs/verdict.md).

The looks that a study has planned err in 4 % together; 1 % is left for looks that nobody planned:
more seeds, other seeds, fewer seeds. Of that each later one may use half of what is left. The
errors of all looks at a question sum to 5 % at most, whatever was seen before another was taken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headstart.analyse.analysis import FEWEST_SEEDS, Comparison
from headstart.analyse.cells import Cell, cell_of
from headstart.analyse.evidence import Design
from headstart.analyse.multiplicity import later_level, planned_level
from headstart.plan.questions import Question
from headstart.store.looks import Look
from headstart.study.study import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one look at a comparison is held to.

    Attributes:
        level: its error level, before any adjustment for other comparisons.
        next_level: that of the look that would follow on all so far.
        number: which look at this comparison it is, from 1 on.
        planned: whether the study had planned it before its first look.
        margin_pp: the margin of the first look, if there was one.
    """

    level: float
    next_level: float
    number: int = 1
    planned: bool = True
    margin_pp: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was shown before of a study's comparisons, and of others on the same test images.

    Attributes:
        questions: of the study, by cell; those without one are charged as if nothing was shown.
        looks: the first one first.
        seeds: those of each cell; a cell that is not named has all of the study's.
    """

    questions: Mapping[Cell, Question] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    seeds: Mapping[Cell, tuple[int, ...]] = field(default_factory=dict)

    def seeds_of(self, cell: Cell, study: Design) -> tuple[int, ...]:
        """Seeds of a look at a cell, in ascending order."""
        return tuple(sorted(self.seeds.get(cell, study.seeds)))

    def charge(self, cell: Cell, study: Design) -> Charge:
        """What a look at a cell is held to."""
        planned = planned_level(max(len(study.looks), 1))
        question = self.questions.get(cell)
        looks = [look for look in self.looks if question and look.question == question.key]
        margin = looks[0].margin_pp if looks else None
        seeds, later = self.seeds_of(cell, study), sum(not look.planned for look in looks)
        more_planned = len(seeds) < max(study.looks, default=0)
        for number, look in enumerate(looks, 1):
            if look.seeds == seeds:
                more = planned if more_planned and look.planned else later_level(later + 1)
                return Charge(
                    level=look.level,
                    next_level=more,
                    number=number,
                    planned=look.planned,
                    margin_pp=margin,
                )
        as_planned = not looks or (len(seeds) in study.looks and _goes_on(study, looks))
        later += not as_planned
        return Charge(
            level=planned if as_planned else later_level(later),
            next_level=planned if as_planned and more_planned else later_level(later + 1),
            number=len(looks) + 1,
            planned=as_planned,
            margin_pp=margin,
        )

    def others(self, family: Iterable[Cell]) -> tuple[Look, ...]:
        """The last look at each transfer arm that was shown before and is not in a family now."""
        ours = {self.questions[cell].key for cell in family if cell in self.questions}
        before = (look for look in self.looks if look.in_family and look.question not in ours)
        last = {look.question: look for look in before}
        return tuple(last.values())


NOTHING_SHOWN = Shown()


def _goes_on(study: Design, looks: list[Look]) -> bool:
    """Whether all looks so far were planned as the study plans its looks."""
    planned = planned_level(max(len(study.looks), 1))
    return all(look.planned and look.level == planned for look in looks)


def looks_taken(
    study: StudySpec, shown: Shown, comparisons: Iterable[Comparison]
) -> tuple[Look, ...]:
    """Looks at the comparisons for which there was, or could be, a verdict."""
    counted = (
        c
        for c in comparisons
        if c.verdict not in ("invalid", "unfinished")
        and len(c.seeds) >= FEWEST_SEEDS
        and cell_of(c) in shown.questions
    )
    return tuple(_look(study, shown, c) for c in counted)


def _look(study: StudySpec, shown: Shown, comparison: Comparison) -> Look:
    question = shown.questions[cell_of(comparison)]
    charge = shown.charge(cell_of(comparison), study)
    return Look(
        question=question.key,
        tested=question.tested,
        study=study.name,
        seeds=shown.seeds_of(cell_of(comparison), study),
        planned=charge.planned,
        in_family=comparison.in_family,
        level=charge.level,
        margin_pp=comparison.margin_pp,
        p_value=comparison.p_value,
        verdict=comparison.verdict,
    )

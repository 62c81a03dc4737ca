"""Strictness of the verdicts on transfer arms: the level of their looks, and their family."""

from headstart.analyse.analysis import Strictness
from headstart.analyse.compare import Comparable, family_of
from headstart.analyse.multiplicity import planned_level


def strictness_of(finished: Comparable) -> Strictness:
    """What the verdicts on transfer arms are held to, as sentences say it."""
    family = family_of(finished.study, finished.planned)
    charges = [finished.charge(cell) for cell in family]
    return Strictness(
        level=min((charge.level for charge in charges), default=planned_level(1)),
        look=max((charge.number for charge in charges), default=1),
        looks_planned=max(len(finished.study.looks), 1),
        family_size=len(family) + len(finished.shown.others(family)),
        shown_before=len(finished.shown.others(family)),
    )

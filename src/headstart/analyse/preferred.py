"""The transfer arm that validation prefers at each size of each pair, as its comparison."""

from collections.abc import Iterable

from headstart.analyse.analysis import ArmResult, Comparison
from headstart.analyse.cells import cell_of
from headstart.plan.preference import preferred
from headstart.plan.steps import Place
from headstart.study.study import StudySpec


def preferred_comparisons(
    study: StudySpec, comparisons: Iterable[Comparison], results: Iterable[ArmResult]
) -> dict[Place, Comparison]:
    """Comparison of the transfer arm that validation prefers, by size of a pair.

    The arm is chosen on validation, so that its test interval is not that of the luckiest arm.
    Without validation images the first arm is taken.
    """
    transfer = {arm.name for arm in study.all_arms if arm.transfers}
    validation = {cell_of(result): result.validation_mean for result in results}
    rivals: dict[Place, list[Comparison]] = {}
    for c in comparisons:
        if c.arm in transfer:
            rivals.setdefault((c.source, c.target, c.size), []).append(c)
    return {
        place: preferred(some, lambda c: validation[cell_of(c)]) for place, some in rivals.items()
    }

"""The transfer arm that validation prefers at each size of each pair, marked on its comparison."""

from dataclasses import replace

from headstart.analyse.analysis import ArmResult, Comparison
from headstart.analyse.cells import cell_of
from headstart.analyse.evidence import Design
from headstart.plan.preference import preferred
from headstart.plan.steps import Place


def with_preferred(
    study: Design, comparisons: tuple[Comparison, ...], results: tuple[ArmResult, ...]
) -> tuple[Comparison, ...]:
    """Comparisons with a mark on the transfer arm that validation prefers at each size.

    The arm is chosen on validation, so that its test interval is not that of the luckiest arm.
    Without validation images the first arm is taken.
    """
    transfer = {arm.name for arm in study.all_arms if arm.transfers}
    validation = {cell_of(result): result.validation_mean for result in results}
    rivals: dict[Place, list[Comparison]] = {}
    for c in comparisons:
        if c.arm in transfer:
            rivals.setdefault((c.source, c.target, c.size), []).append(c)
    best = {cell_of(preferred(some, lambda c: validation[cell_of(c)])) for some in rivals.values()}
    return tuple(replace(c, preferred=cell_of(c) in best) for c in comparisons)

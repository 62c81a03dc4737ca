"""Rows of a cut sweep: for each size its families, for each family an arm at every cut."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, ArmResult, known
from headstart.report.record_text import size_lines
from headstart.report.rows import FAMILIES, Row, TaskPair, rows_at, sweep_arms


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRows:
    """One curve of a sweep: an arm for each cut, None for a cut without one."""

    family: str
    rows: tuple[Row | None, ...]  # in parallel with the cuts

    @property
    def description(self) -> str:
        """Origin of the transferred stages, and what is done with them."""
        return FAMILIES[self.family]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Sweep at one size; `control` is the result that its arms are compared with."""

    size: str
    num_images: int
    cuts: tuple[str, ...]
    families: tuple[FamilyRows, ...]
    control: ArmResult | None

    @property
    def title(self) -> str:
        """Text of the size, in one line."""
        return ", ".join(size_lines(self.size, self.num_images))


def sweeps_of(analysis: Analysis, pair: TaskPair) -> tuple[Sweep, ...]:
    """Sweeps of a pair, one for each size at which any of its arms has a result."""
    sweeps = (_sweep(analysis, pair, size) for size in analysis.sizes)
    return tuple(sweep for sweep in sweeps if sweep)


def _sweep(analysis: Analysis, pair: TaskPair, size: str) -> Sweep | None:
    rows = rows_at(analysis, pair, size)
    swept = sweep_arms(analysis)
    by_cut = {swept[row.arm]: row for row in rows if row.arm in swept}
    results = {place: row.result for place, row in by_cut.items() if row.result}
    if not results:
        return None
    return Sweep(
        size=size,
        num_images=known(next(iter(results.values())).num_images),
        cuts=analysis.cuts,
        families=tuple(
            FamilyRows(
                family=family, rows=tuple(by_cut.get((family, cut)) for cut in analysis.cuts)
            )
            for family in FAMILIES
            if any((family, cut) in results for cut in analysis.cuts)
        ),
        control=next((row.result for row in rows if row.is_control), None),
    )

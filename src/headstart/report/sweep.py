"""The cut sweep of a pair as its figure and tables want it: sizes, in them families by cuts."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, ArmResult
from headstart.report.rows import FAMILIES, Pair, Row, rows_at, sweep_arms
from headstart.report.text import size_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRows:
    """One curve of a sweep: an arm for each cut, None where none was asked for."""

    family: str
    rows: tuple[Row | None, ...]  # in parallel with the cuts

    @property
    def words(self) -> str:
        """Where its stages come from, and what becomes of them."""
        return FAMILIES[self.family]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The sweep at one size; `control` is what its arms are compared with."""

    size: str
    num_images: int
    cuts: tuple[str, ...]
    families: tuple[FamilyRows, ...]
    control: ArmResult | None

    @property
    def title(self) -> str:
        """The size for a reader, in one line."""
        return ", ".join(size_lines(self.size, self.num_images))


def sweeps_of(analysis: Analysis, pair: Pair) -> tuple[Sweep, ...]:
    """The sweeps of a pair, one a size at which any of its arms has a result."""
    found = (_sweep(analysis, pair, size) for size in analysis.sizes)
    return tuple(sweep for sweep in found if sweep)


def _sweep(analysis: Analysis, pair: Pair, size: str) -> Sweep | None:
    rows = rows_at(analysis, pair, size)
    swept = sweep_arms(analysis)
    at = {swept[row.arm]: row for row in rows if row.arm in swept}
    measured = {place: row.result for place, row in at.items() if row.result}
    if not measured:
        return None
    return Sweep(
        size=size,
        num_images=next(iter(measured.values())).num_images,
        cuts=analysis.cuts,
        families=tuple(
            FamilyRows(family=family, rows=tuple(at.get((family, cut)) for cut in analysis.cuts))
            for family in FAMILIES
            if any((family, cut) in measured for cut in analysis.cuts)
        ),
        control=next((row.result for row in rows if row.is_control), None),
    )

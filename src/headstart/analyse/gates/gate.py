"""What a gate is, what it may look at and what it can say.

A gate looks at records and names the cells it finds fault with. `invalid` withholds the verdicts of
those cells; `caveat` is printed with them. An audit does the same with the finished numbers in
hand: it works them out once more, in another and plainer way, from the records.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from headstart.analyse.analysis import Analysis, Severity
from headstart.analyse.cells import Cell
from headstart.analyse.lineage import Lineage
from headstart.analyse.records import OverlapRecord, Record
from headstart.plan.steps import Choice, Place
from headstart.study.arms import ArmSpec
from headstart.study.facts import Facts
from headstart.study.network_facts import NetworkFacts
from headstart.study.study import StudySpec

Records = dict[Cell, dict[int, Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a gate found wrong: which cells, and in words. No cells means the whole study."""

    message: str
    cells: frozenset[Cell] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a gate may look at. `records` are the finished trials, `sources` the source runs."""

    study: StudySpec
    facts: Facts
    records: Records
    overlaps: dict[tuple[str, str], OverlapRecord]
    choices: dict[Place, Choice]
    sources: Records = field(default_factory=dict)
    lineage: Lineage = field(default_factory=Lineage)

    def each(self) -> Iterator[tuple[Cell, Record]]:
        """Every finished trial with its cell."""
        for cell, by_seed in self.records.items():
            for record in by_seed.values():
                yield cell, record

    def cells_where(self, wrong: Callable[[Record], bool]) -> frozenset[Cell]:
        """Cells with a trained trial that is wrong."""
        return frozenset(c for c, record in self.each() if record.train_rows and wrong(record))

    def arm(self, name: str) -> ArmSpec:
        """An arm of the study by its name."""
        return next(arm for arm in self.study.all_arms if arm.name == name)

    @property
    def network_facts(self) -> NetworkFacts:
        """Facts of the network of the first pair; those of all pairs have the same stage names."""
        return self.facts.of_pair(self.study, self.study.pairs[0])

    def cells_of(self, arms: Iterable[str]) -> frozenset[Cell]:
        """Every cell of some arms."""
        names = set(arms)
        return frozenset(cell for cell in self.records if cell[3] in names)

    def cells_of_pair(self, source: str, target: str) -> frozenset[Cell]:
        """Every cell of a pair."""
        return frozenset(cell for cell in self.records if cell[:2] == (source, target))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """A gate: its id in docs/checks.md, what it says when all is well, and how it looks."""

    id: str
    title: str
    severity: Severity
    good: str
    look: Callable[[Evidence], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSpec:
    """A check of finished numbers: as a gate, and it has the analysis to look at."""

    id: str
    title: str
    severity: Severity
    good: str
    look: Callable[[Analysis, Evidence], Iterable[Finding]]


def named(cells: Iterable[Cell]) -> str:
    """Arms and sizes of cells, the first few."""
    names = sorted({f"{arm} at {in_words(size)}" for _, _, size, arm in cells})
    shown = ", ".join(names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def in_words(size: str) -> str:
    """A size in a sentence, where "all" alone would be misread."""
    return "all images" if size == "all" else size

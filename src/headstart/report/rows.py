"""Rows of the report's tables: pairs of tasks, their sizes, and a row for each arm.

Arms of a cut sweep have separate tables, see `sweep`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from headstart.analyse.analysis import Analysis, ArmResult, Comparison
from headstart.report.record_text import size_lines

FAMILIES = {
    "AnB": "source, frozen",
    "AnB+": "source, trained on",
    "BnB": "target itself, frozen",
    "BnB+": "target itself, trained on",
    "random": "random weights, frozen",
}
"""Families of a cut sweep: origin of the stages up to the cut, and what is done with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPair:
    """Names of a source task and a target task."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target}" if self.source else self.target


class _InPair(Protocol):
    @property
    def source(self) -> str: ...

    @property
    def target(self) -> str: ...


_Record = TypeVar("_Record", bound=_InPair)


def of_pair(records: Iterable[_Record], pair: TaskPair) -> tuple[_Record, ...]:
    """Records of one pair."""
    return tuple(r for r in records if (r.source, r.target) == (pair.source, pair.target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One arm at one size; `result` is None while no trial of it is done."""

    arm: str
    is_control: bool
    result: ArmResult | None
    comparison: Comparison | None

    @property
    def by_seed(self) -> dict[int, float]:
        """Test accuracy by seed; empty where there is none."""
        return self.result.by_seed if self.result else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRows:
    """All arms at one size; `num_images` is None while no result is there."""

    size: str
    num_images: int | None
    rows: tuple[Row, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Text of the size, one or two lines."""
        return size_lines(self.size, self.num_images)

    @property
    def title(self) -> str:
        """Text of the size, in one line."""
        return ", ".join(self.lines)


def pairs_of(analysis: Analysis) -> tuple[TaskPair, ...]:
    """Pairs of a study in the order of its results."""
    records: list[ArmResult | Comparison] = [*analysis.arms, *analysis.comparisons]
    return tuple(dict.fromkeys(TaskPair(source=r.source, target=r.target) for r in records))


def sizes_of(analysis: Analysis, pair: TaskPair) -> tuple[SizeRows, ...]:
    """Sizes of one pair in the order of the study. A size label counts within its pair only.

    Once every trial is done, an arm without any result was not asked for here and is left out.
    """
    done = analysis.num_done >= analysis.num_trials
    swept = sweep_arms(analysis)
    sizes = []
    for size in analysis.sizes:
        rows = tuple(
            row
            for row in rows_at(analysis, pair, size)
            if row.arm not in swept and (row.result or row.comparison or not done)
        )
        if rows:
            numbers = [r.num_images for row in rows for r in (row.result, row.comparison) if r]
            sizes.append(SizeRows(size=size, num_images=next(iter(numbers), None), rows=rows))
    return tuple(sizes)


def rows_at(analysis: Analysis, pair: TaskPair, size: str) -> tuple[Row, ...]:
    """Row of every arm of the study at one size of one pair, in the order of the study."""
    results = {r.arm: r for r in of_pair(analysis.arms, pair) if r.size == size}
    comparisons = {c.arm: c for c in of_pair(analysis.comparisons, pair) if c.size == size}
    finished = {arm: result for arm, result in results.items() if result.seeds}
    return tuple(
        Row(
            arm=name,
            is_control=name == analysis.control,
            result=finished.get(name),
            comparison=comparisons.get(name),
        )
        for name in dict.fromkeys([*analysis.arm_names, *results, *comparisons])
    )


def seeds_vary(analysis: Analysis) -> bool:
    """Whether seeds were added as evidence needed them, so that arms have different numbers."""
    return any(c.stopped for c in analysis.comparisons)


def results_of(analysis: Analysis, pair: TaskPair) -> dict[tuple[str, str], ArmResult]:
    """Results of a pair by arm and size, without those of a cut sweep."""
    return {
        (row.arm, group.size): row.result
        for group in sizes_of(analysis, pair)
        for row in group.rows
        if row.result
    }


def sweep_arms(analysis: Analysis) -> dict[str, tuple[str, str]]:
    """(family, cut) of the arms of a cut sweep, by name.

    The family of an arm without any result follows only from the name that a sweep gives it.
    """
    by_name = {f"{f}@{cut}": (f, cut) for f in FAMILIES for cut in analysis.cuts}
    swept = {name: by_name[name] for name in analysis.arm_names if name in by_name}
    for result in analysis.arms:
        if result.family in FAMILIES and result.cut in analysis.cuts:
            swept[result.arm] = (result.family, result.cut)
    return swept

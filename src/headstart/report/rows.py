"""The Analysis as tables want it: pairs, in them sizes, in them one row an arm, gaps included.

Arms of a cut sweep are not among them: they have tables of their own, see `sweep`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, ArmResult, Comparison
from headstart.report.text import size_lines

FAMILIES = {
    "AnB": "source, frozen",
    "AnB+": "source, trained on",
    "BnB": "target itself, frozen",
    "BnB+": "target itself, trained on",
    "random": "random weights, frozen",
}
"""The curves of a cut sweep: where the stages up to the cut come from, and what becomes of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A source task and a target task, by name."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One arm at one size. No result: not one of its trials is done. No comparison: not asked."""

    arm: str
    is_control: bool
    result: ArmResult | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRows:
    """All arms at one size; `num_images` is None where no result tells it."""

    size: str
    num_images: int | None
    rows: tuple[Row, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The size for a reader, one or two lines."""
        return size_lines(self.size, self.num_images)

    @property
    def title(self) -> str:
        """The size for a reader, in one line."""
        return ", ".join(self.lines)


def pairs_of(analysis: Analysis) -> tuple[Pair, ...]:
    """The pairs of a study in the order of its results."""
    found: list[ArmResult | Comparison] = [*analysis.arms, *analysis.comparisons]
    return tuple(dict.fromkeys(Pair(source=r.source, target=r.target) for r in found))


def sizes_of(analysis: Analysis, pair: Pair) -> tuple[SizeRows, ...]:
    """The sizes of one pair in the order of the study. A size label counts within its pair only.

    Once every trial is done, an arm without any result was never asked for here and is left out.
    """
    done = analysis.num_done >= analysis.num_trials
    swept = sweep_arms(analysis)
    found = []
    for size in analysis.sizes:
        rows = tuple(
            row
            for row in rows_at(analysis, pair, size)
            if row.arm not in swept and (row.result or row.comparison or not done)
        )
        if rows:
            found.append(SizeRows(size=size, num_images=_num_images(rows), rows=rows))
    return tuple(found)


def rows_at(analysis: Analysis, pair: Pair, size: str) -> tuple[Row, ...]:
    """Every arm of the study at one size of one pair, in the order of the study."""
    results = {r.arm: r for r in analysis.arms if _is(r, pair, size)}
    comparisons = {c.arm: c for c in analysis.comparisons if _is(c, pair, size)}
    return tuple(
        Row(
            arm=name,
            is_control=name == analysis.control,
            result=_with_seeds(results.get(name)),
            comparison=comparisons.get(name),
        )
        for name in dict.fromkeys([*analysis.arm_names, *results, *comparisons])
    )


def sweep_arms(analysis: Analysis) -> dict[str, tuple[str, str]]:
    """(family, cut) of the arms of a cut sweep, by name.

    An arm without any result tells its family only by the name that a sweep gives it.
    """
    by_name = {f"{f}@{cut}": (f, cut) for f in FAMILIES for cut in analysis.cuts}
    found = {name: by_name[name] for name in analysis.arm_names if name in by_name}
    for result in analysis.arms:
        if result.family in FAMILIES and result.cut in analysis.cuts:
            found[result.arm] = (result.family, result.cut)
    return found


def _num_images(rows: Sequence[Row]) -> int | None:
    found = [part.num_images for row in rows for part in (row.result, row.comparison) if part]
    return found[0] if found else None


def _with_seeds(result: ArmResult | None) -> ArmResult | None:
    return result if result and result.seeds else None


def _is(found: ArmResult | Comparison, pair: Pair, size: str) -> bool:
    return (found.source, found.target, found.size) == (pair.source, pair.target, size)

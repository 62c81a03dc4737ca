"""The Analysis as tables want it: pairs, in them sizes, in them one row an arm, gaps included."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, ArmResult, Comparison
from headstart.report.text import size_lines


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
    """The sizes of one pair in the order of the study. A size label counts within its pair only."""
    return tuple(_size(analysis, pair, size) for size in analysis.sizes)


def _size(analysis: Analysis, pair: Pair, size: str) -> SizeRows:
    results = {r.arm: r for r in analysis.arms if _is(r, pair, size)}
    comparisons = {c.arm: c for c in analysis.comparisons if _is(c, pair, size)}
    names = dict.fromkeys([*analysis.arm_names, *results, *comparisons])
    found: list[ArmResult | Comparison] = [*results.values(), *comparisons.values()]
    return SizeRows(
        size=size,
        num_images=found[0].num_images if found else None,
        rows=tuple(
            Row(
                arm=name,
                is_control=name == analysis.control,
                result=_with_seeds(results.get(name)),
                comparison=comparisons.get(name),
            )
            for name in names
        ),
    )


def _with_seeds(result: ArmResult | None) -> ArmResult | None:
    return result if result and result.seeds else None


def _is(found: ArmResult | Comparison, pair: Pair, size: str) -> bool:
    return (found.source, found.target, found.size) == (pair.source, pair.target, size)

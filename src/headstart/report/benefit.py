"""Benefit of transfer as text: labels, updates and operations saved, the arm to use."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, Benefit, Estimate, Forgetting, ModelSelection
from headstart.analyse.text import DASH, bracketed, count, operations, percent, plural, points
from headstart.report.record_text import bound_text, estimate_text, size_lines
from headstart.report.rows import TaskPair, of_pair

TITLES = ("Target data, arm", "Labels\n{control} needs", "Updates", "Operations")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitRow:
    """Table row of one transfer arm at one size."""

    size: str
    arm: str
    labels: str
    updates: str
    operations: str


def benefit_rows(analysis: Analysis, pair: TaskPair) -> tuple[BenefitRow, ...]:
    """Rows of one pair in the order of the study; empty where every value is withheld."""
    rows = tuple(_row(benefit) for benefit in of_pair(analysis.worth, pair))
    known = any({row.labels, row.updates, row.operations} != {DASH} for row in rows)
    return rows if known else ()


def benefit_note(analysis: Analysis) -> str:
    """Meaning of the columns."""
    control = analysis.control
    return (
        f"Labels {control} needs: to do as well as the arm, read off the curve of {control} "
        "over the sizes of the study, with a 95 % interval; an end beyond them is left open. "
        f"Updates and operations: until {analysis.accuracy_on('validation')} has 95 % of what "
        f"{control} finally gains over chance, median over seeds, against those of {control}; the "
        "source run is not included."
    )


def selection_lines(analysis: Analysis, several_pairs: bool) -> Iterator[str]:
    """Arm to use at each size, a line for each."""
    for selection in analysis.picks:
        cost = f"{operations(selection.flops)} operations"
        if selection.source_flops:
            cost += f" after a source run of {operations(selection.source_flops)}"
        spread = "" if selection.test_sd is None else f" ± {percent(selection.test_sd)}"
        ties = f" ({selection.why})" if selection.why else ""
        yield (
            f"{_place(selection, several_pairs)}: best on validation is {selection.arm}: "
            f"{analysis.accuracy_on('test')} {percent(selection.test_mean)}{spread} %, {cost}{ties}"
        )


def forgetting_lines(analysis: Analysis, several_pairs: bool) -> Iterator[str]:
    """Accuracy that the arms have lost on the source task, a line for each size."""
    places: dict[str, list[str]] = {}
    for forgetting in analysis.forgetting:
        lost = forgetting.forgotten_pp
        ends = "" if lost.low is None else f" {bracketed(lost.low, lost.high)}"
        places.setdefault(_place(forgetting, several_pairs), []).append(
            f"{forgetting.arm} {points(lost.value)} pp{ends}"
        )
    for place, arms in places.items():
        yield f"{place}: forgotten of the source task (its own head, its test images): " + (
            ", ".join(arms)
        )


def labels_text(labels: Estimate) -> str:
    """Number of labels, or the known bound on it, without its interval."""
    return bound_text(labels, count)


def _row(benefit: Benefit) -> BenefitRow:
    return BenefitRow(
        size=", ".join(size_lines(benefit.size, benefit.num_images)),
        arm=benefit.arm,
        labels=estimate_text(benefit.labels, _within_study),
        updates=_against(benefit.updates_to, benefit.control_updates_to, count),
        operations=_against(benefit.flops_to, benefit.control_flops_to, operations),
    )


def _within_study(labels: float) -> str:
    """Number of labels; an end beyond the sizes of the study is open."""
    return "…" if labels <= 0 else count(labels)


def _against(own: Estimate, control: Estimate, number: Callable[[float], str]) -> str:
    one, other = (bound_text(estimate, number) for estimate in (own, control))
    return DASH if one == DASH else f"{one} against {other}"


def _place(record: ModelSelection | Forgetting, several_pairs: bool) -> str:
    pair = f"{TaskPair(source=record.source, target=record.target)}, " if several_pairs else ""
    return f"{pair}{plural(record.num_images, 'image')}"

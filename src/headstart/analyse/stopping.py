"""After how many seeds each comparison of a study with planned looks ended, and why."""

from dataclasses import replace

from headstart.analyse.analysis import Comparison, Ended
from headstart.analyse.cells import cell_of
from headstart.analyse.text import minutes_text, plural
from headstart.plan.allocation import Allocation
from headstart.study.study import StudySpec


def with_stopping(
    study: StudySpec, allocation: Allocation | None, comparisons: tuple[Comparison, ...]
) -> tuple[Comparison, ...]:
    """Comparisons with the reason why each has its number of seeds.

    A study with a fixed number of seeds has none. An arm that is no transfer arm gets as many seeds
    as the transfer arms beside it, whatever is found of it.
    """
    if allocation is None:
        return comparisons
    decisive = asked(comparisons)
    return tuple(
        replace(c, ended=ended, stopped=_sentence(study, allocation, c, ended))
        if c in decisive and (ended := _ended(study, allocation, c))
        else c
        for c in comparisons
    )


def asked(comparisons: tuple[Comparison, ...]) -> tuple[Comparison, ...]:
    """Comparisons that a study is for, which say how many seeds it takes.

    They are those of transfer arms; where a size has none, all.
    """
    transfer = {cell_of(c)[:3] for c in comparisons if c.in_family}
    return tuple(c for c in comparisons if c.in_family or cell_of(c)[:3] not in transfer)


def only_by_images(comparison: Comparison) -> bool:
    """Whether no number of seeds would decide a comparison, as its images vary too much."""
    return comparison.more == "test images" and comparison.seeds_needed is None


def _ended(study: StudySpec, allocation: Allocation, comparison: Comparison) -> Ended:
    """Why a comparison has no more seeds; empty where it has no valid verdict."""
    if comparison.verdict in ("invalid", "unfinished"):
        return ""
    if comparison.verdict != "not enough evidence":
        return "decided"
    if allocation.number(cell_of(comparison)) >= study.looks[-1]:
        return "last look"
    return allocation.stopped.get(cell_of(comparison), "goes on")


def _sentence(
    study: StudySpec, allocation: Allocation, comparison: Comparison, ended: Ended
) -> str:
    number = allocation.number(cell_of(comparison))
    seeds = plural(number, "seed")
    if ended == "decided":
        return f"decided after {seeds}"
    why = {
        "budget": f"the budget of {minutes_text(study.minutes or 0)} ended",
        "out of reach": "more test images might decide it, more seeds would not"
        if only_by_images(comparison)
        else f"it would take more than the {study.looks[-1]} that are planned",
        "last look": "no more are planned",
    }
    following = next((look for look in study.looks if look > number), number)
    return f"not decided after {seeds}; {why.get(ended, f'a run goes on to {following}')}"

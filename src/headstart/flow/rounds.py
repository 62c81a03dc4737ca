"""Rounds of a study with planned looks: which comparisons go on to their next look."""

from collections.abc import Iterable
from dataclasses import replace

from headstart.analyse.analysis import Analysis, Comparison
from headstart.analyse.cells import cell_of
from headstart.analyse.statistics import MOST_SEEDS
from headstart.analyse.stopping import asked, only_by_images
from headstart.flow.check import Loaded
from headstart.plan.allocation import (
    Allocation,
    Cell,
    OpenComparison,
    Stop,
    affordable,
    allocation_from,
)
from headstart.plan.cost_estimate import seconds_of
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan
from headstart.store.records import PlanRow
from headstart.study.study import StudySpec


def present_round(loaded: Loaded, last: PlanRow | None) -> Loaded:
    """A study at the round that its last plan was for, or at the first one.

    A study with a fixed number of seeds stays as it is.
    """
    study = loaded.study
    if not study.looks:
        return loaded
    begun = last.allocation if last else None
    allocation = allocation_from(begun) if begun else Allocation(first=study.looks[0])
    all_seeds = study.model_copy(update={"seeds": study.all_seeds})
    return replace(loaded, study=all_seeds, allocation=allocation)


def next_round(
    at: Loaded, plan: Plan, analysis: Analysis, pace: float | None, workers: int
) -> Loaded | None:
    """The study at its next round; None where nothing changes any more.

    A comparison goes on while it has no verdict, further looks are planned, more seeds promise one,
    and they fit the time. All steps of the study count as time, whether they were run for it or
    found in the store: so a run that was stopped comes to the same end.

    Args:
        at: the study at the round that was analysed.
        plan: of that round.
        analysis: of that round.
        pace: what trainings take here over what the cost model says.
        workers: that share the work.
    """
    now = at.allocation
    if now is None or analysis.num_done < analysis.num_trials:
        return None
    undecided = _open(at.study, now, analysis)
    stopped: dict[Cell, Stop] = {
        one.cell: "out of reach" for one in undecided if one.out_of_reach(at.study.looks[-1])
    }
    able = [one for one in undecided if one.cell not in stopped]
    chosen = _within_budget(at, plan, able, pace, workers)
    stopped |= {one.cell: "budget" for one in able if one not in chosen}
    following = now.going_on(_looks(chosen), stopped)
    return None if following == now else replace(at, allocation=following)


def _open(study: StudySpec, now: Allocation, analysis: Analysis) -> list[OpenComparison]:
    """Comparisons without a verdict that could go on to another look."""
    comparisons = asked(analysis.comparisons)
    decisive = {cell_of(c) for c in comparisons}
    return [
        OpenComparison(
            cell=cell_of(c),
            number=number,
            look=next(look for look in study.looks if look > number),
            needed=_needed(c),
            with_it=_with(cell_of(c), study, decisive),
            by_images=only_by_images(c),
        )
        for c in comparisons
        if c.verdict == "not enough evidence"
        and cell_of(c) not in now.stopped
        and (number := now.number(cell_of(c))) < study.looks[-1]
    ]


def _needed(c: Comparison) -> int | None:
    """About how many seeds would decide a comparison; None without an interval to guess from."""
    if c.seeds_needed is None and c.low_pp is not None:
        return MOST_SEEDS  # not even so many
    return c.seeds_needed


def _with(cell: Cell, study: StudySpec, decisive: Iterable[Cell]) -> tuple[Cell, ...]:
    """A cell with those beside it that get the same seeds: the control, and what may explain it."""
    others = ((*cell[:3], arm.name) for arm in study.all_arms)
    return (cell, *(other for other in others if other not in decisive))


def _looks(going_on: Iterable[OpenComparison]) -> dict[Cell, int]:
    """The number of seeds that each cell needs for the next looks of some comparisons."""
    numbers: dict[Cell, int] = {}
    for one in going_on:
        numbers |= {cell: max(one.look, numbers.get(cell, 0)) for cell in one.with_it}
    return numbers


def _within_budget(
    at: Loaded,
    plan: Plan,
    able: list[OpenComparison],
    pace: float | None,
    workers: int,
) -> tuple[OpenComparison, ...]:
    """The comparisons whose next look fits what is left of the time."""
    study, now = at.study, at.allocation
    assert now is not None, "a study without planned looks has one round"
    if study.minutes is None or not able:
        return tuple(able)
    # Learning rates that seeds have yet to choose for themselves do not change what they cost.
    settled = study.untuned()
    after = make_plan(settled, at.facts, allocation=now.going_on(_looks(able), {}))
    known = make_plan(settled, at.facts, allocation=now)
    so_far = known.behind(known.trials)

    def steps_of(one: OpenComparison) -> frozenset[str]:
        cells = set(one.with_it)
        seeds = set(study.seeds[: one.look])
        return (
            after.behind(
                trial for trial in after.trials if cell_of(trial) in cells and trial.seed in seeds
            )
            - so_far
        )

    return affordable(
        able,
        steps_of,
        lambda keys: seconds_of((after.steps[key] for key in keys), pace, workers),
        60 * study.minutes - seconds_of(plan.steps.values(), pace, workers),
    )

"""Cost estimate of a plan: what is left to do, and about how long it takes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from headstart.plan.steps import Plan, Step

# A plain laptop core, for a store that has nothing to go by yet.
FLOPS_PER_SECOND = 1.5e10
EVALUATION_FLOPS_PER_SECOND = 4.5e10  # forward only, in large batches
SECONDS_PER_UPDATE = 0.7e-3
SECONDS_PER_STEP = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """A plan against a store. `measured` says whether the store's own timings were used.

    Where seeds are added as evidence needs them, the plan is that of the present round; `most` is
    what all comparisons would take with the most seeds, and `minutes` the budget, if there is one.
    """

    study: str
    num_trials: int
    num_sources: int
    steps: tuple[tuple[str, int, int], ...]  # (kind, steps, of them stored)
    updates: int
    flops: int
    seconds: float
    workers: int
    measured: bool
    most: "MostSeeds | None" = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MostSeeds:
    """Worst case of a study that adds seeds: every comparison has the most seeds.

    `looks` are the planned numbers of seeds; `seconds` are of all that is not stored.
    """

    looks: tuple[int, ...]
    num_trials: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgress:
    """How far a study of a store is; `number` is its own in the store.

    `seeds` is the number of seeds that comparisons have so far, the most of any; `most_seeds` the
    most that is planned, 0 where no more are.
    """

    number: int
    study: str
    trials_done: int
    num_trials: int
    steps_done: int
    num_steps: int
    steps_failed: int
    used_at: str
    seeds: int
    most_seeds: int = 0


def estimate_cost(
    study: str,
    plan: Plan,
    expected: tuple[Step, ...],
    stored: set[str],
    pace: float | None,
    workers: int,
) -> CostEstimate:
    """Cost of the steps left of a plan and expected after it.

    `pace` is what earlier trainings took over what the model says of them.
    """
    steps = [*plan.steps.values(), *expected]
    left = [step for step in steps if step.key not in stored]
    kinds = Counter(step.kind for step in steps)
    kept = Counter(step.kind for key, step in plan.steps.items() if key in stored)
    return CostEstimate(
        study=study,
        num_trials=plan.num_trials,
        num_sources=len(plan.sources),
        steps=tuple((kind, number, kept[kind]) for kind, number in kinds.items()),
        updates=sum(step.updates for step in left),
        flops=sum(step.flops + step.evaluation_flops for step in left),
        seconds=seconds_of(left, pace, workers),
        workers=workers,
        measured=pace is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Makespan:
    """Seconds that one core takes for some steps, and at most how much sooner several are done."""

    alone: float
    saved: float


def makespan(steps: Iterable[Step], workers: int) -> Makespan:
    """How long steps take one core, and how much of that several workers save at most.

    Args:
        steps: in the order of a plan, in which each comes after its inputs.
        workers: their number.
    """
    total, ends = 0.0, dict[str, float]()
    for step in steps:
        seconds = step_seconds(step)
        total += seconds
        ends[step.key] = seconds + max((ends.get(key, 0.0) for key in step.inputs), default=0.0)
    longest = max(ends.values(), default=0.0)
    return Makespan(alone=total, saved=total - max(longest, total / workers))


def seconds_of(steps: Iterable[Step], pace: float | None, workers: int) -> float:
    """About how long steps take so many workers."""
    return (1.0 if pace is None else pace) * sum(map(step_seconds, steps)) / workers


def step_seconds(step: Step) -> float:
    """Seconds on one core that a step would take on a plain laptop."""
    counted = step.kind != "score"  # a score is read off in no time
    return model_seconds(step.flops, step.evaluation_flops, step.updates, counted)


def model_seconds(flops: int, evaluation_flops: int, updates: int, steps: int) -> float:
    """Seconds on one core that such work would take on a plain laptop.

    Args:
        flops: operations of training.
        evaluation_flops: operations of measuring on validation images and of predicting.
        updates: number of updates.
        steps: number of steps.
    """
    return (
        flops / FLOPS_PER_SECOND
        + evaluation_flops / EVALUATION_FLOPS_PER_SECOND
        + updates * SECONDS_PER_UPDATE
        + steps * SECONDS_PER_STEP
    )

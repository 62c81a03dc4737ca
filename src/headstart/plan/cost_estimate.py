"""Cost estimate of a plan: what is left to do, and about how long it takes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from headstart.plan.steps import Plan, Step

# A plain laptop core, for a store that has nothing to go by yet.
FLOPS_PER_SECOND = 1.5e10
SECONDS_PER_UPDATE = 0.7e-3
SECONDS_PER_STEP = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """A plan against a store. `measured` says whether the store's own timings were used."""

    study: str
    num_trials: int
    num_sources: int
    steps: tuple[tuple[str, int, int], ...]  # (kind, steps, of them stored)
    updates: int
    flops: int
    seconds: float
    workers: int
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgress:
    """How far a study of a store is."""

    study: str
    trials_done: int
    num_trials: int
    steps_done: int
    num_steps: int
    steps_failed: int
    used_at: str


def estimate_cost(
    study: str,
    plan: Plan,
    expected: tuple[Step, ...],
    stored: set[str],
    spent: tuple[float, float] | None,
    workers: int,
) -> CostEstimate:
    """Cost of the steps left of a plan and expected after it.

    `spent` is (seconds measured, seconds modelled) of earlier trainings.
    """
    steps = [*plan.steps.values(), *expected]
    left = [step for step in steps if step.key not in stored]
    long = sum(step.kind != "score" for step in left)  # a score is read off in no time
    flops, updates = sum(step.flops for step in left), sum(step.updates for step in left)
    factor = spent[0] / spent[1] if spent else 1.0
    kinds = Counter(step.kind for step in steps)
    kept = Counter(step.kind for key, step in plan.steps.items() if key in stored)
    return CostEstimate(
        study=study,
        num_trials=plan.num_trials,
        num_sources=len(plan.sources),
        steps=tuple((kind, number, kept[kind]) for kind, number in kinds.items()),
        updates=updates,
        flops=flops,
        seconds=factor * model_seconds(flops, updates, long) / workers,
        workers=workers,
        measured=spent is not None,
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
        seconds = model_seconds(step.flops, step.updates, step.kind != "score")
        total += seconds
        ends[step.key] = seconds + max((ends.get(key, 0.0) for key in step.inputs), default=0.0)
    longest = max(ends.values(), default=0.0)
    return Makespan(alone=total, saved=total - max(longest, total / workers))


def model_seconds(flops: int, updates: int, steps: int) -> float:
    """Seconds on one core that such work would take on a plain laptop."""
    return flops / FLOPS_PER_SECOND + updates * SECONDS_PER_UPDATE + steps * SECONDS_PER_STEP

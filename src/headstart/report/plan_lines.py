"""What a run has to do and about how long it takes, in sentences."""

from headstart.analyse.text import listed, minutes_text, plural, rough_duration
from headstart.plan.cost_estimate import CostEstimate, MostSeeds


def plan_lines(cost: CostEstimate) -> tuple[str, ...]:
    """What is to do and the time it takes; then what further seeds may take, if any are added."""
    further = (_further(cost, cost.most),) if cost.most else ()
    if all(planned == stored for _, planned, stored in cost.steps):
        return ("Everything is stored; a run only reports.", *further)
    basis = "by this store's own timings" if cost.measured else "a guess: no timings here yet"
    return (
        f"{cost.updates:,} updates, {cost.flops / 1e9:,.0f} GFLOP to do: about "
        f"{rough_duration(cost.seconds)} with {plural(cost.workers, 'worker')} ({basis}).",
        *further,
    )


def _further(cost: CostEstimate, most: MostSeeds) -> str:
    """What comparisons whose evidence is short may take beyond the present round."""
    budget = (
        f" Further seeds end where the study would take more than {minutes_text(cost.minutes)}."
        if cost.minutes
        else ""
    )
    return (
        f"Comparisons without a verdict go on to {listed(list(map(str, most.looks[1:])), 'or')} "
        f"seeds. If all went on to {most.looks[-1]}: {most.num_trials:,} trials, about "
        f"{rough_duration(most.seconds)}.{budget}"
    )

"""Plan of a run, and progress of the studies of a store, in a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headstart.analyse.text import listed, minutes_text, plural, rough_duration
from headstart.plan.cost_estimate import CostEstimate, MostSeeds, StudyProgress
from headstart.report.terminal.console import plain_table, styled

if TYPE_CHECKING:
    from rich.console import Console


def print_plan(cost: CostEstimate, found: Iterable[str], console: "Console") -> None:
    """Print what was found, steps by kind, how many of them are stored, and the estimated time."""
    for line in found:
        console.print(styled(line), highlight=False, soft_wrap=True)
    first = f", {plural(cost.most.looks[0], 'seed')} at first" if cost.most else ""
    console.print(
        f"Study [bold]{cost.study}[/]: {cost.num_trials} trials and {cost.num_sources} source runs"
        f"{first}"
    )
    table = plain_table("step", "planned", "stored", "to do", justify="right")
    for kind, planned, stored in cost.steps:
        table.add_row(kind, str(planned), str(stored), str(planned - stored))
    console.print(table)
    if all(planned == stored for _, planned, stored in cost.steps):
        console.print("Everything is stored; a run only reports.")
    else:
        basis = "by this store's own timings" if cost.measured else "a guess: no timings here yet"
        console.print(
            f"{cost.updates:,} updates, {cost.flops / 1e9:,.0f} GFLOP to do: about "
            f"{rough_duration(cost.seconds)} with {plural(cost.workers, 'worker')} ({basis})."
        )
    if cost.most:
        console.print(_further(cost, cost.most))


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


def print_status(studies: Iterable[StudyProgress], console: "Console") -> None:
    """Print a line for each study of a store."""
    table = plain_table("study", "trials", "steps", "failed", "seeds", "last used (UTC)")
    for study in studies:
        table.add_row(
            study.study,
            f"{study.trials_done} of {study.num_trials}",
            f"{study.steps_done} of {study.num_steps}",
            str(study.steps_failed) if study.steps_failed else "none",
            f"{study.seeds} of at most {study.most_seeds}"
            if study.most_seeds
            else str(study.seeds),
            study.used_at[:16].replace("T", " "),
        )
    console.print(table)

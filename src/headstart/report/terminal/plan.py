"""Plan of a run, and progress of the studies of a store, in a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headstart.analyse.text import plural, rough_duration
from headstart.plan.cost_estimate import CostEstimate, StudyProgress
from headstart.report.terminal.console import plain_table, styled

if TYPE_CHECKING:
    from rich.console import Console


def print_plan(cost: CostEstimate, found: Iterable[str], console: "Console") -> None:
    """Print what was found, steps by kind, how many of them are stored, and the estimated time."""
    for line in found:
        console.print(styled(line), highlight=False, soft_wrap=True)
    console.print(
        f"Study [bold]{cost.study}[/]: {cost.num_trials} trials and {cost.num_sources} source runs"
    )
    table = plain_table("step", "planned", "stored", "to do", justify="right")
    for kind, planned, stored in cost.steps:
        table.add_row(kind, str(planned), str(stored), str(planned - stored))
    console.print(table)
    if all(planned == stored for _, planned, stored in cost.steps):
        console.print("Everything is stored; a run only reports.")
        return
    basis = "by this store's own timings" if cost.measured else "a guess: no timings here yet"
    console.print(
        f"{cost.updates:,} updates, {cost.flops / 1e9:,.0f} GFLOP to do: about "
        f"{rough_duration(cost.seconds)} with {plural(cost.workers, 'worker')} ({basis})."
    )


def print_status(studies: Iterable[StudyProgress], console: "Console") -> None:
    """Print a line for each study of a store."""
    table = plain_table("study", "trials", "steps", "failed", "last used (UTC)")
    for study in studies:
        table.add_row(
            study.study,
            f"{study.trials_done} of {study.num_trials}",
            f"{study.steps_done} of {study.num_steps}",
            str(study.steps_failed) if study.steps_failed else "none",
            study.used_at[:16].replace("T", " "),
        )
    console.print(table)

"""What lies ahead, how far studies are and which data is at hand, printed to the terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headstart.plan.cost_estimate import CostEstimate, StudyProgress

if TYPE_CHECKING:
    from rich.console import Console


def print_plan(cost: CostEstimate, console: "Console") -> None:
    """Steps by kind, what is stored, and the time it would take."""
    from rich.table import Table

    console.print(
        f"Study [bold]{cost.study}[/]: {cost.num_trials} trials and {cost.num_sources} source runs"
    )
    table = Table("step", "planned", "stored", "to do", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, number, kept in cost.steps:
        table.add_row(kind, str(number), str(kept), str(number - kept))
    console.print(table)
    if all(number == kept for _, number, kept in cost.steps):
        console.print("Everything is stored; a run only reports.")
        return
    basis = "by this store's own timings" if cost.measured else "a guess: no timings here yet"
    workers = f"{cost.workers} worker{'s' if cost.workers > 1 else ''}"
    console.print(
        f"{cost.updates:,} updates, {cost.flops / 1e9:,.0f} GFLOP to do: about "
        f"{duration(cost.seconds)} with {workers} ({basis})."
    )


def print_status(studies: Iterable[StudyProgress], console: "Console") -> None:
    """A line for each study of a store."""
    from rich.table import Table

    table = Table("study", "trials", "steps", "failed", "last used (UTC)", box=None, pad_edge=False)
    for found in studies:
        table.add_row(
            found.study,
            f"{found.trials_done} of {found.num_trials}",
            f"{found.steps_done} of {found.num_steps}",
            str(found.steps_failed) if found.steps_failed else "none",
            found.used_at[:16].replace("T", " "),
        )
    console.print(table)


def duration(seconds: float) -> str:
    """Seconds in the unit a person would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

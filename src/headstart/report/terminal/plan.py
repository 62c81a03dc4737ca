"""Plan of a run, and progress of the studies of a store, in a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headstart.analyse.text import plural
from headstart.plan.cost_estimate import CostEstimate, StudyProgress
from headstart.report.plan_lines import plan_lines
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
    for line in plan_lines(cost):
        console.print(line)


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

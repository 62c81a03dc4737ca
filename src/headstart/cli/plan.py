"""`headstart plan`: steps of a run and its estimated time. Trains nothing."""

import shlex
import sys

import typer

from headstart.cli.arguments import (
    DEFAULT_STORE,
    Grid,
    SkipBroken,
    StoreFolder,
    Study,
    Variants,
    Workers,
    changes_of,
    with_groups,
)


@with_groups
def plan(
    study: Study,
    *,
    store: StoreFolder = DEFAULT_STORE,
    grid: Grid,
    workers: Workers = None,
    variants: Variants,
    skip_broken: SkipBroken = False,
) -> None:
    """Show the steps of a study, what is already stored, and the estimated time."""
    from rich.console import Console

    from headstart import flow
    from headstart.cli.output import warn
    from headstart.report.terminal.plan import print_plan

    loaded = flow.load(study, changes_of(grid, variants, skip_broken))
    print_plan(flow.cost_of_run(loaded, store, workers or flow.default_workers()), Console())
    warn(flow.warnings(loaded))
    # With the options it was planned with: `run` takes every one of them.
    typer.echo(f"Run it with: {shlex.join(['headstart', 'run', *sys.argv[2:]])}")

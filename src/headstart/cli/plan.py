"""`headstart plan`: what a run would do, and about how long it would take. Trains nothing."""

import shlex
import sys
from pathlib import Path

import typer

from headstart.cli.arguments import (
    Arms,
    AsPublished,
    Quick,
    Seeds,
    Sizes,
    SkipBroken,
    StoreFolder,
    Study,
    Thorough,
    Workers,
    num_micro_batches,
    variants_of,
)


def plan(
    study: Study,
    store: StoreFolder = Path("headstart-store"),
    seeds: Seeds = None,
    sizes: Sizes = None,
    arms: Arms = None,
    workers: Workers = None,
    as_published: AsPublished = False,
    thorough: Thorough = False,
    quick: Quick = False,
    skip_broken: SkipBroken = False,
) -> None:
    """Show the steps of a study, what is already stored, and the estimated time."""
    from rich.console import Console

    from headstart import flow
    from headstart.cli.output import warn
    from headstart.report.terminal.plan import print_plan

    changes = flow.Changes(
        seeds=seeds,
        sizes=num_micro_batches(sizes),
        arms=num_micro_batches(arms),
        variants=variants_of(thorough, as_published, quick),
        skip_broken=skip_broken,
    )
    loaded = flow.load(study, changes)
    estimate_cost = flow.cost_of_run(loaded, store, workers or flow.default_workers())
    print_plan(estimate_cost, Console())
    warn(flow.warnings(loaded))
    # With the options it was planned with: `run` takes every one of them.
    typer.echo(f"Run it with: {shlex.join(['headstart', 'run', *sys.argv[2:]])}")

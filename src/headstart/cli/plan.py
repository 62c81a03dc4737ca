"""`headstart plan`: what a run would do, and about how long it would take. Trains nothing."""

from pathlib import Path

import typer

from headstart.cli.arguments import Arms, Seeds, Sizes, StoreFolder, Study, Workers, parts_of


def plan(
    study: Study,
    store: StoreFolder = Path("headstart-store"),
    seeds: Seeds = None,
    sizes: Sizes = None,
    arms: Arms = None,
    workers: Workers = None,
) -> None:
    """Show the steps of a study, what is already stored, and the estimated time."""
    from rich.console import Console

    from headstart import flow
    from headstart.report.plan import print_plan

    changes = flow.Changes(seeds=seeds, sizes=parts_of(sizes), arms=parts_of(arms))
    loaded = flow.load(study, changes)
    outlook = flow.look_ahead(loaded, store, workers or flow.default_workers())
    print_plan(outlook, Console())
    typer.echo(f"Run it with: headstart run {study}")

"""`headstart run`: plan, run what is missing, print the verdict, write the report."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from headstart.cli.arguments import (
    Arms,
    AsJson,
    AsPublished,
    Csv,
    Html,
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


def run(
    study: Study,
    store: StoreFolder = Path("headstart-store"),
    seeds: Seeds = None,
    sizes: Sizes = None,
    arms: Arms = None,
    workers: Workers = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")
    ] = "auto",
    as_published: AsPublished = False,
    thorough: Thorough = False,
    quick: Quick = False,
    skip_broken: SkipBroken = False,
    html: Html = None,
    csv: Csv = None,
    json: AsJson = False,
) -> None:
    """Run a study: what the store already holds is not run again."""
    from headstart import flow
    from headstart.cli.output import need_places, show, warn
    from headstart.cli.progress import progress
    from headstart.execute.options import RunOptions

    changes = flow.Changes(
        seeds=seeds,
        sizes=num_micro_batches(sizes),
        arms=num_micro_batches(arms),
        variants=variants_of(thorough, as_published, quick),
        skip_broken=skip_broken,
    )
    loaded = flow.load(study, changes)
    need_places(html, csv)
    options = RunOptions(
        store=store, workers=workers or flow.default_workers(device), device=device
    )
    warn(flow.warnings(loaded))
    with progress(options.workers) as (planned, listen):
        done = flow.run(loaded, options, listen=listen, planned=planned, command=_command())
    show(done.analysis, done.summary, store, html=html, csv=csv, as_json=json)
    if done.tally.failed:
        sys.exit(3)


def _command() -> str:
    """The command that repeats this one."""
    return shlex.join(["headstart", *sys.argv[1:]])

"""`headstart run`: plan, run what is missing, print the verdict, write the report."""

import sys

import typer

from headstart.cli import arguments


@arguments.with_groups
def run(
    study: arguments.Study,
    *,
    store: arguments.StoreFolder = arguments.DEFAULT_STORE,
    photos: arguments.Photos,
    grid: arguments.Grid,
    workers: arguments.Workers = None,
    device: arguments.Device = "auto",
    executor: arguments.Executor = "local",
    address: arguments.Address = None,
    any_version: arguments.AnyVersion = False,
    same_device: arguments.SameDevice = False,
    variants: arguments.Variants,
    skip_broken: arguments.SkipBroken = False,
    follow_links: arguments.FollowLinks = False,
    track: arguments.Track = None,
    files: arguments.Files,
    json: arguments.AsJson = False,
) -> None:
    """Run a study: what the store already holds is not run again."""
    from headstart import flow
    from headstart.cli.output import command_line, require_writable, show, warn
    from headstart.execute.options import Cluster, RunOptions
    from headstart.flow.live_progress import live_progress
    from headstart.flow.trackers.registry import require_trackers, write_to
    from headstart.report.terminal.messages import say

    if executor == "local" and (address is not None or any_version):
        raise typer.BadParameter("--address and --any-version go with --executor ray.")
    if executor == "ray" and workers is not None:
        raise typer.BadParameter(
            "--workers goes with --executor local: a cluster has a worker for each of its cores."
        )
    require_trackers(track or [])
    changes = arguments.changes_of(grid, variants, skip_broken, follow_links)
    loaded = flow.load(study, changes, photos.options)
    say(flow.found(loaded))
    require_writable(files)
    cluster = Cluster(address=address, any_version=any_version) if executor == "ray" else None
    options = RunOptions(
        store=store, workers=workers, device=device, cluster=cluster, same_device=same_device
    )
    changed = flow.changed_data(loaded, store)
    warn((*flow.warnings(loaded), *flow.older_results(loaded, store), *changed))
    with live_progress(workers or flow.default_workers(options.device_here)) as (planned, listen):
        done = flow.run(loaded, options, listen=listen, planned=planned, command=command_line())
    show(done.analysis, done.summary, store, files, as_json=json)
    write_to(track or [], done, store)
    if done.tally.failed:
        sys.exit(3)

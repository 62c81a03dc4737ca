"""`headstart plan`: steps of a run and its estimated time. Trains nothing."""

import shlex
import sys

from headstart.cli import arguments


@arguments.with_groups
def plan(
    study: arguments.Study,
    *,
    store: arguments.StoreFolder = arguments.DEFAULT_STORE,
    photos: arguments.Photos,
    grid: arguments.Grid,
    workers: arguments.Workers = None,
    variants: arguments.Variants,
    skip_broken: arguments.SkipBroken = False,
    json: arguments.AsJson = False,
    follow_links: arguments.FollowLinks = False,
) -> None:
    """Show the steps of a study, what is already stored, and the estimated time."""
    from rich.console import Console

    from headstart import flow
    from headstart.cli.output import warn
    from headstart.report.plan_document import plan_text
    from headstart.report.terminal.plan import print_plan

    changes = arguments.changes_of(grid, variants, skip_broken, follow_links)
    loaded = flow.load(study, changes, photos.options)
    cost = flow.cost_of_run(loaded, store, workers or flow.default_workers())
    changed = flow.changed_data(loaded, store)
    warnings = (*flow.warnings(loaded), *flow.older_results(loaded, store), *changed)
    if json:
        sys.stdout.write(plan_text(cost, loaded.tasks, warnings))
        return
    print_plan(cost, flow.found(loaded), Console())
    warn(warnings)
    # With the options it was planned with: `run` takes every one of them.
    print(f"Run it with: {shlex.join(['headstart', 'run', *sys.argv[2:]])}")

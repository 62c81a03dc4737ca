"""`headstart new`: the study file that a folder of photos stands for, to edit."""

from dataclasses import replace
from typing import Annotated

import typer

from headstart.cli import arguments

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="PHOTOS", help="A folder or archive of photos, or the table of their labels."
    ),
]


@arguments.with_groups
def new(
    photos: Dataset,
    *,
    options: arguments.Photos,
    skip_broken: arguments.SkipBroken = False,
    follow_links: arguments.FollowLinks = False,
) -> None:
    """Write the commented study file for a folder of photos to the standard output."""
    from headstart import flow
    from headstart.cli.output import command_line
    from headstart.cli.streams import print_toml
    from headstart.core.printable import printable
    from headstart.execute.environment import usable_cores

    cores = usable_cores()
    given = replace(options.options, skip_broken=skip_broken, follow_links=follow_links)
    made = flow.new_study(photos, given, cores)
    for line in (
        "Does a pretrained network help on these photos, and how is it best used?",
        f"Written by: {command_line()}",
        "Save it as a file, edit it, and run it: headstart run FILE.toml",
        "",
        *flow.found(made.loaded),
        *made.made_of,
        *flow.described(made.loaded, cores),
        "",
    ):
        print(printable(f"# {line}".rstrip()))
    print_toml(made.study.text())

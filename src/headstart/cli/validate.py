"""`headstart validate`: studies with a known truth, to see how often the verdicts are right."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from headstart.cli import arguments


def validate(
    kind: Annotated[
        Literal["null", "repeated", "unequal", "positive", "negative", "identity"],
        typer.Argument(
            help="What is true: no difference (repeated: in a small set, split anew for each "
            "seed; unequal: in balanced accuracy, of unequal classes), a gain, a loss, or no "
            "comparison."
        ),
    ],
    path: Annotated[
        Literal["fixed", "added", "swapped", "shrunk", "margin", "auto"],
        typer.Option(
            help="How each null study is looked at: once; again with added or swapped seeds, with "
            "fewer sizes, with other margins; auto: seeds are added where evidence is short."
        ),
    ] = "fixed",
    studies: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=10_000,
            help="How many studies; by default 200 for null, repeated and unequal, 5 for identity, "
            "20 for the others.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other studies.")] = 0,
    store: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder that keeps all results.")
    ] = Path("headstart-validation"),
    workers: arguments.Workers = None,
    json: arguments.AsJson = False,
) -> None:
    """Run studies whose truth is known and count the verdicts. Exit code 1: not as they should."""
    from headstart import flow
    from headstart.cli.output import command_line, show_validation
    from headstart.execute.options import RunOptions
    from headstart.flow.live_progress import live_progress

    if path != "fixed" and kind != "null":
        raise typer.BadParameter(f"--path {path} is for null studies, not for '{kind}'.")
    options = RunOptions(store=store, workers=workers)
    with live_progress(workers or flow.default_workers()) as (planned, listen):
        done = flow.validate(
            kind,
            options,
            studies=studies or flow.STUDIES[kind],
            seed=seed,
            path=path,
            listen=listen,
            planned=planned,
            command=command_line(),
        )
    show_validation(done, as_json=json)
    if not done.validation.accepted:
        sys.exit(1)

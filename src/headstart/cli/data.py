"""`headstart data`: list the known data sets, find their files, look at them, download them."""

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import completion
from headstart.cli.examples import examples
from headstart.cli.threads import compute_on_one_thread

data = typer.Typer(
    no_args_is_help=True,
    help="List, find, show and fetch data sets.",
    epilog=examples("headstart data list", "headstart data show ./photos"),
)
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", autocompletion=completion.datasets, help="A data set's name or a path."
    ),
]


@data.command("list", epilog=examples("headstart data list"))
def list_known() -> None:
    """List the known data sets and where their files are."""
    from headstart.core.errors import DataError
    from headstart.data.catalogue import KNOWN
    from headstart.data.find import where

    for name, known in KNOWN.items():
        try:
            place = str(where(name).path)
        except DataError:
            place = f"not here; get it: headstart data fetch {name}"
        print(f"{name:15} {known.title}\n{'':15} {known.licence}\n{'':15} {place}")


@data.command("where", epilog=examples("headstart data where mnist-mini"))
def show_folder(name: Name) -> None:
    """Print the folder or file a data set is read from."""
    from headstart.data.find import where

    print(where(name).path)


@data.command("show", epilog=examples("headstart data show ./photos --html photos.html"))
def show_pictures(
    name: Name,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Where to write the page of pictures."),
    ] = None,
) -> None:
    """Look at a data set before a study: a page with pictures of every class, counts, what is
    left out, likely copies."""
    compute_on_one_thread()
    from headstart import flow
    from headstart.analyse.text import printable
    from headstart.report import contact

    sheet, page = flow.show_data(name, html)
    typer.echo(contact.headline(sheet.facts))
    for label, text in contact.facts_found(sheet):
        typer.echo(f"  {label.lower()}: {printable(text)}")
    for line in contact.alerts(sheet):
        typer.echo(f"! {line}")
    typer.echo(f"Page: {page.absolute()}")


@data.command("fetch", epilog=examples("headstart data fetch mnist"))
def fetch_known(name: Name) -> None:
    """Download a data set into the cache, each file checked."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    from headstart.data.fetch import fetch

    progress = Progress(
        "{task.description}", DownloadColumn(), TransferSpeedColumn(), console=Console(stderr=True)
    )
    bars = {}

    def update(file: str, done: int, total: int) -> None:
        if file not in bars:
            progress.start()  # not earlier: an empty bar leaves an empty line
            bars[file] = progress.add_task(file, total=total or None)
        progress.update(bars[file], completed=done)

    try:
        folder = fetch(name, update)
    finally:
        if bars:
            progress.stop()
    print(f"{name} is ready in {folder}")

"""`headstart compare`: two studies of one store or two, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import arguments


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A study of the store.")],
    second: Annotated[
        str, typer.Argument(metavar="B", help="Another; the same name: the last two of that name.")
    ],
    *,
    store: Annotated[
        list[Path] | None,
        typer.Option("--store", metavar="DIR", help="Folder of results; twice: of A, and of B."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the page to this file.")
    ] = None,
    json: arguments.AsJson = False,
) -> None:
    """Show two studies side by side: what they ask differently, and what came out."""
    from headstart import flow
    from headstart.cli.output import require_writable
    from headstart.cli.streams import print_json
    from headstart.core.files import write_whole

    folders = store or [arguments.DEFAULT_STORE]
    if len(folders) > 2:
        raise typer.BadParameter("Give --store once for both studies, or twice: of A, then of B.")
    require_writable(arguments.Files(html=html))
    places = flow.find_two(first, second, (folders[0], folders[-1]))
    two = flow.compare_studies(*places)
    if html is not None:
        from headstart.report.html.two_studies_page import two_studies_page

        write_whole(html, two_studies_page(two).encode())
    if json:
        from headstart.report.two_studies import document_text

        print_json(document_text(two))
        return
    from rich.console import Console

    from headstart.report.terminal.console import print_to_copy
    from headstart.report.terminal.two_studies import print_two_studies

    console = Console()
    print_two_studies(two, console)
    if html is not None:
        print_to_copy(console, "Page", str(html))

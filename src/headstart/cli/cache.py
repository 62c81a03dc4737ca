"""`headstart cache`: what is cached, how large it is, and deleting it."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli import completion
from headstart.cli.examples import examples
from headstart.core.sizes import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.data.caches import Held

cache = typer.Typer(
    help="Show what is cached and how large it is, or clear it.",
    epilog=examples("headstart cache", "headstart cache clear decoded"),
)


@cache.callback(invoke_without_command=True)
def _show(context: typer.Context) -> None:
    """Show what is cached and how large it is, or clear it."""
    if context.invoked_subcommand is not None:
        return
    from headstart.core.files import cache_folder
    from headstart.data.caches import held

    typer.echo(f"{cache_folder()}")
    _list(held())
    typer.echo(
        "\nClear it:  headstart cache clear [KIND...]\n"
        "Results lie in stores, which are no part of it."
    )


@cache.command(epilog=examples("headstart cache clear decoded --yes"))
def clear(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KIND...",
            autocompletion=completion.cache_kinds,
            help="decoded, unpacked, facts, data; all but data by default.",
        ),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Delete what is cached. Stores and weight files are never touched."""
    from headstart.core.errors import OutputError
    from headstart.data.caches import chosen
    from headstart.data.caches import clear as delete

    some = chosen(kinds or ())
    if not any(one.num for one in some):
        typer.echo("Nothing is cached.")
        return
    _list(some)
    if not yes:
        if not sys.stdin.isatty():
            raise OutputError("nothing was deleted. Give --yes to delete these files.")
        typer.confirm("Delete these files?", abort=True)
    delete(some)
    typer.echo("Deleted.")


def _list(some: "Sequence[Held]") -> None:
    for one in some:
        typer.echo(
            f"  {one.kind.name:8} {one.num:>7,} files {size_text(one.size):>9}   {one.kind.what}"
        )

"""`headstart cache`: what is cached, how large it is, and deleting it."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.data.caches import Held

cache = typer.Typer(help="Show what is cached and how large it is, or clear it.")


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


@cache.command()
def clear(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND...", help="decoded, facts, data; all but data by default."),
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
            f"  {one.kind.name:8} {one.num:>7,} files {_size(one.size):>9}   {one.kind.what}"
        )


def _size(num_bytes: int) -> str:
    value, units = float(num_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"

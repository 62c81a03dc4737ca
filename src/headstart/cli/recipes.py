"""`headstart recipes`: the built-in studies, and their files to copy and edit."""

from typing import Annotated

import typer

from headstart.cli import completion
from headstart.cli.examples import examples

recipes = typer.Typer(
    help="List the built-in studies, or print one to copy and edit.",
    epilog=examples("headstart recipes", "headstart recipes show digits > mine.toml"),
)


@recipes.callback(invoke_without_command=True)
def _list(context: typer.Context) -> None:
    """List the built-in studies, or print one to copy and edit."""
    if context.invoked_subcommand is not None:
        return
    from headstart import flow
    from headstart.study.load import read_toml

    for name, path in flow.recipes().items():
        print(f"{name:20} {read_toml(path)['question']}")
    print("\nRun one:   headstart run digits")
    print("Copy one:  headstart recipes show digits > mine.toml")


@recipes.command(epilog=examples("headstart recipes show digits > mine.toml"))
def show(
    name: Annotated[str, typer.Argument(metavar="RECIPE", autocompletion=completion.recipe_names)],
) -> None:
    """Print a recipe's file."""
    from headstart import flow
    from headstart.cli.streams import print_toml

    print_toml(flow.recipe(name).read_text(encoding="utf-8"))

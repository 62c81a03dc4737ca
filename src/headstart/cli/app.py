"""Typer application with its commands."""

from typing import Any

import typer
from typer.core import TyperGroup

from headstart.cli.audit import audit
from headstart.cli.cache import cache
from headstart.cli.cluster import cluster
from headstart.cli.data import data
from headstart.cli.export import export
from headstart.cli.judge import judge
from headstart.cli.leaks import leaks
from headstart.cli.new import new
from headstart.cli.plan import plan
from headstart.cli.predict import predict
from headstart.cli.recipes import recipes
from headstart.cli.report import report
from headstart.cli.run import run
from headstart.cli.status import status
from headstart.cli.validate import validate
from headstart.core.version import __version__


class Interrupted(Exception):
    """Ctrl-C as an exception that Typer does not turn into a silent exit."""


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None


app = typer.Typer(
    cls=_Commands,
    name="headstart",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How much of a head start does transfer learning give, and which way is worth it?",
)
for command in (
    run, new, plan, status, report, predict, export, judge, leaks, audit, validate,
):  # fmt: skip
    app.command()(command)
app.add_typer(recipes, name="recipes")
app.add_typer(data, name="data")
app.add_typer(cache, name="cache")
app.add_typer(cluster, name="cluster")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"headstart {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_version
    ),
) -> None:
    """How much of a head start does transfer learning give, and which way is worth it?"""

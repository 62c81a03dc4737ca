"""Typer application with its commands."""

from typing import Any

import typer
from typer.core import TyperGroup

from headstart.cli.attach import attach
from headstart.cli.audit import audit
from headstart.cli.cache import cache
from headstart.cli.cluster import cluster
from headstart.cli.compare import compare
from headstart.cli.data import data
from headstart.cli.doctor import doctor
from headstart.cli.examples import examples
from headstart.cli.export import export
from headstart.cli.judge import judge
from headstart.cli.leaks import leaks
from headstart.cli.new import new
from headstart.cli.plan import plan
from headstart.cli.predict import predict
from headstart.cli.recipes import recipes
from headstart.cli.report import report
from headstart.cli.run import run
from headstart.cli.serve import serve
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


_STUDY, _MODEL = "Run a study", "Use its models"
_CHECK, _SETUP = "Check results, images and code of any program", "Set up"

app = typer.Typer(
    cls=_Commands,
    name="headstart",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How much of a head start does transfer learning give, and which way is worth it?",
    epilog=examples(
        "headstart run signs",
        "headstart run ./photos --minutes 10",
        "headstart COMMAND --help",
    ),
)
for panel, command, shown in (
    (_STUDY, run, ("headstart run signs", "headstart run ./photos --minutes 10 --html page.html")),
    (_STUDY, plan, ("headstart plan digits --seeds 3 --sizes 50,all",)),
    (_STUDY, new, ("headstart new ./photos > study.toml",)),
    (_STUDY, status, ("headstart status --store results",)),
    (_STUDY, attach, ("headstart attach results",)),
    (_STUDY, serve, ("headstart serve --open", "headstart serve --store results --store others")),
    (_STUDY, compare, ("headstart compare digits clothes --html both.html",)),
    (_STUDY, report, ("headstart report signs --csv tables",)),
    (_MODEL, predict, ("headstart predict signs new.jpg more-photos --csv",)),
    (_MODEL, export, ("headstart export signs model.onnx --arm probe",)),
    (_CHECK, judge, ("headstart judge answers.csv --margin 2", "headstart judge --template keras")),
    (_CHECK, leaks, ("headstart leaks photos/train photos/test --html copies.html",)),
    (_CHECK, audit, ("headstart audit notebook.ipynb train.py",)),
    (_SETUP, doctor, ("headstart doctor", "headstart doctor --json > doctor.json")),
    (_SETUP, validate, ("headstart validate null --studies 20",)),
):  # fmt: skip
    app.command(epilog=examples(*shown), rich_help_panel=panel)(command)
app.add_typer(recipes, name="recipes", rich_help_panel=_STUDY)
for name, group in (("data", data), ("cache", cache), ("cluster", cluster)):
    app.add_typer(group, name=name, rich_help_panel=_SETUP)


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

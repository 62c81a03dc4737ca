"""Outcome of self-validation studies in a terminal."""

from typing import TYPE_CHECKING

from headstart.analyse.text import rough_duration
from headstart.analyse.validation import Validation
from headstart.report.terminal.console import plain_table

if TYPE_CHECKING:
    from rich.console import Console


def print_validation(validation: Validation, seconds: float, console: "Console") -> None:
    """Print verdicts by kind, the expected ones, and whether they were met."""
    table = plain_table("verdict", "studies", "share", justify="right")
    for word, number in (
        ("helps", validation.helps),
        ("hurts", validation.hurts),
        ("no measurable difference", validation.no_difference),
        ("not enough evidence", validation.not_enough),
        ("invalid", validation.invalid),
    ):
        table.add_row(word, str(number), f"{number / validation.studies:.1%}")
    console.print(
        f"[bold]{validation.kind}[/] ({validation.path}): {validation.studies} studies in "
        f"{rough_duration(seconds)}"
    )
    console.print(table)
    accepted = validation.accepted
    outcome = "[green]as it should be[/]" if accepted else "[bold red]not as it should be[/]"
    console.print(f"Expected: {validation.expected}. This is {outcome}.")

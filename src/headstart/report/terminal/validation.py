"""The outcome of self-validation studies in a terminal."""

from typing import TYPE_CHECKING

from headstart.analyse.validation import Validation
from headstart.report.terminal.plan import duration

if TYPE_CHECKING:
    from rich.console import Console


def print_validation(found: Validation, seconds: float, console: "Console") -> None:
    """Verdicts by kind, what was expected, and whether it was met."""
    from rich.table import Table

    table = Table("verdict", "studies", "share", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for word, number in (
        ("helps", found.helps),
        ("hurts", found.hurts),
        ("no measurable difference", found.no_difference),
        ("not enough evidence", found.not_enough),
        ("invalid", found.invalid),
    ):
        table.add_row(word, str(number), f"{number / found.studies:.1%}")
    console.print(
        f"[bold]{found.kind}[/]: {found.studies} studies of five seeds in {duration(seconds)}"
    )
    console.print(table)
    told = "[green]as it should be[/]" if found.accepted else "[bold red]not as it should be[/]"
    console.print(f"Expected: {found.expected}. This is {told}.")

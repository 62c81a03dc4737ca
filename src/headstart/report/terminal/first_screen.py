"""First screen of a study in a terminal: the sentence, bars, and what to do next."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import percent
from headstart.report.caveats import CHECKS, TURNING, lesser, lesser_title, turning
from headstart.report.first_screen import bar_groups, bars_title, bracket_note, next_steps
from headstart.report.notes import warnings_of
from headstart.report.run_summary import RunSummary
from headstart.report.terminal.console import print_item, print_line, print_to_copy, styled

if TYPE_CHECKING:
    from rich.console import Console

_BAR = 40  # columns of an accuracy of 100 %
_LABEL = 30


def print_first_screen(
    analysis: Analysis, summary: RunSummary, console: "Console", html: Path | None
) -> None:
    """Print what a reader needs who reads no further; `html` is the path of the page, if any."""
    print_answer(analysis, console)
    _print_others(analysis, summary, console, html)
    print_line(console, bracket_note(analysis), "dim")
    _print_bars(analysis, console)
    steps = next_steps(analysis, summary)
    if steps or html:
        console.print()
    if html:
        print_to_copy(console, "Page, to read on", str(html))
    for step in steps:
        what = f"{step.what[0].upper()}{step.what[1:]}"
        if step.command:
            print_to_copy(console, what, step.command)
        else:
            print_line(console, f"{what}.")


def print_answer(analysis: Analysis, console: "Console") -> None:
    """Print the headline, warnings, and the caveats that could turn the answer around."""
    print_line(console, analysis.headline, "bold")
    for warning in warnings_of(analysis):
        print_line(console, f"! {warning}", "bold yellow")
    weighty = turning(analysis)
    if weighty:
        print_line(console, f"{TURNING}:", "yellow")
    for gate in weighty:
        print_item(console, gate.message, "yellow")


def _print_others(
    analysis: Analysis, summary: RunSummary, console: "Console", html: Path | None
) -> None:
    """Count the caveats of less weight, and say where they are."""
    if not lesser(analysis):
        return
    counted = lesser_title(analysis)
    if html:
        print_line(console, f"{counted}: on the page, under '{CHECKS}'.", "dim")
    else:
        print_to_copy(console, f"{counted}, on a page", _page_command(analysis, summary))


def _page_command(analysis: Analysis, summary: RunSummary) -> str:
    """Command that writes the page of an analysis."""
    if analysis.from_elsewhere:  # no store has it
        return f"{summary.command or 'headstart judge RESULTS'} --html FILE"
    return f"headstart report {shlex.quote(analysis.study)} --html FILE{summary.store_option}"


def _print_bars(analysis: Analysis, console: "Console") -> None:
    """Accuracy of the control and of the preferred transfer arm, a bar each."""
    from rich.table import Table

    groups = bar_groups(analysis)
    if not groups:
        return
    console.print()
    print_line(console, bars_title(analysis), "bold")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(overflow="fold", max_width=_LABEL)
    table.add_column(no_wrap=True)
    columns = max(10, min(_BAR, console.width - _LABEL - 8))
    for group in groups:
        if group.title:
            table.add_row(styled(group.title, "dim"))
        for bar in group.bars:
            filled = "\u2588" * max(1, round(columns * bar.accuracy))
            cell = styled(filled, "bright_black" if bar.is_control else "blue")
            cell.append(f" {percent(bar.accuracy)}", "default")
            table.add_row(styled(f"  {bar.label}"), cell)
    console.print(table)

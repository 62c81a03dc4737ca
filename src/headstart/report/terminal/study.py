"""Report of a study in a terminal: first screen, tables, notes, and how to repeat it."""

from pathlib import Path
from typing import TYPE_CHECKING

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import plural
from headstart.report.notes import FROM_PYTHON, steps_note
from headstart.report.rows import pairs_of
from headstart.report.run_summary import RunSummary
from headstart.report.sweep import sweeps_of
from headstart.report.terminal.console import print_item, print_line, print_to_copy
from headstart.report.terminal.first_screen import print_answer, print_first_screen
from headstart.report.terminal.mistakes import print_mistakes
from headstart.report.terminal.notes import print_notes
from headstart.report.terminal.tables import (
    print_benefit,
    print_published,
    print_sources,
    print_sweep,
    verdict_table,
)

if TYPE_CHECKING:
    from rich.console import Console

_NUM_FAILURES = 5  # shown in full; a study with a bug fails many times in the same way


def print_report(
    analysis: Analysis, summary: RunSummary, console: "Console", html: Path | None
) -> None:
    """Print the report of a study; `html` is the path of its page, None without one."""
    print_first_screen(analysis, summary, console, html)
    console.print()
    console.rule("Details", style="dim")
    pairs = pairs_of(analysis)
    several = len(pairs) > 1
    _print_tables(analysis, console)
    print_mistakes(analysis, pairs, console)
    print_benefit(analysis, pairs, console)
    for pair in pairs:
        for sweep in sweeps_of(analysis, pair):
            print_sweep(analysis, pair if several else None, sweep, console)
    print_published(analysis, console)
    print_sources(analysis, console)
    print_notes(analysis, console)
    _print_failures(analysis, console)
    console.print()
    print_line(console, steps_note(summary))
    if summary.command:
        print_to_copy(console, "Repeat", summary.command)
    else:
        print_line(console, FROM_PYTHON)


def print_verdicts(analysis: Analysis, console: "Console") -> None:
    """Print the answer, what to read with it, and the tables of verdicts."""
    print_answer(analysis, console)
    _print_tables(analysis, console)


def _print_tables(analysis: Analysis, console: "Console") -> None:
    pairs = pairs_of(analysis)
    for pair in pairs:
        console.print()
        console.print(verdict_table(analysis, pair, len(pairs) > 1, console.width))


def _print_failures(analysis: Analysis, console: "Console") -> None:
    if not analysis.failures:
        return
    console.print()
    print_line(console, f"{plural(len(analysis.failures), 'failure')}:", "bold red")
    for failure in analysis.failures[:_NUM_FAILURES]:
        print_item(console, failure)
    left = len(analysis.failures) - _NUM_FAILURES
    if left > 0:
        print_item(console, f"and {left:,} more")

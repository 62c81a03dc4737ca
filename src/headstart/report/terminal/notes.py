"""Notes below the tables in a terminal: meaning of the numbers, open verdicts, copies."""

from typing import TYPE_CHECKING

from headstart.analyse.analysis import Analysis, Word
from headstart.report.leaks import leak_line
from headstart.report.notes import (
    arm_notes,
    attribution_lines,
    interval_note,
    most_seeds,
    remarks_of,
    stopping_lines,
)
from headstart.report.record_text import detectable, size_lines
from headstart.report.rows import TaskPair, pairs_of, sweep_arms
from headstart.report.terminal.console import print_item, print_line

if TYPE_CHECKING:
    from rich.console import Console

_LEAK_GATE = "CHK-01-leaks"
_NUM_PLACES = 4  # named of those with the same reason; the table marks all of them


def print_notes(analysis: Analysis, console: "Console") -> None:
    """Print the notes; failed gates are on the first screen instead."""
    console.print()
    notes = ["±: standard deviation over seeds."] if most_seeds(analysis) > 1 else []
    if analysis.picks:
        notes.append("*: the arm to use: best on validation, of equals the cheapest.")
    print_line(console, " ".join([*notes, interval_note(analysis)]).strip(), "dim")
    arms = "; ".join(f"{arm}: {note}" for arm, note in arm_notes(analysis))
    print_line(console, f"{arms}." if arms else "", "dim")
    for remark in remarks_of(analysis):
        print_line(console, remark, "dim")
    for line in attribution_lines(analysis):
        print_item(console, line)
    for line in stopping_lines(analysis):
        print_item(console, f"{line[0].upper()}{line[1:]}")
    _print_undecided(analysis, console)
    # A failed gate says the same.
    if all(gate.id != _LEAK_GATE for gate in analysis.failed_gates("caveat")):
        for report in analysis.leaks:
            print_item(console, leak_line(report))


def _print_undecided(analysis: Analysis, console: "Console") -> None:
    """Print what would decide open verdicts, a line for each size, else the reason.

    Verdicts on a cut sweep are left out: there the curve counts.
    """
    several = len(pairs_of(analysis)) > 1
    swept = sweep_arms(analysis)
    by_size: dict[str, list[str]] = {}
    by_reason: dict[tuple[Word, str], list[str]] = {}
    for c in analysis.comparisons:
        pair = f", {TaskPair(source=c.source, target=c.target)}" if several else ""
        decided = c.verdict not in ("invalid", "not enough evidence") and c.low_pp is not None
        if c.arm in swept or decided:
            continue
        if least := detectable(c):
            seeds = f", {c.seeds_needed:,} seeds" if c.seeds_needed else ""
            size = f"{', '.join(size_lines(c.size, c.num_images))}{pair}"
            by_size.setdefault(size, []).append(f"{c.arm} {least}{seeds}")
        else:
            by_reason.setdefault((c.verdict, c.why), []).append(f"{c.arm} at {c.size}{pair}")
    if by_size:
        print_line(
            console,
            "Not enough evidence: the gain that could have been seen, and about how "
            "many seeds might decide",
        )
    for size, arms in by_size.items():
        print_item(console, f"{size}: {'; '.join(arms)}")
    total = sum(c.arm not in swept for c in analysis.comparisons)
    for (word, why), places in by_reason.items():
        left = len(places) - _NUM_PLACES
        some = "; ".join(places[:_NUM_PLACES]) + (f" and {left} more" if left > 0 else "")
        print_item(console, f"{word} ({some if len(places) < total else 'all'}): {why}")

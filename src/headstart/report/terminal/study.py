"""The verdict of a study in a terminal: a sentence, a table, what limits it, how to repeat it."""

from pathlib import Path
from typing import TYPE_CHECKING

from headstart.analyse.analysis import MOST_PP, Analysis, Word
from headstart.report.benefit import TITLES, forgetting_lines, worth_note, worth_rows
from headstart.report.figures.palette import ICONS
from headstart.report.leaks import leak_line
from headstart.report.rows import Pair, Row, pairs_of, sizes_of, sweep_arms
from headstart.report.run_summary import RunSummary
from headstart.report.sweep import Sweep, sweeps_of
from headstart.report.text import (
    FROM_PYTHON,
    NOTHING,
    accuracy,
    attribution_lines,
    decimals_for,
    figure_value,
    interval,
    interval_note,
    own_images,
    percent,
    plural,
    points,
    printable,
    published_notes,
    remarks_of,
    seeds_there,
    steps_note,
    training_time,
    updates,
    warnings_of,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_STYLES: dict[Word, str] = {
    "helps": "bold green",
    "hurts": "bold red",
    "no measurable difference": "cyan",
    "not enough evidence": "yellow",
    "invalid": "bold magenta",
}
_WIDE = 112  # columns from which on cost is shown and nothing is folded
_LEAK_GATE = "CHK-01-leaks"
_NUM_PLACES = 4  # named where verdicts have the same reason; the table marks all of them
_NUM_FAILURES = 5  # shown in full; a study with a bug fails the same way many times


def print_report(
    analysis: Analysis, summary: RunSummary, console: "Console", html: Path | None
) -> None:
    """Print the report of a study; `html` is where its page was written, if it was."""
    _print(console, analysis.headline, "bold")
    for warning in warnings_of(analysis):
        _print(console, f"! {warning}", "bold yellow")
    pairs = pairs_of(analysis)
    for pair in pairs:
        console.print()
        console.print(_table(analysis, pair, len(pairs) > 1, console.width))
    _print_worth(analysis, pairs, console)
    for pair in pairs:
        for sweep in sweeps_of(analysis, pair):
            _print_sweep(analysis, pair if len(pairs) > 1 else None, sweep, console)
    _print_published(analysis, console)
    _print_sources(analysis, console)
    _print_notes(analysis, console)
    _print_failures(analysis, console)
    console.print()
    _print(console, steps_note(summary))
    if html:
        _print_to_copy(console, "Page", str(html))
    if summary.command:
        _print_to_copy(console, "Repeat", summary.command)
    else:
        _print(console, FROM_PYTHON)


def _table(analysis: Analysis, pair: Pair, titled: bool, width: int) -> "Table":
    from rich import box
    from rich.table import Table

    wide = width >= _WIDE
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=_text(str(pair), "bold") if titled else None,
        title_justify="left",
        padding=(0, 2 if wide else 1),
        collapse_padding=True,
    )
    table.add_column("Target data, arm", overflow="fold", max_width=34 if wide else 18)
    table.add_column("Test acc. %", justify="right", no_wrap=True)
    table.add_column("Gain, pp", justify="right", overflow="fold")
    table.add_column("Verdict", overflow="fold", no_wrap=wide)
    if wide:
        table.add_column("Updates", justify="right", no_wrap=True)
        table.add_column("Time", justify="right", no_wrap=True)
    decimals = decimals_for(analysis)
    preferred = _preferred(analysis, pair)
    for group in sizes_of(analysis, pair):
        table.add_row(_text(group.title, "bold"))
        for row in group.rows:
            mark = " *" if (group.size, row.arm) in preferred else ""
            cells = _cells(row, mark, group.num_images, decimals)
            table.add_row(*(cells if wide else cells[:4]))
        table.add_section()
    return table


def _preferred(analysis: Analysis, pair: Pair) -> set[tuple[str, str]]:
    """(size, arm) of what validation prefers in a pair."""
    here = (pair.source, pair.target)
    return {(p.size, p.arm) for p in analysis.picks if (p.source, p.target) == here}


def _print_worth(analysis: Analysis, pairs: tuple[Pair, ...], console: "Console") -> None:
    """What transfer saves in labels, updates and operations, and what it forgets."""
    from rich import box
    from rich.table import Table

    several, shown = len(pairs) > 1, False
    for pair in pairs:
        rows = worth_rows(analysis, pair)
        if not rows:
            continue
        shown = True
        console.print()
        _print(console, f"What transfer is worth{f', {pair}' if several else ''}", "bold")
        table = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1),
            collapse_padding=True,
        )
        for title in TITLES:
            table.add_column(title.format(control=printable(analysis.control)), overflow="fold")
        last = ""
        for row in rows:
            if row.size != last:
                table.add_row(_text(row.size, "bold"))
            cells = (row.arm, row.labels, row.updates, row.operations)
            table.add_row(*(_text(cell) for cell in cells))
            last = row.size
        console.print(table)
    if shown:
        _print(console, worth_note(analysis), "dim")
    for line in forgetting_lines(analysis, several):
        _print_item(console, line)


def _cells(row: Row, mark: str, num_images: int | None, decimals: int) -> tuple["Text", ...]:
    """Arm, accuracy, gain, verdict, updates, time."""
    result = row.result
    measured = accuracy(result, decimals) if result else "no result"
    notes = [own_images(result, num_images), seeds_there(result)] if result else []
    return (
        _text(row.arm + mark),
        _text("\n".join([measured, *filter(None, notes)])),
        _text(_gain(row, decimals)),
        _verdict(row),
        _text(updates(result) if result else NOTHING),
        _text(training_time(result) if result else NOTHING),
    )


def _gain(row: Row, decimals: int) -> str:
    if row.comparison is None:
        return "control" if row.is_control else NOTHING
    return f"{points(row.comparison.gain_pp, decimals)} {interval(row.comparison, decimals)}"


def _verdict(row: Row) -> "Text":
    if row.comparison is None:
        return _text("")
    word = row.comparison.verdict
    return _text(f"{ICONS[word]} {word}", _STYLES[word])


def _print_sweep(analysis: Analysis, pair: Pair | None, sweep: Sweep, console: "Console") -> None:
    """Mean accuracy by cut and family: a row a cut, since cuts are many and families are not."""
    from rich import box
    from rich.table import Table

    decimals = decimals_for(analysis)
    where = f"{pair}, {sweep.title}" if pair else sweep.title
    console.print()
    _print(console, f"Cut sweep at {where}: mean test accuracy, %", "bold")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("Cut after", overflow="fold", max_width=24)
    for family in sweep.families:
        table.add_column(family.family, justify="right", no_wrap=True)
    for number, cut in enumerate(sweep.cuts):
        found = [family.rows[number] for family in sweep.families]
        results = [row.result if row else None for row in found]
        cells = [percent(result.mean, decimals) if result else NOTHING for result in results]
        table.add_row(_text(cut), *cells)
    console.print(table)
    words = [f"{family.family}: {family.words}" for family in sweep.families]
    if sweep.control:
        words.append(f"the control {analysis.control}: {accuracy(sweep.control, decimals)}")
    _print(console, "; ".join(words), "dim")


def _print_published(analysis: Analysis, console: "Console") -> None:
    from rich import box
    from rich.table import Table

    if not analysis.published:
        return
    console.print()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("Figure", overflow="fold")
    for title in ("Published", "Keras here", "headstart"):
        table.add_column(title, justify="right", no_wrap=True)
    for figure in analysis.published:
        values = (figure.published, figure.keras, figure.headstart)
        table.add_row(_text(figure.figure), *(figure_value(value, figure) for value in values))
    console.print(table)
    _print(console, " ".join(published_notes(analysis)), "dim")


def _print_sources(analysis: Analysis, console: "Console") -> None:
    decimals = decimals_for(analysis)
    if analysis.sources:
        console.print()
    for result in analysis.sources:
        there = seeds_there(result)
        _print(
            console,
            f"source run ({result.source}): {accuracy(result, decimals)} % on its own test images"
            + (f", {there}" if there else ""),
            "dim",
        )


def _print_notes(analysis: Analysis, console: "Console") -> None:
    """What the numbers mean, why there is no clear verdict where there is none, what limits all.

    Gates that withhold verdicts are among the warnings under the headline.
    """
    console.print()
    notes = ["±: standard deviation over seeds."] if len(analysis.seeds) > 1 else []
    notes += ["*: the arm that validation prefers."] if analysis.picks else []
    _print(console, " ".join([*notes, interval_note(analysis)]).strip(), "dim")
    for remark in remarks_of(analysis):
        _print(console, remark, "dim")
    for line in attribution_lines(analysis):
        _print_item(console, line)
    _print_unclear(analysis, console)
    caveats = [g for g in analysis.gates if not g.passed and g.severity == "caveat"]
    for report in analysis.leaks:
        if all(gate.id != _LEAK_GATE for gate in caveats):  # which says the same
            _print_item(console, leak_line(report))
    for gate in caveats:
        _print_item(console, f"Caveat: {gate.message}", "yellow")


def _print_unclear(analysis: Analysis, console: "Console") -> None:
    """What is not decided: a line a size where it can be told what would decide, else the reason.

    Of a cut sweep the curve counts, not the verdict at each cut.
    """
    several = len(pairs_of(analysis)) > 1
    swept = sweep_arms(analysis)
    would: dict[str, list[str]] = {}
    others: dict[tuple[Word, str], list[str]] = {}
    for c in analysis.comparisons:
        pair = f", {Pair(source=c.source, target=c.target)}" if several else ""
        if c.arm in swept or c.verdict not in ("invalid", "not enough evidence"):
            continue
        if c.verdict == "not enough evidence" and c.detectable_pp is not None:
            seeds = f", {c.seeds_needed:,} seeds" if c.seeds_needed else ""
            least = f"{c.detectable_pp:.1f} pp" if c.detectable_pp <= MOST_PP else "no gain"
            told = f"{c.arm} {least}{seeds}"
            would.setdefault(f"{plural(c.num_images, 'image')}{pair}", []).append(told)
        else:
            others.setdefault((c.verdict, c.why), []).append(f"{c.arm} at {c.size}{pair}")
    if would:
        _print(
            console,
            "Not enough evidence: the gain that could have been seen, and about how "
            "many seeds might decide",
        )
    for where, arms in would.items():
        _print_item(console, f"{where}: {'; '.join(arms)}")
    total = sum(c.arm not in swept for c in analysis.comparisons)
    for (word, why), found in others.items():
        left = len(found) - _NUM_PLACES
        some = "; ".join(found[:_NUM_PLACES]) + (f" and {left} more" if left > 0 else "")
        _print_item(console, f"{word} ({some if len(found) < total else 'all'}): {why}")


def _print_failures(analysis: Analysis, console: "Console") -> None:
    if not analysis.failures:
        return
    console.print()
    _print(console, f"{plural(len(analysis.failures), 'failure')}:", "bold red")
    for failure in analysis.failures[:_NUM_FAILURES]:
        _print_item(console, failure)
    left = len(analysis.failures) - _NUM_FAILURES
    if left > 0:
        _print_item(console, f"and {left:,} more")


def _print_item(console: "Console", text: str, style: str = "") -> None:
    """A sentence of a list, its further lines indented."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row("-", _text(text, style))
    console.print(grid)


def _print_to_copy(console: "Console", label: str, value: str) -> None:
    """A path or command: never broken into lines, so that it can be copied."""
    fits = len(label) + 2 + len(value) <= console.width
    text = f"{label}: {value}" if fits else f"{label}:\n{value}"
    console.print(_text(text), highlight=False, soft_wrap=True)


def _print(console: "Console", text: str, style: str = "") -> None:
    if text:
        console.print(_text(text, style), highlight=False, overflow="fold")


def _text(text: str, style: str = "") -> "Text":
    """Names of a study are never read as markup."""
    from rich.text import Text

    return Text(printable(text), style=style)

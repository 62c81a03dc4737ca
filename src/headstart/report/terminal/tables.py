"""Tables of a study in a terminal: verdicts, benefit, cut sweeps, published figures, sources."""

from typing import TYPE_CHECKING

from headstart.analyse.analysis import Analysis, Word
from headstart.analyse.text import DASH, percent, points, printable
from headstart.report.benefit import TITLES, benefit_note, benefit_rows, forgetting_lines
from headstart.report.figures.palette import ICONS
from headstart.report.notes import decimals_for, has_other_settings, published_notes
from headstart.report.record_text import (
    accuracy,
    figure_value,
    interval,
    own_images,
    seeds_there,
    training_time,
    updates,
)
from headstart.report.rows import Row, TaskPair, of_pair, seeds_vary, sizes_of
from headstart.report.sweep import Sweep
from headstart.report.terminal.console import print_item, print_line, ruled_table, styled

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
    "unfinished": "dim",
}
_WIDE = 112  # columns from which on cost is shown and nothing is folded


def verdict_table(analysis: Analysis, pair: TaskPair, titled: bool, width: int) -> "Table":
    """Accuracy, gain and verdict of every arm at every size of a pair."""
    wide = width >= _WIDE
    table = ruled_table(
        2 if wide else 1,
        title=styled(str(pair), "bold") if titled else None,
        title_justify="left",
        collapse_padding=True,
    )
    table.add_column("Target data, arm", overflow="fold", max_width=34 if wide else 18)
    name = analysis.accuracy_on("test").replace("accuracy", "acc.").capitalize()
    table.add_column(f"{name} %", justify="right", no_wrap=True)
    table.add_column("Gain, pp", justify="right", overflow="fold")
    table.add_column("Verdict", overflow="fold", no_wrap=wide)
    if wide:
        table.add_column("Updates", justify="right", no_wrap=True)
        table.add_column("Time", justify="right", no_wrap=True)
    decimals, vary = decimals_for(analysis), seeds_vary(analysis)
    preferred = {(selection.size, selection.arm) for selection in of_pair(analysis.picks, pair)}
    for group in sizes_of(analysis, pair):
        table.add_row(styled(group.title, "bold"))
        for row in group.rows:
            mark = " *" if (group.size, row.arm) in preferred else ""
            mark += "\nother settings" if has_other_settings(analysis, row.arm) else ""
            cells = _cells(row, mark, group.num_images, decimals, vary)
            table.add_row(*(cells if wide else cells[:4]))
        table.add_section()
    return table


def _cells(
    row: Row, mark: str, num_images: int | None, decimals: int, vary: bool
) -> tuple["Text", ...]:
    """Arm, accuracy, gain, verdict, updates, time."""
    result = row.result
    mean = accuracy(result, decimals) if result else "no result"
    notes = [own_images(result, num_images), seeds_there(result, vary)] if result else []
    return (
        styled(row.arm + mark),
        styled("\n".join([mean, *filter(None, notes)])),
        styled(_gain(row, decimals)),
        _verdict(row),
        styled(updates(result) if result else DASH),
        styled(training_time(result) if result else DASH),
    )


def _gain(row: Row, decimals: int) -> str:
    if row.comparison is None:
        return "control" if row.is_control else DASH
    return f"{points(row.comparison.gain_pp, decimals)} {interval(row.comparison, decimals)}"


def _verdict(row: Row) -> "Text":
    if row.comparison is None:
        return styled("")
    word = row.comparison.verdict
    return styled(f"{ICONS[word]} {word}", _STYLES[word])


def print_benefit(analysis: Analysis, pairs: tuple[TaskPair, ...], console: "Console") -> None:
    """Print what transfer saves in labels, updates and operations, and what it forgets."""
    several, shown = len(pairs) > 1, False
    for pair in pairs:
        rows = benefit_rows(analysis, pair)
        if not rows:
            continue
        shown = True
        console.print()
        print_line(console, f"What transfer is worth{f', {pair}' if several else ''}", "bold")
        table = ruled_table(collapse_padding=True)
        for title in TITLES:
            table.add_column(title.format(control=printable(analysis.control)), overflow="fold")
        last = ""
        for row in rows:
            if row.size != last:
                table.add_row(styled(row.size, "bold"))
            cells = (row.arm, row.labels, row.updates, row.operations)
            table.add_row(*(styled(cell) for cell in cells))
            last = row.size
        console.print(table)
    if shown:
        print_line(console, benefit_note(analysis), "dim")
    for line in forgetting_lines(analysis, several):
        print_item(console, line)


def print_sweep(
    analysis: Analysis, pair: TaskPair | None, sweep: Sweep, console: "Console"
) -> None:
    """Print mean accuracy, a row for each cut, since there are many, a column for each family."""
    decimals = decimals_for(analysis)
    title = f"{pair}, {sweep.title}" if pair else sweep.title
    console.print()
    print_line(console, f"Cut sweep at {title}: mean {analysis.accuracy_on('test')}, %", "bold")
    table = ruled_table()
    table.add_column("Cut after", overflow="fold", max_width=24)
    for family in sweep.families:
        table.add_column(family.family, justify="right", no_wrap=True)
    for number, cut in enumerate(sweep.cuts):
        rows = [family.rows[number] for family in sweep.families]
        results = [row.result if row else None for row in rows]
        cells = [percent(result.mean, decimals) if result else DASH for result in results]
        table.add_row(styled(cut), *cells)
    console.print(table)
    legend = [f"{family.family}: {family.description}" for family in sweep.families]
    if sweep.control:
        legend.append(f"the control {analysis.control}: {accuracy(sweep.control, decimals)}")
    print_line(console, "; ".join(legend), "dim")


def print_published(analysis: Analysis, console: "Console") -> None:
    """Print the published figures beside those of Keras and headstart."""
    if not analysis.published:
        return
    console.print()
    table = ruled_table()
    table.add_column("Figure", overflow="fold")
    for title in ("Published", "Keras here", "headstart"):
        table.add_column(title, justify="right", no_wrap=True)
    for figure in analysis.published:
        values = (figure.published, figure.keras, figure.headstart)
        table.add_row(styled(figure.figure), *(figure_value(value, figure) for value in values))
    console.print(table)
    print_line(console, " ".join(published_notes(analysis)), "dim")


def print_sources(analysis: Analysis, console: "Console") -> None:
    """Print the test accuracy of the source runs."""
    decimals = decimals_for(analysis)
    if analysis.sources:
        console.print()
    for result in analysis.sources:
        seeds = seeds_there(result)
        print_line(
            console,
            f"source run ({result.source}): {accuracy(result, decimals)} % on its own test images"
            + (f", {seeds}" if seeds else ""),
            "dim",
        )

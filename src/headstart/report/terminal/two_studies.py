"""Two studies side by side in a terminal."""

from typing import TYPE_CHECKING

from headstart.analyse.side_by_side import SideBySide
from headstart.analyse.text import DASH, bracketed, points
from headstart.report import two_studies
from headstart.report.terminal.console import print_item, print_line, ruled_table, styled

if TYPE_CHECKING:
    from rich.console import Console


def print_two_studies(two: SideBySide, console: "Console") -> None:
    """Print what two studies ask differently, and the comparisons that both have."""
    names = two_studies.titles(two)
    print_line(console, two_studies.lead(two), "bold")
    for caveat in two_studies.caveats(two):
        print_item(console, caveat, "yellow")
    if two.differences:
        console.print()
        table = ruled_table()
        for title in ("field", *names):
            table.add_column(styled(title), overflow="fold")
        for one in two.differences:
            table.add_row(styled(one.field), styled(one.first), styled(one.second))
        console.print(table)
    if two.shared:
        console.print()
        table = ruled_table()
        for title in ("arm", "size", *names, "difference"):
            table.add_column(styled(title), overflow="fold")
        several = len({(one.first.source, one.first.target) for one in two.shared}) > 1
        for shared in two.shared:
            found, ours = shared.difference, shared.first
            pair = f"\n{ours.source} to {ours.target}" if several else ""
            table.add_row(
                styled(f"{ours.arm} against {ours.control}{pair}"),
                styled(ours.size),
                *(
                    styled(f"{points(c.gain_pp)} {bracketed(c.low_pp, c.high_pp)}\n{c.verdict}")
                    for c in (ours, shared.second)
                ),
                styled(
                    f"{points(found.difference_pp)} {bracketed(found.low_pp, found.high_pp)}"
                    if found
                    else f"{DASH} not tested"
                ),
            )
        console.print(table)
        print_line(console, two_studies.how_to_read(two))
    for name, alone in zip(names, (two.only_first, two.only_second), strict=True):
        if alone:
            listed = ", ".join(dict.fromkeys(f"{c.arm} at {c.size}" for c in alone))
            print_line(console, f"Only in {name}: {listed}.")

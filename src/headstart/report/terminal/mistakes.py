"""Mistakes on test images in a terminal: counts and the most frequent confusions."""

from typing import TYPE_CHECKING

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import plural
from headstart.report.mistakes import confused_text, frequent_confusions, mistakes_sentence
from headstart.report.rows import TaskPair, of_pair
from headstart.report.terminal.console import print_item, print_line

if TYPE_CHECKING:
    from rich.console import Console

_NUM_CONFUSIONS = 3


def print_mistakes(analysis: Analysis, pairs: tuple[TaskPair, ...], console: "Console") -> None:
    """Print what the preferred arm of each pair puts right and breaks at the largest size."""
    for pair in pairs:
        for mistakes in of_pair(analysis.mistakes, pair):
            place = f", {pair}" if len(pairs) > 1 else ""
            size = f" with {plural(mistakes.num_images, 'image')}" if mistakes.num_images else ""
            console.print()
            print_line(console, f"What {mistakes.arm} gets wrong{size}{place}", "bold")
            print_item(console, mistakes_sentence(mistakes))
            confusions = frequent_confusions(of_pair(analysis.confusions, pair))
            if confusions:
                texts = [confused_text(c, mistakes.control) for c in confusions[:_NUM_CONFUSIONS]]
                print_item(console, f"Most frequent: {'; '.join(texts)}.")

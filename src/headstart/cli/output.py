"""An analysis to the terminal, or as JSON, and to its HTML file."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.analyse.analysis import Analysis
from headstart.report.run_summary import RunSummary

if TYPE_CHECKING:
    from headstart.flow import Validated


def show(
    analysis: Analysis,
    summary: RunSummary,
    page: Path,
    *,
    csv: Path | None = None,
    as_json: bool = False,
) -> None:
    """Write the HTML file, and tables to the folder `csv`; print the report, or one JSON document.

    The page goes to `page`.
    """
    from headstart.report.html import write_html

    write_html(analysis, summary, page)
    if csv is not None:
        from headstart.report.tables import write_tables

        write_tables(analysis, csv)
    if as_json:
        from headstart.report.document import document

        sys.stdout.write(document(analysis, summary).model_dump_json(indent=2) + "\n")
        return
    from rich.console import Console

    from headstart.report.terminal import print_report

    print_report(analysis, summary, Console(), page)


def show_validation(done: "Validated", *, as_json: bool) -> None:
    """Print how many verdicts of each kind there were, and whether that is as it should be."""
    found = done.validation
    if as_json:
        told = {**asdict(found), "seconds": round(done.seconds, 1)}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    from rich.console import Console

    from headstart.report.validation import print_validation

    print_validation(found, done.seconds, Console())

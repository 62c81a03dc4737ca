"""An analysis to the terminal, or as JSON, and to its HTML file."""

import sys
from pathlib import Path

from headstart.analyse.analysis import Analysis
from headstart.report.run_summary import RunSummary


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

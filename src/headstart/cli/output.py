"""An analysis to the terminal, or as JSON, and to its HTML file."""

import sys
from pathlib import Path

from headstart.analyse.analysis import Analysis
from headstart.report.run_summary import RunSummary


def show(analysis: Analysis, summary: RunSummary, page: Path, *, as_json: bool) -> None:
    """Write the HTML file and print the report, or one JSON document on stdout."""
    from headstart.report.html import write_html

    write_html(analysis, summary, page)
    if as_json:
        from headstart.report.document import document

        sys.stdout.write(document(analysis, summary).model_dump_json(indent=2) + "\n")
        return
    from rich.console import Console

    from headstart.report.terminal import print_report

    print_report(analysis, summary, Console(), page)

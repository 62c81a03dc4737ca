"""Output of the commands: a report on the terminal or as JSON, the HTML file, CSV tables."""

import json
import shlex
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.cli.arguments import DEFAULT_STORE
from headstart.cli.streams import print_json
from headstart.core.errors import OutputError
from headstart.core.files import obstacle
from headstart.core.printable import printable
from headstart.report.terminal.messages import say

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis
    from headstart.cli.arguments import Files
    from headstart.flow import Validated
    from headstart.report.run_summary import RunSummary


def command_line() -> str:
    """Command that repeats the present one; it can be stored and printed whatever is in it."""
    return printable(shlex.join(["headstart", *sys.argv[1:]]))


def require_writable(files: "Files") -> None:
    """Refuse a page or tables that could not be written, before anything is trained.

    Raises:
        OutputError: something is in the way of the page (a file) or of the tables (a folder).
    """
    wanted = (("--html", files.html, False, "a file"), ("--csv", files.csv, True, "a folder"))
    for option, path, folder, kind in wanted:
        if path is not None and (why := obstacle(path, folder=folder)):
            raise OutputError(
                f"{option} {path} cannot be written: {why}. Give {option} {kind} that is there to "
                "be written or can be made."
            )


def warn(warnings: Iterable[str]) -> None:
    """Print warnings to stderr."""
    say(f"warning: {line}" for line in warnings)


def show(
    analysis: "Analysis",
    summary: "RunSummary",
    store: Path | None,
    files: "Files",
    *,
    as_json: bool = False,
) -> None:
    """Write the HTML file and the tables; print the report, or one JSON document.

    The page goes to `files.html`, or into the `store`; results that no store holds have a page
    where one is asked for. The report is printed even if no file can be written; a page at the
    default path that cannot be written is only reported.

    Raises:
        OutputError: a file that was asked for cannot be written.
    """
    if store not in (None, DEFAULT_STORE):
        option = printable(f" --store {shlex.quote(str(store))}")
        summary = replace(summary, store_option=option)
    page = files.html or (store / "reports" / f"{analysis.study}.html" if store else None)
    failed = []
    for option, write, path in (("--html", _write_page, page), ("--csv", _write_tables, files.csv)):
        try:
            if path is not None:
                write(analysis, summary, path)
        except OSError as error:
            failed.append((option, path, error.strerror or str(error)))
    written = "--html" not in [option for option, _, _ in failed]
    _print(analysis, summary, page if written else None, as_json=as_json)
    if not failed:
        return
    again = summary.command
    if store:
        kept = shlex.join(["headstart", "report", analysis.study, "--store", str(store)])
        again = f"The results are kept in the store; write it with: {kept}"
    message = "\n".join(
        f"{path} cannot be written: {why}. {again} "
        f"{option} {'OTHER.html' if option == '--html' else 'FOLDER'}"
        for option, path, why in failed
    )
    if files.html is None and failed[0][1] == page and len(failed) == 1:
        say([message])
        return
    raise OutputError(message)


def _write_page(analysis: "Analysis", summary: "RunSummary", path: Path) -> None:
    from headstart.report.html.page import write_html

    write_html(analysis, summary, path)


def _write_tables(analysis: "Analysis", _: "RunSummary", folder: Path) -> None:
    from headstart.report.csv_tables import write_tables

    write_tables(analysis, folder)


def _print(
    analysis: "Analysis", summary: "RunSummary", page: Path | None, *, as_json: bool
) -> None:
    if as_json:
        from headstart.report.document import document_text

        print_json(document_text(analysis, summary))
        return
    from rich.console import Console

    from headstart.report.terminal.study import print_report

    print_report(analysis, summary, Console(), page)


def show_validation(done: "Validated", *, as_json: bool) -> None:
    """Print the number of verdicts of each kind, and whether they are as they should be."""
    validation = done.validation
    if as_json:
        values = {**asdict(validation), "seconds": round(done.seconds, 1)}
        print_json(json.dumps(values, indent=2) + "\n")
        return
    from rich.console import Console

    from headstart.report.terminal.validation import print_validation

    print_validation(validation, done.seconds, Console())

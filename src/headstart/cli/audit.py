"""`headstart audit`: slips in notebooks and scripts that their text shows."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import arguments

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Notebooks (.ipynb) and scripts (.py)."),
]


def audit(files: Files, json: arguments.AsJson = False) -> None:
    """Read Keras and PyTorch code, without running it, and point at slips that its text shows.

    Exit code 0: no slip (notes do not count), 1: slips, 2: a file cannot be read.
    """
    from headstart.audit.audit import Audit, audit_file
    from headstart.audit.text import document, lines_of
    from headstart.cli.streams import print_json
    from headstart.core.errors import DataError
    from headstart.core.printable import printable_name
    from headstart.report.terminal.messages import say

    audits: list[Audit] = []
    failed: dict[str, str] = {}
    for path in files:
        try:
            audits.append(audit_file(path))
        except DataError as error:
            failed[printable_name(str(path))] = str(error)
    if json:
        print_json(document(audits, failed))
    elif audits:
        width = min(shutil.get_terminal_size().columns, 110)
        print("\n\n".join("\n".join(lines_of(one, width)) for one in audits))
    say(failed.values())
    if failed:
        sys.exit(2)
    if any(one.slips for one in audits):
        sys.exit(1)

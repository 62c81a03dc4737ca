"""`headstart doctor`: what this installation has, lacks, and what is broken in it."""

import sys

from headstart.cli import arguments


def doctor(
    store: arguments.StoreFolder = arguments.DEFAULT_STORE, json: arguments.AsJson = False
) -> None:
    """Show versions, devices, folders, data, weights and extras; problems first, with what to do.

    Exit status: 0 nothing is broken (an extra may be missing), 1 something is.
    """
    from headstart.cli.streams import print_json
    from headstart.execute.installation.examine import examine

    diagnosis = examine(store)
    if json:
        from headstart.report.doctor_document import diagnosis_text

        print_json(diagnosis_text(diagnosis))
    else:
        from rich.console import Console

        from headstart.report.terminal.doctor import print_diagnosis

        print_diagnosis(diagnosis, Console())
    if diagnosis.problems:
        sys.exit(1)

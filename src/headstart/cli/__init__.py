"""The command line: one file a command, no logic of its own."""

import sys


def main() -> None:
    """Run the command line; errors a user can act on become a message and an exit status.

    0 done, 2 the input is wrong, 3 some trials failed (the rest is there), 130 interrupted.
    """
    try:
        _run()
    except KeyboardInterrupt:  # also while modules are still being loaded
        print(
            "\nheadstart: stopped. What was finished is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        sys.exit(130)


def _run() -> None:
    from headstart.cli.app import Interrupted, app
    from headstart.core.errors import HeadstartError, StoreDamaged, StoreFull

    try:
        app(prog_name="headstart")
    except HeadstartError as error:
        print(f"headstart: {error}", file=sys.stderr)
        sys.exit(3 if isinstance(error, StoreFull | StoreDamaged) else 2)
    except Interrupted:
        raise KeyboardInterrupt from None

"""The command line: one file a command, no logic of its own."""

import gc
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """Run the command line; errors a user can act on become a message and an exit status.

    0 done, 2 the input is wrong, 3 some trials failed (the rest is there), 130 interrupted.
    """
    before, sys.unraisablehook = sys.unraisablehook, _not_lost
    try:
        with _little_looked_for(), _logged():
            _run()
    except KeyboardInterrupt:  # also while modules are still being loaded
        print(
            "\nheadstart: stopped. What was finished is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        sys.exit(130)
    finally:
        sys.unraisablehook = before


@contextmanager
def _little_looked_for() -> Iterator[None]:
    """Of what a command makes nearly all is modules and classes, which stay.

    To look for garbage among them, over and over and once more at the end, takes up to a sixth of a
    short command's time.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.freeze()


@contextmanager
def _logged() -> Iterator[None]:
    """What takes long below tells of itself in the log, which goes to stderr here."""
    log, shown = logging.getLogger("headstart"), logging.StreamHandler()
    shown.setFormatter(logging.Formatter("headstart: %(message)s"))
    log.setLevel(logging.INFO)
    log.addHandler(shown)
    try:
        yield
    finally:
        log.removeHandler(shown)


def _not_lost(ignored: "sys.UnraisableHookArgs") -> None:
    """A Ctrl-C that comes where Python or pydantic lets no exception through comes once more."""
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
    elif hasattr(signal, "pthread_kill"):
        import threading

        main = threading.main_thread().ident or 0
        again = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()  # at once it would come at the same place


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

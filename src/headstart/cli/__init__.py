"""Command line: one file for each command; no logic here."""

import gc
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from headstart.cli.streams import unbreakable_streams


def main() -> None:
    """Run the command line; expected errors become a message and an exit status.

    0 done, 1 a check of verdicts, code, images or the installation found faults, or a run that is
    watched failed, 2 the input is wrong, 3 some trials failed or images are broken (the others are
    done), 130 interrupted.
    """
    before, sys.unraisablehook = sys.unraisablehook, _raise_interrupt_again
    try:
        with _rare_garbage_collection(), unbreakable_streams(), _log_to_stderr():
            _run()
    except KeyboardInterrupt:  # also while modules are being loaded
        print(
            "\nheadstart: stopped. What was finished is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        sys.exit(130)
    finally:
        sys.unraisablehook = before


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Higher threshold of the garbage collector, and no collection at exit.

    Nearly all objects of a command are modules and classes, which are never freed; searching them
    again and again takes up to a sixth of a short command's time.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.freeze()


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    """Handler that prints the messages of slow operations to stderr."""
    log, handler = logging.getLogger("headstart"), _StderrHandler()
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _StderrHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        from headstart.report.terminal.messages import say

        say([record.getMessage()])


def _raise_interrupt_again(ignored: "sys.UnraisableHookArgs") -> None:
    """Hook that repeats a Ctrl-C which arrived where Python or pydantic ignores exceptions."""
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
    elif hasattr(signal, "pthread_kill"):
        import threading

        main = threading.main_thread().ident or 0
        again = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()  # without the delay it would arrive at the same place


def _run() -> None:
    from headstart.cli.app import Interrupted, app
    from headstart.core.errors import HeadstartError, StoreDamaged, StoreFull
    from headstart.report.terminal.messages import say

    try:
        app(prog_name="headstart")
    except HeadstartError as error:
        say([str(error)])
        sys.exit(3 if isinstance(error, StoreFull | StoreDamaged) else 2)
    except Interrupted:
        raise KeyboardInterrupt from None

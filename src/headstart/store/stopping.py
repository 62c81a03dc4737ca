"""A request to stop a run: a file beside its events, for which its process looks.

A file reaches a run on another machine, and can hit no other process that got its number since.
"""

from contextlib import suppress
from pathlib import Path

from headstart.core.errors import StoreError
from headstart.core.holders import signature


def ask_to_stop(run: Path) -> None:
    """Ask the run that writes its events to `run` to stop, as Ctrl-C would.

    Raises:
        StoreError: the folder of its store cannot be written.
    """
    try:
        _request(run).write_text(signature(), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"the run cannot be asked to stop: {error.strerror or error} ({run.parent}). Press "
            "Ctrl-C where it was started."
        ) from error


def asked_to_stop(run: Path) -> bool:
    """Whether somebody has asked the run that writes its events to `run` to stop."""
    try:
        _request(run).stat()
    except OSError:
        return False
    return True


def forget_request(run: Path) -> None:
    """Delete the request to a run that is over."""
    with suppress(OSError):
        _request(run).unlink()


def _request(run: Path) -> Path:
    return run.with_suffix(".stop")

"""The command line as tests call it, in this process or in one of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Call = Callable[..., Ended]


# Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
COMMAND = """
import signal
from headstart.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


def start(*arguments: object, folder: Path) -> "subprocess.Popen[str]":
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )


def refused(ended: Ended, *parts: str, status: int = 2) -> None:
    """Status 2, nothing on stdout, and a message with these parts and no traceback."""
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.lstrip("\n").startswith("headstart: ")
    assert "Traceback" not in ended.err
    for part in parts:
        assert part in ended.err

"""Messages to the user on stderr."""

import sys
from collections.abc import Iterable

from headstart.core.printable import printable


def say(lines: Iterable[str]) -> None:
    """Print messages to stderr; names in them steer no terminal."""
    for line in lines:
        print(f"headstart: {printable(line)}", file=sys.stderr, flush=True)

"""Standard streams that no character can break, whatever their encoding is.

A redirected stream is cp1252 on Windows and ASCII under `LANG=C`; a name that is not UTF-8 cannot
be written to any. Marks of the reports have a plain form there, everything else is escaped.
"""

import codecs
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headstart.core.printable import escaped

ERRORS = "headstart.plain"
MARKS = {
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u2026": "...",
    "\u2192": "->",
    "\u2022": "*",
    "\u2588": "#",
    "\u00b1": "+-",
    "\u00b2": "^2",
    "\u00b7": "*",
    "\u00d7": "x",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
}
"""Plain forms of marks."""


@contextmanager
def unbreakable_streams() -> Iterator[None]:
    """Within the block stdout and stderr take every character."""
    codecs.register_error(ERRORS, _plain)
    streams = [
        stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)
    ]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors=ERRORS)
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            stream.reconfigure(errors=errors)


def print_json(text: str) -> None:
    """Print a JSON document, which is ASCII where stdout is not UTF-8."""
    _print_document(text, lambda char: json.dumps(char)[1:-1])


def print_toml(text: str) -> None:
    """Print a study file, which is ASCII where stdout is not UTF-8."""
    _print_document(text, _number)


def _print_document(text: str, escape: Callable[[str], str]) -> None:
    """Print what programs read as UTF-8; other characters than ASCII lie in its strings alone."""
    if codecs.lookup(sys.stdout.encoding or "utf-8").name != "utf-8":
        text = re.sub(r"[^\x00-\x7f]", lambda found: escape(found[0]), text)
    sys.stdout.write(text)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Handler of characters that a stream cannot encode."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(MARKS.get(char) or _ascii(char) for char in text), error.end


def _ascii(char: str) -> str:
    plain = escaped(char)
    return plain if plain.isascii() else _number(char)


def _number(char: str) -> str:
    """The escape of a character that Python, TOML and, up to U+FFFF, JSON have in common."""
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"

"""Study files: TOML to a table of sections, with the file's name in every error."""

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any

from headstart.core.errors import Problem, SpecError

LARGEST = 1 << 20  # bytes of a study file; the longest recipe has some thousands
DEEPEST = 20  # tables and lists in each other; a study needs six
LONGEST_NUMBER = 18  # digits of a whole number, which then fits into 64 bits
LONG_KEY = re.compile(rf"(?<![\w.\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{DEEPEST}}}")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by the bytes at the start of a file, which editors and PowerShell write."""


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, in UTF-8 or, with a mark at its start, in UTF-16.

    Raises:
        SpecError: the file is missing, unreadable, no text, not TOML, or nested without end.
    """
    try:
        text = study_text(path)
        if LONG_KEY.search(text):  # which tomllib would take minutes for
            raise RecursionError
        table = tomllib.loads(text)
    except FileNotFoundError:
        problem = Problem(where="", message="there is no such file.", fix="Check the path.")
    except IsADirectoryError:
        problem = Problem(
            where="", message="is a folder.", fix="Give the path of a study file (TOML) in it."
        )
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is 0x{error.object[error.start]:02x}"
        problem = Problem(
            where="",
            message=f"is not text in {error.encoding.upper()} ({byte}).",
            fix="Save it as UTF-8 in your editor.",
        )
    except OSError as error:
        problem = Problem(
            where="",
            message=f"cannot be read: {error.strerror or error}.",
            fix="Check its access rights.",
        )
    except tomllib.TOMLDecodeError as error:
        problem = _not_toml(error)
    except RecursionError:
        problem = _TOO_DEEP
    except ValueError:  # Python reads no number of thousands of digits
        problem = _long_number("")
    else:
        found = _bounds(table)
        if not found:
            return table
        raise SpecError(found, str(path))
    raise SpecError([problem], str(path))


def study_text(path: Path) -> str:
    """The text of a study file, with plain ends of lines."""
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(f"it has more than {LARGEST:,} bytes, and is no study file")
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def _not_toml(error: tomllib.TOMLDecodeError) -> Problem:
    message, fix = str(error), "Mend the file at that place."
    if "escape" in message or "'\\'" in message or "hex" in message.lower():
        fix = (
            "A backslash in double quotes begins an escape: write a path with '/' "
            "(\"C:/photos\") or in single quotes ('C:\\photos')."
        )
    return Problem(where="", message=f"is not TOML: {message}.", fix=fix)


_TOO_DEEP = Problem(
    where="",
    message="has tables or lists that are nested too deep.",
    allowed=f"At most {DEEPEST} may lie in each other.",
)


def _long_number(where: str) -> Problem:
    return Problem(
        where=where,
        message="is a whole number of too many digits.",
        allowed=f"At most {LONGEST_NUMBER} digits.",
    )


def _bounds(table: dict[str, Any]) -> list[Problem]:
    """Problems of a table that no part of a study could work with; found without recursion."""
    found: list[Problem] = []
    level: list[tuple[str, Any]] = [("", table)]
    for _ in range(DEEPEST + 1):
        below: list[tuple[str, Any]] = []
        for where, value in level:
            if isinstance(value, dict):
                below += [(f"{where}.{key}" if where else key, one) for key, one in value.items()]
            elif isinstance(value, list):
                below += [(f"{where}[{at}]", one) for at, one in enumerate(value)]
            elif type(value) is int and abs(value) >= 10**LONGEST_NUMBER:
                found.append(_long_number(where))
        level = below
    return [*found, _TOO_DEEP] if level else found

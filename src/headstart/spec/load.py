"""Study files: TOML to a table of sections, with the file's name in every error."""

import tomllib
from pathlib import Path
from typing import Any

from headstart.core.errors import Problem, SpecError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        SpecError: the file is missing, unreadable, not UTF-8 or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = Problem(where="", message="there is no such file.", fix="Check the path.")
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(where="", message=f"cannot be read: {error}.")
    except tomllib.TOMLDecodeError as error:
        problem = Problem(
            where="", message=f"is not TOML: {error}.", fix="Mend the file at that place."
        )
    raise SpecError([problem], str(path))

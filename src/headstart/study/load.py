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
    except IsADirectoryError:
        problem = Problem(
            where="", message="is a folder.", fix="Give the path of a study file (TOML) in it."
        )
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is 0x{error.object[error.start]:02x}"
        problem = Problem(
            where="",
            message=f"is not text in UTF-8 ({byte}).",
            fix="Save it as UTF-8 in your editor.",
        )
    except OSError as error:
        problem = Problem(
            where="",
            message=f"cannot be read: {error.strerror or error}.",
            fix="Check its access rights.",
        )
    except tomllib.TOMLDecodeError as error:
        problem = Problem(
            where="", message=f"is not TOML: {error}.", fix="Mend the file at that place."
        )
    raise SpecError([problem], str(path))

"""The one form of every data fault: where, what was found, what is expected, what to do."""

from pathlib import Path

from headstart.core.errors import DataError, Problem
from headstart.data.catalogue import KNOWN


def fault(where: Path | str, found: str, expected: str = "", fix: str = "") -> DataError:
    """The error to raise for one fault of a data set."""
    return DataError(str(Problem(where=str(where), message=found, allowed=expected, fix=fix)))


def as_path(place: Path) -> str:
    """What to do where files were found under a known name but are others."""
    return f"To use it as it is, give its path as the data set: {place}."


def get_again(place: Path | str) -> str:
    """What to do about a damaged file: known data sets lie in a folder of their name."""
    folders = reversed(Path(place).parent.parts)
    name = next((part for part in folders if part in KNOWN and KNOWN[part].mirrors), None)
    how = f"run `headstart data fetch {name}`" if name else "get it again from where it came"
    return f"Move the file away and {how}."

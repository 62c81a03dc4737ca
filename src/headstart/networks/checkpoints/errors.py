"""The one form of every fault of a weight file: where, what was found, what is allowed, the fix."""

from pathlib import Path

from headstart.core.errors import CheckpointError, Problem


def fault(where: Path | str, found: str, allowed: str = "", fix: str = "") -> CheckpointError:
    """The error to raise for one fault of a weight file."""
    return CheckpointError(str(Problem(where=str(where), message=found, allowed=allowed, fix=fix)))


def listed(names: list[str] | tuple[str, ...], limit: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more if names else "none"

"""Names of archives that a set of photos may be packed in."""

from pathlib import Path

TARS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
ARCHIVES = (".zip", *TARS)
"""What the name of an archive of images ends in."""


def is_archive(name: str | Path) -> bool:
    """Whether a path is that of an archive, by its name."""
    return str(name).lower().endswith(ARCHIVES)


def without_suffix(name: str) -> str:
    """The name of an archive without what says how it is packed."""
    ending = max((end for end in ARCHIVES if name.lower().endswith(end)), key=len, default="")
    return name[: len(name) - len(ending)]

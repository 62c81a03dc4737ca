"""What a place of files holds, by names that can be printed, stored and compared."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headstart.core.errors import DataError
from headstart.core.printable import printable_name
from headstart.data.errors import fault

DEEPEST = 64  # folders in each other
LARGEST = 1 << 28  # bytes of one file: no image is that large, but a bomb is
FREE = 1 << 28  # bytes that any archive or compressed file may unpack to
RATIO = 200  # beyond them at most so many times its own size: images are reduced to a tenth
DRIVE = re.compile(r"[A-Za-z]:")
SHOWN = 3  # links named


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Files and folders by their path inside, parts joined by '/'.

    Names are text that can be printed: what cannot be is escaped, as `caf\\xe9` for a name that is
    not UTF-8. Files that cannot be read as such (pipes, devices, links to nothing) are listed too,
    with size and time 0; to read one is `DamagedFile`.
    """

    files: dict[str, tuple[int, int]]  # size in bytes, time of change in nanoseconds
    folders: frozenset[str]
    num_links: int = 0  # that lead out of the folder and were followed


class DamagedFile(Exception):
    """One file of a folder or an archive cannot be read; the others may well be."""


class Reader(Protocol):
    """What images are read from, by several threads at once."""

    path: Path

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            DamagedFile: it is no regular file, larger than an image may be, or damaged.
            DataError: it cannot be read for another reason.
        """


class Source(Reader, Protocol):
    """A place of files that says which it holds."""

    @property
    def listing(self) -> Listing:
        """What is there; looked up once."""


def hidden(name: str) -> bool:
    """Whether a file or folder is not listed: hidden, or what macOS adds to archives."""
    return name.startswith(".") or name == "__MACOSX"


def inside(path: Path, given: str) -> str:
    """The name of an archive's member with plain separators, empty for the archive's own folder.

    Raises:
        DataError: it leads outside the archive, or is nested too deep.
    """
    name = given.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or DRIVE.match(name) or ".." in parts:
        raise fault(
            path,
            f"holds '{given}', a path that leads outside the archive.",
            "Expected paths such as train/CLASS/image.jpg.",
            "Do not trust this archive; make it anew from a folder of images.",
        )
    check_depth(path, parts)
    return "/".join(map(printable_name, parts))


def check_depth(path: Path, parts: list[str]) -> None:
    """Refuse folders in folders without end.

    Raises:
        DataError: a file lies deeper than any data set needs.
    """
    if len(parts) > DEEPEST:
        raise fault(
            path,
            f"holds folders {len(parts):,} deep ({'/'.join(parts[:3])}/...).",
            f"Expected at most {DEEPEST}, and needed are three: train/CLASS/image.jpg.",
            "Move the images up.",
        )


def folders_above(name: str, folders: set[str]) -> None:
    """Add the folders that an archive's file lies in, for not every archive lists them."""
    folder = name.rpartition("/")[0]
    while folder and folder not in folders:
        folders.add(folder)
        folder = folder.rpartition("/")[0]


def check_size(size: int) -> None:
    """Refuse to read what no image can be.

    Raises:
        DamagedFile: the file is larger.
    """
    if size > LARGEST:
        raise DamagedFile(f"has {size:,} bytes, and one image may have {LARGEST:,}")


def check_unpacked(path: Path, packed: int, unpacked: int) -> None:
    """Refuse what would unpack to far more than data does, before it is unpacked.

    Raises:
        DataError: it would.
    """
    if unpacked > max(FREE, RATIO * packed):
        raise fault(
            path,
            f"would unpack from {packed:,} to {unpacked:,} bytes or more.",
            f"Expected at most {RATIO} times its size, as of images.",
            "Do not trust this file. If it is right, unpack it yourself and give what is in it.",
        )


def no_links(path: Path, links: list[str], fix: str) -> None:
    """Refuse links of an archive that are not followed: what they lead to would be missing.

    Raises:
        DataError: there are any.
    """
    if links:
        more = f" and {len(links) - SHOWN:,} more" if len(links) > SHOWN else ""
        raise fault(
            path,
            f"holds links to what is not in it: {', '.join(links[:SHOWN])}{more}.",
            "Expected the files themselves.",
            fix,
        )


def unreadable(path: Path, error: OSError) -> DataError:
    """The error of a file that the system does not let us read."""
    return fault(
        path,
        f"cannot be read: {error.strerror or error}.",
        fix="Check that it exists and its access rights.",
    )

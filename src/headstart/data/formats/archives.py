"""A folder or a .zip of files, read alike: what it holds by name, and the bytes of one file.

Nothing is unpacked to disk. Hidden files and what macOS adds to archives are not listed.
"""

import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from lzma import LZMAError
from pathlib import Path
from typing import Protocol

from headstart.core.errors import DataError
from headstart.core.hashing import digest
from headstart.data.errors import fault

LARGEST = 1 << 30  # bytes of one file: no image is that large, but a bomb is
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Files and folders by their path inside, parts joined by '/'."""

    files: dict[str, tuple[int, int]]  # size in bytes, time of change in nanoseconds
    folders: frozenset[str]


class DamagedFile(Exception):
    """One file of an archive cannot be unpacked; the others may well be."""


class Reader(Protocol):
    """What images are read from, by several threads at once."""

    path: Path

    def read(self, name: str) -> bytes:
        """The bytes of one file."""


class Source(Reader, Protocol):
    """A place of files that says which it holds."""

    @property
    def listing(self) -> Listing:
        """What is there; looked up once."""


def open_source(path: Path) -> Source:
    """The folder or .zip at `path`, which is open until nobody holds it any more.

    Raises:
        DataError: it is a .zip and damaged, encrypted, or with names that lead outside it.
    """
    return Folder(path) if path.is_dir() else Archive(path)


def stamp_of(paths: tuple[Path, ...]) -> str:
    """A name for the state of files and folders: while it stands, so does their content."""
    return digest([_state(path) for path in paths])


def _state(path: Path) -> list[object]:
    try:
        if path.is_dir():
            listing = Folder(path).listing
            return [str(path.absolute()), listing.files, sorted(listing.folders)]
        state = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return [str(path.absolute()), state.st_size, state.st_mtime_ns]


class Folder:
    """Files on disk. Links are followed, but never back into a folder that leads to them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def listing(self) -> Listing:
        """What is there."""
        files: dict[str, tuple[int, int]] = {}
        folders: set[str] = set()
        try:
            self._scan(self.path, "", (), files, folders)
        except OSError as error:
            raise _unreadable(Path(error.filename or self.path), error) from error
        return Listing(files=files, folders=frozenset(folders))

    def _scan(
        self,
        folder: Path | str,
        prefix: str,
        above: tuple[tuple[int, int], ...],
        files: dict[str, tuple[int, int]],
        folders: set[str],
    ) -> None:
        own = os.stat(folder)
        identity = (own.st_dev, own.st_ino)
        if identity in above:
            return
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if _hidden(entry.name):
                    continue
                name = f"{prefix}{entry.name}"
                if entry.is_dir():
                    folders.add(name)
                    self._scan(entry.path, f"{name}/", (*above, identity), files, folders)
                else:
                    state = entry.stat()
                    files[name] = (state.st_size, state.st_mtime_ns)

    def read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise _unreadable(self.path / name, error) from error


class Archive:
    """A .zip, read in place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        except (zipfile.BadZipFile, ValueError, RuntimeError) as error:
            raise fault(
                path,
                f"is not a whole .zip: {error}.",
                "Expected a .zip of image files.",
                "Make it or fetch it again.",
            ) from error
        self._members: dict[str, zipfile.ZipInfo] = {}

    @cached_property
    def listing(self) -> Listing:
        """What is there, once every name and flag has been found harmless."""
        folders: set[str] = set()
        for info in self._zip.infolist():
            name = self._inside(info.filename)
            if not name or any(_hidden(part) for part in name.split("/")):
                continue
            folder = name if info.is_dir() else name.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
            if not info.is_dir():
                self._check(info, name)
                self._members[name] = info
        # Nothing relies on a time of change that an archive says: a member is as old as the whole.
        changed = self.path.stat().st_mtime_ns
        files = {name: (info.file_size, changed) for name, info in self._members.items()}
        return Listing(files=files, folders=frozenset(folders))

    def _inside(self, given: str) -> str:
        """The name with plain separators; one that leads outside is refused, image or not."""
        name = given.replace("\\", "/")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or DRIVE.match(name) or ".." in parts:
            raise fault(
                self.path,
                f"holds '{given}', a path that leads outside the archive.",
                "Expected paths such as train/CLASS/image.jpg.",
                "Do not trust this archive; make it anew from a folder of images.",
            )
        return "/".join(parts)

    def _check(self, info: zipfile.ZipInfo, name: str) -> None:
        if info.flag_bits & 1:
            raise fault(
                self.path,
                f"is encrypted ({name}).",
                "Expected a .zip without a password.",
                "Unpack it with its password, and give the folder as the data set.",
            )
        if info.file_size > LARGEST:
            raise fault(
                self.path,
                f"holds '{name}' of {info.file_size:,} bytes.",
                f"Expected at most {LARGEST:,} for one image.",
                "Do not trust this archive, or leave this file out.",
            )

    def read(self, name: str) -> bytes:
        try:
            self.listing  # noqa: B018  # which says what member each name is
            return self._zip.read(self._members[name])
        except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError) as error:
            # A RuntimeError is a way of packing that zipfile does not know, or this Python lacks.
            raise DamagedFile(f"cannot be unpacked: {error}") from error
        except OSError as error:
            if error.errno is None:  # bz2 says so of damaged data; the system gives a number
                raise DamagedFile(f"cannot be unpacked: {error}") from error
            raise _unreadable(self.path, error) from error


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _unreadable(path: Path, error: OSError) -> DataError:
    return fault(
        path,
        f"cannot be read: {error.strerror or error}.",
        fix="Check that it exists and its access rights.",
    )

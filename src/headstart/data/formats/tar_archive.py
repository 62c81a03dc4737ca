"""A tar archive of files, packed or not.

A packed one has no way to one file but through all before it: it is unpacked once, as a whole, into
the cache, and read from there like one that is not packed.
"""

import posixpath
import tarfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np

from headstart.core.array_cache import MemmapCache
from headstart.core.errors import DataError
from headstart.core.files import cache_folder
from headstart.core.hashing import digest
from headstart.data.errors import fault, get_again
from headstart.data.formats.compressed import DAMAGE, is_packed, unpacked
from headstart.data.formats.folder import state_of
from headstart.data.formats.listing import (
    FREE,
    DamagedFile,
    Listing,
    check_size,
    check_unpacked,
    folders_above,
    hidden,
    inside,
    no_links,
    unreadable,
)
from headstart.data.progress import Progress, reporting

CHUNK = 4 << 20  # bytes unpacked at a time
LIMIT = 64 << 30  # bytes of all unpacked archives in the cache
LONGEST = 1 << 20  # bytes of one header: names are shorter, but a bomb's are not
TORN = (*DAMAGE, tarfile.TarError, ValueError, RecursionError)


class _Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def seek(self, position: int, /) -> int: ...
    def tell(self) -> int: ...


class TarArchive:
    """A .tar, .tar.gz, .tar.xz or .tar.bz2, known by its first bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opening = Lock()
        self._unpacked: np.ndarray | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        self._damaged: dict[str, str] = {}
        self._end = 0  # of the last file in the unpacked archive, padding included

    @cached_property
    def listing(self) -> Listing:
        """What is there, once every name and size has been found harmless."""
        folders: set[str] = set()
        linked: dict[str, str] = {}
        size, changed = state_of(self.path)
        with self._damage_reported(), self._opened() as file:
            for member in _members(file):
                end = member.offset_data + member.size
                self._end = max(self._end, end + -end % tarfile.BLOCKSIZE)
                check_unpacked(self.path, size, self._end)
                name = inside(self.path, member.name)
                if not name or any(hidden(part) for part in name.split("/")):
                    continue
                folders_above(f"{name}/" if member.isdir() else name, folders)
                if member.issym() or member.islnk():
                    linked[name] = _target(name, member)
                elif not member.isdir():
                    self._add(name, member)
        self._follow(linked)
        files = {name: (member.size, changed) for name, member in self._members.items()}
        files |= dict.fromkeys(self._damaged, (0, 0))
        return Listing(files=files, folders=frozenset(folders))

    def _add(self, name: str, member: tarfile.TarInfo) -> None:
        for place in (self._members, self._damaged):
            place.pop(name, None)  # what was added later is meant
        if not member.isfile():
            self._damaged[name] = "is a pipe or a device, not a file"
        elif member.issparse():
            self._damaged[name] = "is packed as a sparse file"
        else:
            self._members[name] = member

    def _follow(self, linked: dict[str, str]) -> None:
        """Let links stand for the files in the archive that they lead to."""
        lost: list[str] = []
        for name, first in linked.items():
            target, seen = first, {name}
            while target in linked and target not in seen:
                seen.add(target)
                target = linked[target]
            if target in self._members:
                self._members[name] = self._members[target]
            else:
                lost.append(f"{name} to {first}")
        no_links(self.path, lost, "Make it anew with the option --dereference of tar.")

    def read(self, name: str) -> bytes:
        self.listing  # noqa: B018  # which says where each name lies
        if name in self._damaged:
            raise DamagedFile(self._damaged[name])
        member = self._members[name]
        check_size(member.size)
        with self._opening:
            if self._unpacked is None:
                self._unpacked = self._unpack()
        found = self._unpacked[member.offset_data : member.offset_data + member.size].tobytes()
        if len(found) < member.size:
            raise DamagedFile("is cut off at the end of the archive")
        return found

    @contextmanager
    def _opened(self) -> Iterator[_Bytes]:
        """The unpacked archive from its start: as it is, from the cache, or unpacked on the way."""
        cached = self._cache.get(self._name) if is_packed(self.path) else None
        if cached is not None:
            yield _ArrayBytes(cached)
            return
        with unpacked(self.path) as file:
            yield file

    def _unpack(self) -> np.ndarray:
        """All bytes of the unpacked archive, mapped from the file or the cache."""
        with self._damage_reported():
            if not is_packed(self.path):
                return np.memmap(self.path, np.uint8, "r")
            found = self._cache.filled(self._name, (self._end,), np.uint8, self._chunks)
        if found is None:
            raise fault(
                self.path,
                f"cannot be unpacked into {self._cache.folder} ({self._end:,} bytes).",
                "Expected room for it, and a folder that can be written.",
                "Make room, set HEADSTART_CACHE to another folder, or unpack it yourself.",
            )
        return found

    def _chunks(self, first: int) -> Iterator[np.ndarray]:
        work = Progress(
            what="unpacking megabytes", place=self.path, num=self._end >> 20, done=first >> 20
        )
        report = reporting(work)
        with unpacked(self.path) as file:
            file.seek(first)
            while first < self._end:
                chunk = file.read(min(CHUNK, self._end - first))
                if not chunk:
                    raise EOFError("the archive ends too early")
                first += len(chunk)
                yield np.frombuffer(chunk, np.uint8)
                if first >> 20 > work.done:
                    report(first >> 20)

    @property
    def _cache(self) -> MemmapCache:
        return MemmapCache(cache_folder() / "unpacked", LIMIT, lasting=True)

    @property
    def _name(self) -> str:
        return digest([str(self.path.absolute()), *state_of(self.path)])

    @contextmanager
    def _damage_reported(self) -> Iterator[None]:
        """Say in our words what Python's readers meet in damaged bytes."""
        try:
            yield
        except OSError as error:
            if error.errno is not None:  # gzip and bz2 have none for damaged bytes
                raise unreadable(self.path, error) from error
            raise self._torn(error) from error
        except DataError:  # which is a ValueError too
            raise
        except TORN as error:
            raise self._torn(error) from error

    def _torn(self, error: Exception) -> DataError:
        return fault(
            self.path,
            f"is torn or damaged: {error or type(error).__name__}.",
            "Expected a whole tar archive, packed by gzip, xz or bzip2 or not at all.",
            get_again(self.path),
        )


def first_names(path: Path, num: int = 3) -> list[str]:
    """Names of the first files in a tar archive; none where it cannot be read."""
    try:
        with unpacked(path) as file, closing(_members(file)) as members:
            found = []
            for member in members:
                found += [posixpath.basename(member.name)] if member.isfile() else []
                if len(found) == num or member.offset_data + member.size > FREE:
                    break
            return found
    except (OSError, *TORN):
        return []


def _members(file: _Bytes) -> Generator[tarfile.TarInfo]:
    """Headers in an unpacked archive, to its end.

    Raises:
        TarError, EOFError: it is damaged; tarfile alone takes a damaged header for the end.
    """
    bounded = _Bounded(file)
    with tarfile.open(  # type: ignore[call-overload]
        fileobj=bounded, mode="r:", encoding="utf-8", errors="surrogateescape"
    ) as archive:
        yield from archive
        if any(bounded.last):
            raise tarfile.ReadError(f"no header at byte {archive.offset:,}")


class _Bounded:
    """A file whose headers are read, so that no read need be long."""

    def __init__(self, file: _Bytes) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.last = b""

    def read(self, size: int) -> bytes:
        if size > LONGEST:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        self.last = self._file.read(size)
        return self.last


class _ArrayBytes:
    """Bytes of an array as a file."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self._position = array, 0

    def read(self, size: int) -> bytes:
        found = self._array[self._position : self._position + size].tobytes()
        self._position += len(found)
        return found

    def seek(self, position: int) -> int:
        self._position = position
        return position

    def tell(self) -> int:
        return self._position


def _target(name: str, member: tarfile.TarInfo) -> str:
    """What a link leads to: a hard link from the top of the archive, a soft one from its folder."""
    beside = "" if member.islnk() else posixpath.dirname(name)
    return posixpath.normpath(posixpath.join(beside, member.linkname))

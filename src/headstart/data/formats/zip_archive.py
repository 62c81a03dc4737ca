"""A .zip of files, read in place."""

import stat
import struct
import unicodedata
import zipfile
import zlib
from functools import cached_property
from lzma import LZMAError
from pathlib import Path

from headstart.core.files import open_regular
from headstart.data.errors import fault
from headstart.data.formats.folder import state_of
from headstart.data.formats.listing import (
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

ENCRYPTED, UTF_8 = 0x1, 0x800  # flags of a member
UNICODE_PATH = 0x7075  # extra field of Info-ZIP with the name in UTF-8


class ZipArchive:
    """A .zip. Nothing of it is unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            open_regular(path).close()  # a pipe would be read for ever
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise unreadable(path, error) from error
        except (zipfile.BadZipFile, ValueError, RuntimeError, struct.error) as error:
            raise fault(
                path,
                f"is not a whole .zip: {error}.",
                "Expected a .zip of image files.",
                "Make it or fetch it again.",
            ) from error
        self._members: dict[str, zipfile.ZipInfo] = {}

    @cached_property
    def listing(self) -> Listing:
        """What is there, once every name, size and flag has been found harmless."""
        folders: set[str] = set()
        links: list[str] = []
        size, changed = state_of(self.path)
        check_unpacked(self.path, size, sum(info.file_size for info in self._zip.infolist()))
        for info in self._zip.infolist():
            name = inside(self.path, name_of(info))
            if not name or any(hidden(part) for part in name.split("/")):
                continue
            folders_above(f"{name}/" if info.is_dir() else name, folders)
            if stat.S_ISLNK(info.external_attr >> 16):
                links.append(name)
            elif not info.is_dir():
                self._check(info, name)
                self._members[name] = info
        no_links(self.path, links, "Make it anew, without the option -y of zip.")
        # Nothing relies on a time of change that an archive says: a member is as old as the whole.
        files = {name: (info.file_size, changed) for name, info in self._members.items()}
        return Listing(files=files, folders=frozenset(folders))

    def _check(self, info: zipfile.ZipInfo, name: str) -> None:
        if info.flag_bits & ENCRYPTED:
            raise fault(
                self.path,
                f"is encrypted ({name}).",
                "Expected a .zip without a password.",
                "Unpack it with its password, and give the folder as the data set.",
            )

    def read(self, name: str) -> bytes:
        self.listing  # noqa: B018  # which says what member each name is
        info = self._members[name]
        check_size(info.file_size)
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError) as error:
            # A RuntimeError is a way of packing that zipfile does not know, or this Python lacks.
            raise DamagedFile(f"cannot be unpacked: {error}") from error
        except OSError as error:
            if error.errno is None:  # bz2 says so of damaged data; the system gives a number
                raise DamagedFile(f"cannot be unpacked: {error}") from error
            raise unreadable(self.path, error) from error


def name_of(info: zipfile.ZipInfo) -> str:
    """Name of a member as its maker meant it, as far as that can be known.

    Without the flag for UTF-8 a name is in the code page of the machine that made the archive.
    macOS and Linux write UTF-8 there all the same; western Windows has what zipfile takes it for.
    Of any other only the bytes are known, and those that are not ASCII are left as they are.
    """
    if info.flag_bits & UTF_8:
        return info.filename
    guessed = info.orig_filename.partition("\0")[0]
    packed = guessed.encode("cp437")
    try:
        return (_unicode_path(info.extra, packed) or packed).decode("utf-8")
    except UnicodeDecodeError:
        return guessed if _is_latin(guessed) else packed.decode("ascii", "surrogateescape")


def _unicode_path(extra: bytes, packed: bytes) -> bytes:
    """The name in UTF-8 that some archives have beside the other; empty without one."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == UNICODE_PATH and size > 5:
            version, checksum = struct.unpack_from("<BI", extra, 4)
            return extra[9 : 4 + size] if (version, checksum) == (1, zlib.crc32(packed)) else b""
        extra = extra[4 + size :]
    return b""


def _is_latin(name: str) -> bool:
    """Whether all letters are Latin ones: in another code page they come out as lines and marks."""
    return all(char.isascii() or unicodedata.name(char, "").startswith("LATIN ") for char in name)

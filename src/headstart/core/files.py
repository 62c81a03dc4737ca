"""Files: opened if they are files, written whole or not at all, and the folder of caches."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import platformdirs

LONGEST_NAME = 200  # bytes of a file's name that leave room for more: systems take 255


def cache_folder() -> Path:
    """The user's cache for headstart (`$HEADSTART_CACHE`, else the system's place for caches)."""
    given = os.environ.get("HEADSTART_CACHE")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("headstart"))


def path_of(text: str) -> Path:
    """The path that a text means: names are UTF-8 whatever the locale says of them."""
    return Path(os.fsdecode(text.encode("utf-8", "surrogateescape")))


def text_of(path: str | Path) -> str:
    """The same the other way round; bytes that are not UTF-8 become lone surrogates."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def open_regular(path: Path | str) -> BinaryIO:
    """A file opened for reading, at once and if it is a regular one.

    Raises:
        OSError: it cannot be opened, or is a pipe or a device, which could be read for ever.
    """
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"):  # not every system has all of them
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    if kind := special_kind(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    return os.fdopen(descriptor, "rb")


def special_kind(mode: int) -> str:
    """What is there in place of a regular file, by its mode; empty for a file."""
    if stat.S_ISREG(mode):
        return ""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it becomes `path` only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = os.fsencode(path.name)
    short = path.name if len(own) <= LONGEST_NAME else hashlib.sha256(own).hexdigest()
    temporary = path.with_name(f".{short}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def obstacle(path: Path, *, folder: bool) -> str:
    """Why a file (or `folder`) could not be written at `path`; empty where nothing is in the way.

    Nothing is made to find out, so what shows only in writing (a full disk) is not seen.
    """
    # Not `Path.exists`: before Python 3.14 it fails inside a folder that may not be entered.
    if os.path.exists(path) and os.path.isdir(path) != folder:
        return "it is a file" if folder else "it is a folder"
    above = path if folder else path.parent
    while not os.path.exists(above) and above != above.parent:
        above = above.parent
    if not os.path.isdir(above):
        return f"{above} is a file"
    # A file is written beside its place and renamed: what counts is the folder that it is in.
    return "" if os.access(above, os.W_OK | os.X_OK) else f"{above} may not be written to"


def sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system allows a folder to be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

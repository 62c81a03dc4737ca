"""Files: written whole or not at all, locked between processes, and the folder of caches."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock


def cache_folder() -> Path:
    """The user's cache for headstart (`$HEADSTART_CACHE`, else the system's place for caches)."""
    given = os.environ.get("HEADSTART_CACHE")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("headstart"))


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it becomes `path` only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """One process at a time; gives False where files cannot be locked, and then all go on."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire()
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def obstacle(path: Path, *, folder: bool) -> str:
    """Why a file (or `folder`) could not be written at `path`; empty where nothing is in the way.

    Nothing is made to find out, so what shows only in writing (a full disk) is not seen.
    """
    if path.exists() and path.is_dir() != folder:
        return "it is a file" if folder else "it is a folder"
    above = path if folder else path.parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        return f"{above} is a file"
    # A file is written beside its place and renamed: what counts is the folder that it is in.
    return "" if os.access(above, os.W_OK | os.X_OK) else f"{above} may not be written to"


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system allows a folder to be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
